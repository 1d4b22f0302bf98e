"""Orders and the places in them: ORDER BY, keyset conditions, and cursors as clients see them.

An order always ends with the id, in the direction of what stands before it (an index is then read in one direction), so
it is total and a place in it is exact. Empty values sort as the largest, on both
databases and in both directions. A cursor is the values of a record in the order, as JSON in hexadecimal digits, led
by a digest of the order that it belongs to. It gives no rights: whoever forges one only names another place.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, false, or_, select, tuple_
from sqlalchemy.sql import ColumnElement

from xrm_core.errors import BadCursor
from xrm_core.metadata.clock import duration_seconds, time_text
from xrm_core.metadata.model import SYSTEM_FIELDS, Entity, Field, Model
from xrm_core.metadata.types import SPANS, FieldType
from xrm_core.permissions.policy import Action
from xrm_core.query.operands import operand_type
from xrm_core.query.predicates import operand, scan
from xrm_core.query.request import Cursor, Order
from xrm_core.query.scan import Condition, Row, Scope
from xrm_core.storage.folded_sql import folded

ID = SYSTEM_FIELDS[0]
_IN_CURSORS = {FieldType.INTEGER: int, FieldType.BOOLEAN: bool}
"""Types of values in the JSON of a cursor that are not text there."""


@dataclass(frozen=True)
class Sort:
    """One sort criterion as SQL."""

    column: ColumnElement[Any]
    field: Field
    descending: bool
    nullable: bool

    def by(self, *, reverse: bool = False, column: ColumnElement[Any] | None = None) -> ColumnElement[Any]:
        """The term for ORDER BY; ``column`` replaces the expression by its name in an outer query."""
        target = self.column if column is None else column
        descending = self.descending is not reverse
        term = target.desc() if descending else target.asc()
        if not self.nullable:
            return term
        return term.nulls_first() if descending else term.nulls_last()


def fields_of(model: Model, entity: Entity, order: Sequence[Order]) -> tuple[tuple[Order, Field], ...]:
    """The order with the id at its end, each criterion with its field."""
    found: list[tuple[Order, Field]] = []
    for each in order:
        owner = entity
        for name in each.path:
            owner = model[owner[name].reference.targets[0]]
        field = owner[each.field]
        found.append((each, field))
        if not each.path and field == ID:
            return tuple(found)  # nothing can come after a unique value
    return (*found, (Order((), "id", bool(order) and order[-1].descending), ID))


def sorts(scope: Scope, entity: Entity, row: Row, order: Sequence[Order]) -> tuple[Sort, ...]:
    """The criteria as SQL on a row."""
    permission = scope.access.get(entity.name, Action.READ)
    guarded = {} if permission is None else permission.field_rules
    return tuple(
        Sort(
            _column(scope, entity, row, each, field),
            field,
            each.descending,
            # Also a required field is empty where the caller may not see it.
            bool(each.path) or not field.required or guarded.get(field.holder) is not None,
        )
        for each, field in fields_of(scope.model, entity, order)
    )


def _column(scope: Scope, entity: Entity, row: Row, order: Order, field: Field) -> ColumnElement[Any]:
    column = along(scope, entity, row, order.path, field)
    return folded(scope.dialect.name, column, "CASE_AND_ACCENTS") if order.folded else column


def along(scope: Scope, entity: Entity, row: Row, path: tuple[str, ...], field: Field) -> ColumnElement[Any]:
    """The value of a field, reached from a row through to-one relations; empty if one of them is, or is hidden."""
    if not path:
        return row.column(field)
    relation = entity[path[0]]
    target = scan(scope, scope.model[relation.reference.targets[0]])
    value = along(scope, target.entity, target, path[1:], field)
    conditions = [target.source.c.id == row.column(relation), *([] if target.rule is None else [target.rule])]
    return select(value).select_from(target.source).where(*conditions).correlate(row.source).scalar_subquery()


def beyond(criteria: Sequence[Sort], cursor: Cursor, *, backward: bool) -> Condition:
    """The condition that a record lies after the cursor (before it, if ``backward``)."""
    values = [operand(value, operand_type(sort.field)) for sort, value in zip(criteria, cursor.values, strict=True)]
    descending = [sort.descending is not backward for sort in criteria]
    if len(set(descending)) == 1 and not any(sort.nullable for sort in criteria):
        # A row comparison is one range of an index.
        left, right = tuple_(*(sort.column for sort in criteria)), tuple_(*values)
        return left < right if descending[0] else left > right
    steps: list[Condition] = []
    equal: list[Condition] = []
    for sort, value, down, null in zip(criteria, values, descending, cursor.nulls, strict=True):
        if null:
            steps.append(and_(*equal, sort.column.is_not(None)) if down else false())
            equal.append(sort.column.is_(None))
        else:
            after = sort.column < value if down else sort.column > value
            if sort.nullable and not down:
                after = or_(after, sort.column.is_(None))
            steps.append(and_(*equal, after))
            equal.append(sort.column == value)
    return or_(*steps)


def digest(entity: Entity, order: Sequence[Order]) -> str:
    """A short word that a cursor of this order begins with; it has the form of a name."""
    text = repr((entity.name, [(each.path, each.field, each.descending, each.folded) for each in order]))
    return "o" + hashlib.sha256(text.encode()).hexdigest()[:8]


def decode(text: str, model: Model, entity: Entity, order: Sequence[Order]) -> tuple[Any, ...]:
    """The values in a cursor that a client sent.

    Raises:
        BadCursor: if it is damaged or belongs to another list or order.
    """
    try:
        mark, *values = json.loads(bytes.fromhex(text).decode())
        expected = fields_of(model, entity, order)
        if mark != digest(entity, order) or len(values) != len(expected) or values[-1] is None:
            raise ValueError
        for value, (_, field) in zip(values, expected, strict=True):
            _check(value, field)
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise BadCursor(
            "The cursor is damaged or belongs to another list or order.",
            hint="Use a cursor as it came from an edge or pageInfo of the same field with the same orderBy.",
        ) from error
    return tuple(values)


def _check(value: Any, field: Field) -> None:
    """Raise ValueError, TypeError or ArithmeticError unless the value could be one of the field."""
    if value is None:
        return
    expected: Any = _IN_CURSORS.get(field.type, str)
    if type(value) is not expected:
        raise TypeError
    match field.type:
        case FieldType.INTEGER | FieldType.BIG_INTEGER:
            least, greatest = SPANS[field.type]
            fits = least <= int(value) <= greatest
        case FieldType.TIME:
            fits = bool(time_text(value))
        case FieldType.DURATION:
            fits = duration_seconds(value) >= 0
        case FieldType.DECIMAL:
            number = Decimal(value)
            fits = number.is_finite() and abs(number.adjusted()) < 40
        case FieldType.DATE:
            fits = dt.date.fromisoformat(value) is not None
        case FieldType.DATETIME:
            fits = dt.datetime.fromisoformat(value).astimezone(dt.UTC) is not None
        case _:
            fits = b"\0" not in str(value).encode()
    if not fits:
        raise ValueError
