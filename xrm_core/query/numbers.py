"""Exact arithmetic that neither database can fail at, and that gives both the same digits.

A number is a count of smallest units (12.50 at scale 2: 1250 units): a 64-bit integer on SQLite, a NUMERIC without
digits after the point on PostgreSQL. Where a result could have more than 18 digits, a check goes along with it, and
what fails its check is empty in the end. (SQLite turns an integer that overflows into a float, which fails the check.)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import BigInteger, Integer, Numeric, Text, and_, case, cast, func, literal_column, type_coerce
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import NullType

from xrm_core.metadata.expression import LARGEST
from xrm_core.metadata.model import Field
from xrm_core.metadata.types import SPANS, FieldType
from xrm_core.query.sql_json import decimal_digits
from xrm_core.storage.columns import column_type

Sql = ColumnElement[Any]
_INT64 = SPANS[FieldType.BIG_INTEGER]


@dataclass(frozen=True)
class Units:
    """A number as SQL, with the greatest size that it can have (``bound``, in units) and what has to hold for it."""

    sql: Sql
    scale: int
    bound: int
    checks: tuple[ColumnElement[bool], ...] = ()

    @property
    def sealed(self) -> Sql:
        """The number, empty if a check fails: for operations that do not pass an empty value on."""
        return case((and_(*self.checks), self.sql)) if self.checks else self.sql


class Numbers:
    """Arithmetic on units for one database."""

    def __init__(self, dialect: str) -> None:
        self._postgres = dialect == "postgresql"

    # -- in and out ---------------------------------------------------------------------------------------------------

    def of_column(self, column: Sql, field: Field) -> Units:
        """A stored number, or another one that looks like a column of the field; of money, its amount."""
        if field.type in (FieldType.DECIMAL, FieldType.MONEY):
            plain: Sql = type_coerce(column, NullType())
            sql: Sql = plain * _integer(10**field.scale) if self._postgres else plain
            return Units(sql, field.scale, 10**field.precision - 1)
        return self.of_integer(column, -SPANS[field.type][0])

    def of_integer(self, sql: Sql, bound: int) -> Units:
        """A whole number of the database's own type."""
        return self._checked(cast(sql, Numeric) if self._postgres else type_coerce(sql, NullType()), 0, bound)

    def constant(self, units: int | None, scale: int) -> Units:
        """A number that is known, or no number."""
        word = "NULL" if units is None else str(units)
        sql: Sql = literal_column(
            f"CAST({word} AS NUMERIC)" if self._postgres else f"({word})" if "-" in word else word
        )
        return Units(sql, scale, abs(units or 0))

    def stored(self, number: Units, field: Field) -> Sql:
        """The number as a column of the field would have it: rounded to its digits, empty if it does not fit."""
        decimal = field.type is FieldType.DECIMAL
        scale = field.scale if decimal else 0
        number = self.round(number, scale) if number.scale > scale else self.align(number, scale)
        least, most = (1 - 10**field.precision, 10**field.precision - 1) if decimal else SPANS.get(field.type, _INT64)
        if number.bound > most:
            fits = number.sql.between(_integer(least), _integer(most))
            number = replace(number, checks=(*number.checks, fits))
        if self._postgres:
            whole = Integer() if field.type is FieldType.INTEGER else BigInteger()
            value = func.round(number.sql * _fraction(scale), _integer(scale)) if decimal else cast(number.sql, whole)
            number = replace(number, sql=value)
        return type_coerce(number.sealed, column_type(field))

    def text(self, number: Units) -> Sql:
        """The number as text with all its digits."""
        if self._postgres:
            return cast(func.round(number.sealed * _fraction(number.scale), _integer(number.scale)), Text)
        return decimal_digits(number.sealed, number.scale)

    # -- operations ---------------------------------------------------------------------------------------------------

    def align(self, number: Units, scale: int) -> Units:
        """The same number with more digits after the point."""
        if scale == number.scale:
            return number
        factor = 10 ** (scale - number.scale)
        return self._checked(number.sql * _integer(factor), scale, number.bound * factor, number)

    def aligned(self, numbers: Sequence[Units]) -> list[Units]:
        """The numbers with the digits after the point that the longest has."""
        scale = max(each.scale for each in numbers)
        return [self.align(each, scale) for each in numbers]

    def add(self, one: Units, other: Units) -> Units:
        """Both by ``+``."""
        left, right = self.aligned([one, other])
        return self._checked(left.sql + right.sql, left.scale, left.bound + right.bound, left, right)

    def subtract(self, one: Units, other: Units) -> Units:
        """Both by ``-``."""
        left, right = self.aligned([one, other])
        return self._checked(left.sql - right.sql, left.scale, left.bound + right.bound, left, right)

    def multiply(self, one: Units, other: Units) -> Units:
        """Both by ``*``."""
        return self._checked(one.sql * other.sql, one.scale + other.scale, one.bound * other.bound, one, other)

    def shift(self, number: Units, places: int) -> Units:
        """A division by 10, 100, …: the same units are worth less."""
        return replace(number, scale=number.scale + places)

    def divide(self, one: Units, other: Units, scale: int) -> Units:
        """A quotient with so many digits after the point, halves away from zero; empty for a divisor of zero."""
        units = self.align(one, scale + other.scale)
        half = case(((units.sql < _ZERO) == (other.sql < _ZERO), other.sql), else_=-other.sql)
        double = func.nullif(other.sql * _TWO, _ZERO)
        sql = self._whole(units.sql * _TWO + half, double)
        return Units(sql, scale, units.bound, (*units.checks, *other.checks))

    def modulo(self, one: Units, other: Units) -> Units:
        """The rest of a division, with the sign of the first number."""
        left, right = self.aligned([one, other])
        rest = _rest(left.sql, func.nullif(right.sql, _ZERO))
        return Units(rest, left.scale, min(left.bound, right.bound), (*left.checks, *right.checks))

    def negate(self, number: Units) -> Units:
        """The number with the other sign."""
        return replace(number, sql=-number.sql)

    def absolute(self, number: Units) -> Units:
        """The number without its sign. SQLite's own ``abs`` fails at the least integer."""
        sql = func.abs(number.sql) if self._postgres else func.max(number.sql, -number.sql)
        return replace(number, sql=sql)

    def round(self, number: Units, scale: int) -> Units:
        """Fewer digits after the point, halves away from zero."""
        size = 10 ** (number.scale - scale)
        half = case((number.sql < _ZERO, _integer(-(size // 2))), else_=_integer(size // 2))
        sql = self._whole(number.sql + half, _integer(size))
        return replace(number, sql=sql, scale=scale, bound=min(number.bound, LARGEST) // size + 1)

    def floor(self, number: Units, *, up: bool = False) -> Units:
        """The whole number below, or above."""
        if number.scale == 0:
            return number
        size = _integer(10**number.scale)
        rest = _rest(number.sql, size)
        beyond = case((rest > _ZERO if up else rest < _ZERO, _integer(1 if up else -1)), else_=_ZERO)
        bound = min(number.bound, LARGEST) // 10**number.scale + 1
        return replace(number, sql=self._whole(number.sql, size) + beyond, scale=0, bound=bound)

    def _checked(self, sql: Sql, scale: int, bound: int, *parts: Units) -> Units:
        checks = tuple(dict.fromkeys(check for part in parts for check in part.checks))
        if bound > LARGEST:
            checks += (sql.between(_integer(-LARGEST), _integer(LARGEST)),)
        return Units(sql, scale, min(bound, LARGEST), checks)

    def _whole(self, sql: Sql, divisor: Sql) -> Sql:
        """Division without its rest, towards zero."""
        return func.div(sql, divisor) if self._postgres else sql.op("/", precedence=8)(divisor)


def _rest(sql: Sql, divisor: Sql) -> Sql:
    return sql.op("%", precedence=8)(divisor)


def _integer(number: int) -> Sql:
    return literal_column(f"({number})" if number < 0 else str(number))


def _fraction(scale: int) -> Sql:
    """One unit as a NUMERIC: 0.01 for two digits."""
    return literal_column("1" if scale == 0 else f"0.{'0' * (scale - 1)}1")


_ZERO, _TWO = _integer(0), _integer(2)
