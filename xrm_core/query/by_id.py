"""Records of any entity by their ids → SQL that gives JSON.

An id is looked up in one entity after the other until it is found: ids are unique among all of them, and an index of
each knows them. COALESCE looks no further than it must, on both databases.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import FromClause, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import ColumnElement

from xrm_core.query.connection import one
from xrm_core.query.operands import JsonList, KnownId
from xrm_core.query.predicates import operand, scan
from xrm_core.query.request import Seen, Selection, TypeName, Value
from xrm_core.query.roots import AnyRecord, AnyRecords
from xrm_core.query.scan import Page, Scope

_MOST_ARGUMENTS = 100
"""SQLite's functions take 127 arguments at most (before 3.49)."""


def any_record(scope: Scope, request: AnyRecord) -> ColumnElement[Any]:
    """The record with an id as a scalar sub-query; NULL if it does not exist for the caller."""
    wanted = select(operand(request.id, KnownId()).label("id")).subquery()
    return select(_found(scope, wanted, wanted.c.id, request.branches)).select_from(wanted).scalar_subquery()


def any_records(scope: Scope, request: AnyRecords) -> ColumnElement[Any]:
    """The records with these ids as an array, in their order."""
    if scope.dialect.name == "postgresql":
        ids = func.unnest(operand(request.ids, ARRAY(KnownId())))
        wanted: Any = ids.table_valued("id", with_ordinality="number").render_derived()
        id_, number = wanted.c.id, wanted.c.number
    else:
        wanted = func.json_each(operand(request.ids, JsonList(KnownId()))).table_valued("value", "key")
        id_, number = wanted.c.value, wanted.c.key
    found = select(_found(scope, wanted, id_, request.branches).label("xrm_json")).select_from(wanted)
    # A LIMIT keeps SQLite from dropping the ORDER BY of a sub-query.
    ordered = found.order_by(number).limit(literal_column("1000000000")).subquery()
    json = scope.json.array(scope.json.nested(ordered.c.xrm_json))
    return select(json).select_from(ordered).scalar_subquery()


def _found(
    scope: Scope, wanted: FromClause, id_: ColumnElement[Any], branches: Mapping[str, Selection]
) -> ColumnElement[Any]:
    outer, looks = Page(wanted), []
    for entity, selection in branches.items():
        found = scan(scope, scope.model[entity], id_only=ids_alone(selection))
        looks.append(one(scope, found, found.source.c.id == id_, selection, outer))
    return _first(looks)


def ids_alone(selection: Selection) -> bool:
    """Whether nothing but the id is asked of a record."""
    return all(
        isinstance(item, TypeName | Seen) or (isinstance(item, Value) and item.field == "id") for item in selection
    )


def _first(values: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
    """The first value that is not NULL, however many there are."""
    while len(values) > 1:
        groups = (values[start : start + _MOST_ARGUMENTS] for start in range(0, len(values), _MOST_ARGUMENTS))
        values = [func.coalesce(*group) if len(group) > 1 else group[0] for group in groups]
    return values[0]
