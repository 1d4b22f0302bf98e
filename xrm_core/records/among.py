"""That an id is one of many: the same text of SQL however many they are, so it is prepared once."""

from typing import Any

from sqlalchemy import Dialect, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import ColumnElement

from xrm_core.query.operands import JsonList, KnownId

MANY = "xrm_ids"
"""Bind name of the list of ids; what is no id is that of no record."""


def among(column: ColumnElement[Any], dialect: Dialect) -> ColumnElement[bool]:
    """The condition that the id in a column is one of those that are bound to :data:`MANY`."""
    if dialect.name == "postgresql":
        return column == func.any(bindparam(MANY, type_=ARRAY(KnownId())))
    wanted = func.json_each(bindparam(MANY, type_=JsonList(KnownId()))).table_valued("value")
    return column.in_(select(wanted.c.value))
