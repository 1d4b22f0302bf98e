"""Expression of a computed field → SQL that gives the same value on both databases and cannot raise an error.

An empty operand makes the result empty, save in IS NULL, COALESCE, CASE, CONCAT and where AND and OR are decided by
the other side.
"""

import datetime as dt
from collections.abc import Callable
from functools import reduce
from typing import Any

from sqlalchemy import (
    Boolean,
    Date,
    DateTime,
    Integer,
    Numeric,
    Text,
    and_,
    case,
    cast,
    collate,
    extract,
    func,
    literal,
    literal_column,
    not_,
    null,
    or_,
    type_coerce,
)
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.types import NullType

from xrm_core.metadata.clock import instant_text
from xrm_core.metadata.expression import MAX_TEXT, Kind, Node
from xrm_core.metadata.expression_typing import shift_of
from xrm_core.metadata.model import Entity, Field
from xrm_core.query.numbers import Numbers, Units
from xrm_core.storage.columns import String, column_type

Sql = ColumnElement[Any]
Leaf = Callable[[Field], Sql]

_LAST_DAY = 3_652_058
"""9999-12-31, counted from 0001-01-01."""

_FIRST_JULIAN = "1721425.5"
"""0001-01-01 as SQLite counts days."""


def expression_sql(dialect: str, entity: Entity, field: Field, leaf: Leaf) -> Sql:
    """The value of a computed field as a column of its type would have it.

    Args:
        dialect: ``sqlite`` or ``postgresql``.
        entity: whose field it is.
        field: the computed field.
        leaf: gives the column of a field that the expression uses.
    """
    return _Compiler(dialect, entity, leaf).stored(entity.expressions[field.name], field)


class _Compiler:
    def __init__(self, dialect: str, entity: Entity, leaf: Leaf) -> None:
        self._postgres = dialect == "postgresql"
        self._entity = entity
        self._leaf = leaf
        self._numbers = Numbers(dialect)

    def stored(self, node: Node, field: Field) -> Sql:
        """See :func:`expression_sql`."""
        if node.type.kind is Kind.NUMBER:
            return self._numbers.stored(self.number(node), field)
        value = self.value(node)
        if node.type.kind is Kind.TEXT:
            value = self._bytewise(value)
        elif node.type.kind is Kind.BOOLEAN:
            # A value, no longer a condition: so it is one operand of whatever it is put into.
            value = cast(value, Boolean() if self._postgres else Integer())
        return type_coerce(value, column_type(field))

    def value(self, node: Node) -> Sql:
        """The SQL of a node; of a number, its units."""
        if node.type.kind is Kind.NUMBER:
            return self.number(node).sealed
        match node.op:
            case "field":
                return self._field(node)
            case "literal":
                return self._literal(node)
            case "coalesce":
                return func.coalesce(*map(self.value, node.args))
            case "nullif":
                one, other = (self._comparable(each) for each in node.args)
                return case((one == other, self._nothing(node.type.kind)), else_=self.value(node.args[0]))
            case "case":
                pairs = [
                    (self.value(node.args[i]), self.value(node.args[i + 1])) for i in range(0, len(node.args) - 1, 2)
                ]
                return case(*pairs, else_=self.value(node.args[-1]))
            case "least" | "greatest":
                return self._extreme(node.op, [self._comparable(each) for each in node.args])
        by_kind = {Kind.TEXT: self._text, Kind.BOOLEAN: self._boolean}
        return by_kind.get(node.type.kind, self._date)(node)

    def _field(self, node: Node) -> Sql:
        column = type_coerce(self._leaf(self._entity[node.value]), NullType())
        if node.type.kind is Kind.BOOLEAN and not self._postgres:
            return column == literal_column("1")
        return column

    def _literal(self, node: Node) -> Sql:
        kind, value = node.type.kind, node.value
        if value is None:
            return self._nothing(kind)
        if kind is Kind.BOOLEAN:
            word = str(value).lower() if self._postgres else str(int(value))
            return literal_column(word, Boolean())
        if kind is Kind.DATE:
            return literal_column(f"DATE '{value}'" if self._postgres else f"'{value}'")
        if kind is Kind.DATETIME:
            moment = instant_text(dt.datetime.fromisoformat(value))
            return literal_column(f"TIMESTAMP WITH TIME ZONE '{moment}'" if self._postgres else f"'{moment}'")
        return literal(value, String())

    def _nothing(self, kind: Kind) -> Sql:
        if not self._postgres:
            return null()
        types: dict[Kind, Any] = {Kind.TEXT: Text(), Kind.BOOLEAN: Boolean(), Kind.DATE: Date(), Kind.NUMBER: Numeric()}
        return cast(null(), types.get(kind, DateTime(timezone=True)))

    # -- numbers ------------------------------------------------------------------------------------------------------

    def number(self, node: Node) -> Units:
        """The units of a number."""
        numbers, scale = self._numbers, node.type.scale
        match node.op:
            case "field":
                field = self._entity[node.value]
                return numbers.of_column(self._leaf(field), field)
            case "literal":
                return numbers.constant(node.value, scale)
            case "+" | "-" | "*" | "%":
                one, other = map(self.number, node.args)
                work = {"+": numbers.add, "-": numbers.subtract, "*": numbers.multiply, "%": numbers.modulo}
                return work[node.op](one, other)
            case "/":
                one, places = self.number(node.args[0]), shift_of(node.args[1])
                if places is not None and scale == one.scale + places:
                    return numbers.shift(one, places)
                return numbers.divide(one, self.number(node.args[1]), scale)
            case "neg":
                return numbers.negate(self.number(node.args[0]))
            case "abs":
                return numbers.absolute(self.number(node.args[0]))
            case "floor" | "ceil":
                return numbers.floor(self.number(node.args[0]), up=node.op == "ceil")
            case "round":
                return numbers.round(self.number(node.args[0]), node.value)
            case "length":
                return numbers.of_integer(func.length(self.value(node.args[0])), node.type.bound)
            case "days":
                return numbers.of_integer(self._days_between(node), node.type.bound)
            case "year" | "month" | "day":
                return numbers.of_integer(self._part_of_date(node), node.type.bound)
        return self._chosen(node)

    def _chosen(self, node: Node) -> Units:
        """One of several numbers: all are brought to the same digits, and empty ones do not spoil the others."""
        numbers, scale = self._numbers, node.type.scale

        def ready(each: Node) -> Sql:
            return numbers.align(self.number(each), scale).sealed

        match node.op:
            case "coalesce":
                sql: Sql = func.coalesce(*map(ready, node.args))
            case "least" | "greatest":
                sql = self._extreme(node.op, list(map(ready, node.args)))
            case "nullif":
                one, other = (each.sealed for each in numbers.aligned([self.number(each) for each in node.args]))
                sql = case((one == other, self._nothing(Kind.NUMBER)), else_=ready(node.args[0]))
            case _:
                args = node.args
                pairs = [(self.value(args[i]), ready(args[i + 1])) for i in range(0, len(args) - 1, 2)]
                sql = case(*pairs, else_=ready(args[-1]))
        return Units(sql, scale, min(node.type.bound, 10**18 - 1))

    def _extreme(self, op: str, parts: list[Sql]) -> Sql:
        if not self._postgres:
            return (func.min if op == "least" else func.max)(*parts)
        # PostgreSQL would pass over empty ones; here, as everywhere, they make the result empty.
        return case((and_(*(each.is_not(None) for each in parts)), getattr(func, op)(*parts)))

    # -- texts --------------------------------------------------------------------------------------------------------

    def _bytewise(self, value: Sql) -> Sql:
        """Text that is compared by its code points, as columns are."""
        return collate(value, "C") if self._postgres else value

    def _text(self, node: Node) -> Sql:
        match node.op:
            case "||":
                return reduce(lambda one, other: one.concat(other), map(self._written, node.args))
            case "concat":
                empty: Sql = literal_column("''")
                return reduce(
                    lambda one, other: one.concat(other),
                    (func.coalesce(self._written(each), empty) for each in node.args),
                )
            case "lower" | "upper":
                function = func.lower if node.op == "lower" else func.upper
                return function(self._bytewise(self.value(node.args[0])))
            case "substr":
                return self._substr(node)
        function = func.trim if node.op == "trim" else func.replace
        return function(*map(self.value, node.args))

    def _written(self, node: Node) -> Sql:
        """A text, number or date as text."""
        if node.type.kind is Kind.NUMBER:
            return self._numbers.text(self.number(node))
        value = self.value(node)
        if node.type.kind is Kind.DATE and self._postgres:
            return func.to_char(value, literal_column("'YYYY-MM-DD'"))
        return cast(value, Text) if node.type.kind is Kind.EMPTY else value

    def _substr(self, node: Node) -> Sql:
        """Places before the first character, and negative lengths, mean different things: here the result is empty."""
        most: Sql = literal_column(str(MAX_TEXT))
        places: list[Sql] = []
        possible: list[Sql] = []
        for each, least in zip(node.args[1:], (1, 0), strict=False):
            place = self.value(each)
            possible.append(place >= literal_column(str(least)))
            if self._postgres:
                places.append(cast(func.least(place, most), Integer))
            else:
                places.append(func.min(place, most))
        return case((and_(*possible), func.substr(self.value(node.args[0]), *places)))

    # -- conditions ---------------------------------------------------------------------------------------------------

    def _comparable(self, node: Node) -> Sql:
        value = self.value(node)
        return self._bytewise(value) if node.type.kind is Kind.TEXT else value

    def _sides(self, node: Node) -> list[Sql]:
        if node.args[0].type.kind is Kind.NUMBER:
            return [each.sealed for each in self._numbers.aligned([self.number(each) for each in node.args])]
        return [self._comparable(each) for each in node.args]

    def _boolean(self, node: Node) -> Sql:
        match node.op:
            case "and":
                return and_(*map(self.value, node.args))
            case "or":
                return or_(*map(self.value, node.args))
            case "not":
                # SQLAlchemy leaves NOT x IS NULL without brackets, which is NOT (x IS NULL).
                return Grouping(not_(self.value(node.args[0])))
            case "is null":
                return self.value(node.args[0]).is_(None)
            case "is not null":
                return self.value(node.args[0]).is_not(None)
        one, *others = self._sides(node)
        if node.op == "in":
            return one.in_(others)
        return one.op(node.op, precedence=5, is_comparison=True, return_type=Boolean())(others[0])

    # -- dates --------------------------------------------------------------------------------------------------------

    def _date(self, node: Node) -> Sql:
        match node.op:
            case "today":
                if self._postgres:
                    return cast(func.timezone(literal_column("'UTC'"), func.now()), Date)
                return func.date(literal_column("'now'"))
            case "date":
                return self._day(self.value(node.args[0]), node.args[0])
            case "+ days" | "- days":
                return self._moved(node)
        raise TypeError(f"no SQL for {node.op}")

    def _day(self, value: Sql, node: Node) -> Sql:
        """The day in UTC of a date or a moment."""
        if node.type.kind is Kind.DATE:
            return value
        if self._postgres:
            return cast(func.timezone(literal_column("'UTC'"), value), Date)
        return func.substr(value, literal_column("1"), literal_column("10"))

    def _days_between(self, node: Node) -> Sql:
        later, earlier = map(self.value, node.args)
        if self._postgres:
            return later.op("-", precedence=7)(earlier)
        return cast(func.julianday(later) - func.julianday(earlier), Integer)

    def _part_of_date(self, node: Node) -> Sql:
        day = self._day(self.value(node.args[0]), node.args[0])
        if self._postgres:
            return extract(node.op, day)
        start, length = {"year": ("1", "4"), "month": ("6", "2"), "day": ("9", "2")}[node.op]
        return cast(func.substr(day, literal_column(start), literal_column(length)), Integer)

    def _moved(self, node: Node) -> Sql:
        """Empty outside of the years 1 to 9999."""
        day, count = self.value(node.args[0]), self.value(node.args[1])
        first: Sql = literal_column("DATE '0001-01-01'" if self._postgres else _FIRST_JULIAN)
        if self._postgres:
            since: Sql = cast(day.op("-", precedence=7)(first), Numeric)
        else:
            since = cast(func.julianday(day) - first, Integer)
        total = since + count if node.op == "+ days" else since - count
        possible = total.between(literal_column("0"), literal_column(str(_LAST_DAY)))
        if self._postgres:
            return case((possible, first.op("+", precedence=7)(cast(total, Integer))))
        return case((possible, func.date(total + first)))
