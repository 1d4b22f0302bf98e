"""Which record one has become part of."""

from typing import Any

from sqlalchemy import ColumnElement, select

from xrm_core.metadata.model import Entity
from xrm_core.query.sql_json import constant
from xrm_core.query.trash import former_names
from xrm_core.storage.merge_tables import MERGE


def merged_into(entity: Entity, id_: ColumnElement[Any]) -> ColumnElement[Any]:
    """The id of the record into which that with this id was merged; NULL: it was not. Whether somebody sees that
    record is for a scan of it to say.
    """
    merge = MERGE.alias()
    names = [constant(name) for name in former_names(entity)]
    return select(merge.c.into_id).where(merge.c.entity.in_(names), merge.c.record_id == id_).scalar_subquery()
