"""Root fields of queries that plugins bring: typed functions that ask for records with the rights of their caller."""

from xrm_core.graphql.query_fields.context import QueryContext
from xrm_core.graphql.query_fields.query_field import QueryField
from xrm_core.graphql.query_fields.registry import QueryFields
from xrm_core.records.actions.shapes import RecordOf

__all__ = ["QueryContext", "QueryField", "QueryFields", "RecordOf"]
