"""Conditions of workflows: the database says for which records they hold, as far as the workflow may see them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from xrm_core.metadata.predicate import parse
from xrm_core.permissions.caller import Caller
from xrm_core.query.context import context_values
from xrm_core.query.predicates import compile_rule, scan
from xrm_core.records.door import Records


def holds(
    records: Records, connection: Connection, caller: Caller, entity: str, where: Mapping[str, Any], id_: str
) -> bool:
    """Whether the caller may see a record, and a condition holds for it now."""
    return bool(ids(records, connection, caller, entity, where, only=id_, limit=1))


def ids(
    records: Records,
    connection: Connection,
    caller: Caller,
    entity: str,
    where: Mapping[str, Any],
    *,
    only: str | None = None,
    after: str | None = None,
    limit: int,
) -> list[str]:
    """Ids of records that the caller may see and for which a condition holds, in their order.

    Raises:
        BadQuery: the condition does not fit the entity.
        Forbidden: the caller may not see such records.
    """
    column, conditions = _conditions(records, connection, caller, entity, where)
    conditions += [column == only] if only is not None else []
    conditions += [column > after] if after is not None else []
    query = select(column).where(*conditions).order_by(column).limit(limit)
    return [str(each) for each in connection.scalars(query, context_values(caller))]


def count(records: Records, connection: Connection, caller: Caller, entity: str, where: Mapping[str, Any]) -> int:
    """How many there are. Raises as :func:`ids`."""
    column, conditions = _conditions(records, connection, caller, entity, where)
    return int(connection.scalar(select(func.count(column)).where(*conditions), context_values(caller)) or 0)


def _conditions(
    records: Records, connection: Connection, caller: Caller, entity: str, where: Mapping[str, Any]
) -> tuple[ColumnElement[Any], list[ColumnElement[bool]]]:
    scope, kind = records.scope(connection, caller), records.model[entity]
    row = scan(scope, kind)
    condition = compile_rule(scope, kind, row, parse(records.model, kind, where), trusted=False)
    return row.source.c.id, [each for each in (row.rule, condition) if each is not None]


def in_window(
    field: str, *, of_days: bool, after: dt.datetime, until: dt.datetime, where: Mapping[str, Any]
) -> dict[str, Any]:
    """A condition, and that a date lies in a time: after ``after``, and not after ``until``."""
    first, last = (
        (after.date().isoformat(), until.date().isoformat())
        if of_days
        else (after.astimezone(dt.UTC).isoformat(), until.astimezone(dt.UTC).isoformat())
    )
    window = {field: {"gt": first, "lte": last}}
    return {"and": [window, dict(where)]} if where else window


def values_of(
    records: Records, connection: Connection, entity: str, field: str, found: Sequence[str]
) -> dict[str, str]:
    """Id → what stands in a field, as text, of some records."""
    table = records.tables[entity]
    column = table.c[records.model[entity][field].columns[0]]
    rows = connection.execute(select(table.c.id, column).where(table.c.id.in_(found)))
    return {str(id_): str(value) for id_, value in rows}
