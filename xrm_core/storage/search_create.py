"""Indexes for searches when SQLAlchemy makes all tables of a model at once: it knows neither their parts nor needs."""

from typing import Any

from sqlalchemy import DDL, Connection, MetaData, Table, event
from sqlalchemy.schema import ExecutableDDLElement

from xrm_core.storage.extensions import SCHEMA
from xrm_core.storage.search_index import EXTENSION
from xrm_core.storage.search_sqlite import creation
from xrm_core.storage.search_text import function_sql


def create_along(table: Table) -> None:
    """When a table is made, make its index for searches along with it."""
    event.listen(table, "after_create", _after_table)
    if not event.contains(table.metadata, "before_create", _before_tables):
        event.listen(table.metadata, "before_create", _before_tables)


def _before_tables(_metadata: MetaData, connection: Connection, **_: Any) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(_ddl(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        connection.execute(_ddl(f"CREATE EXTENSION IF NOT EXISTS {EXTENSION} SCHEMA {SCHEMA}"))
        connection.execute(_ddl(function_sql()))


def _after_table(table: Table, connection: Connection, **_: Any) -> None:
    if connection.dialect.name == "sqlite":
        for statement in creation(table).values():
            connection.execute(_ddl(statement))


def _ddl(statement: str) -> ExecutableDDLElement:
    return DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
