"""A record as it was at a moment: its values of now, less what has become of them since.

So it reaches back as far as the log does, also for a record whose creation is not in it any more.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, exists, func, literal, literal_column, not_, null, or_, select
from sqlalchemy import case as sql_case

from xrm_core.metadata.model import AMOUNT, Entity, Field
from xrm_core.metadata.predicate import EVERYTHING, NOTHING
from xrm_core.metadata.types import FieldType
from xrm_core.permissions.policy import Action
from xrm_core.query.history import Values, holds, named, values_of, visible
from xrm_core.query.predicates import operand
from xrm_core.query.request import AsOf, TypeName
from xrm_core.query.scan import Condition, Row, Scope
from xrm_core.query.sql_json import Pair, constant
from xrm_core.storage.change_tables import CHANGE, CHANGE_BATCH
from xrm_core.storage.columns import Instant


def as_of_json(scope: Scope, entity: Entity, row: Row, item: AsOf) -> ColumnElement[Any]:
    """The record at a moment as an object; NULL: it was not there, or the log cannot tell, or nobody may see it."""
    table = scope.tables[entity.name].alias()
    at = operand(item.at, Instant())
    granted = scope.access.get(entity.name, Action.HISTORY)
    rule = NOTHING if granted is None else granted.rule
    lost = select(literal(1)).select_from(CHANGE_BATCH).where(CHANGE_BATCH.c.removed, CHANGE_BATCH.c.sealed_at > at)
    conditions: list[Condition] = [
        table.c.id == row.source.c.id,
        table.c.created_at <= at,
        func.coalesce(_last(entity, table, at, "operation"), constant("create")) != constant("delete"),
        not_(exists(lost)),
    ]
    if rule != EVERYTHING:
        conditions.append(holds(scope, entity, row, [rule]))
    json = scope.json.object(list(_pairs(scope, entity, row, table, at, item)))
    return select(json).select_from(table).where(*conditions).correlate(row.source).scalar_subquery()


def _pairs(scope: Scope, entity: Entity, row: Row, table: Any, at: Any, item: AsOf) -> Iterator[Pair]:
    for part in item.parts:
        if isinstance(part, TypeName):
            yield part.key, constant(part.name)
        elif part[1] == "values":
            fields = [
                (shown, _value(scope, entity, row, table, at, entity[name])) for name, shown in item.fields.items()
            ]
            yield part[0], scope.json.nested(scope.json.object(fields))
        else:
            yield part[0], _last(entity, table, at, part[1])


def _last(entity: Entity, table: Any, at: Any, column: str) -> ColumnElement[Any]:
    """A column of the last change until then."""
    change = CHANGE.alias()
    mine = (change.c.record_id == table.c.id, change.c.entity == constant(entity.name), change.c.at <= at)
    query = select(change.c[column]).select_from(change).where(*mine).order_by(change.c.id.desc())
    return query.limit(literal_column("1")).correlate(table).scalar_subquery()


def _value(scope: Scope, entity: Entity, row: Row, table: Any, at: Any, field: Field) -> ColumnElement[Any]:
    change = CHANGE.alias()
    values = values_of(scope, change)
    conditions = (
        change.c.record_id == table.c.id,
        change.c.entity == constant(entity.name),
        # Not those that are dated later: a clock that was set back would mix the fields of two states.
        change.c.id > func.coalesce(_last(entity, table, at, "id"), literal_column("0")),
        values.key == constant(field.name),
    )
    first = select(_former(scope, field, values)).select_from(change, values.each).where(*conditions)
    former = first.order_by(change.c.id).limit(literal_column("1")).correlate(table).scalar_subquery()
    since = select(literal(1)).select_from(change, values.each).where(*conditions).correlate(table)
    found = sql_case((exists(since), scope.json.nested(former)), else_=_now(scope, table, field))
    allowed = named(scope, entity, row, field.name, constant("x"))
    return scope.json.nested(sql_case((allowed.is_not(None), found), else_=null()))


def _former(scope: Scope, field: Field, values: Values) -> ColumnElement[Any]:
    """What a change says that the field was before it."""
    json = values.json(newer=False)
    if field.relation is None:
        return json
    relation = field.reference
    seen = [
        visible(scope, each, values.text(each if relation.polymorphic else None, newer=False), values.page, values.each)
        for each in relation.targets
    ]
    return sql_case((or_(*seen), json), else_=null())


def _now(scope: Scope, table: Any, field: Field) -> ColumnElement[Any]:
    """The value of the field now, in the form of the log."""
    if field.type is FieldType.MONEY:
        parts = field.parts
        pairs = [(name, scope.json.value(part, table.c[part.columns[0]])) for name, part in parts.items()]
        there = table.c[parts[AMOUNT].columns[0]].is_not(None)
        return scope.json.nested(sql_case((there, scope.json.object(pairs)), else_=null()))
    if field.relation is None:
        return scope.json.nested(_quoted(scope, scope.json.value(field, table.c[field.columns[0]])))
    branches = []
    for target, column in zip(field.reference.targets, field.columns, strict=True):
        id_ = table.c[column]
        json = scope.json.object([(target, id_)]) if field.reference.polymorphic else _quoted(scope, id_)
        branches.append((visible(scope, target, id_, table), json))
    return scope.json.nested(sql_case(*branches, else_=null()))


def _quoted(scope: Scope, value: ColumnElement[Any]) -> ColumnElement[Any]:
    """A value as JSON text of its own, to stand beside other JSON in a CASE."""
    return func.to_json(value) if scope.dialect.name == "postgresql" else func.json_quote(value)
