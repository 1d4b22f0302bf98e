"""Sums and averages that are exact and cannot overflow.

PostgreSQL adds 64-bit numbers up in a wider type. SQLite gives an error when a sum leaves 64 bits, so there a value is
added up in two parts: what comes before its last nine digits, and these nine digits.
"""

from typing import Any

from sqlalchemy import Float, case, cast, func, literal_column
from sqlalchemy.sql import ColumnElement

from xrm_core.metadata.model import Field
from xrm_core.metadata.types import FieldType

AVERAGE_DIGITS = 6
"""Digits after the point of an average, on both databases."""

_PART: ColumnElement[int] = literal_column("1000000000")
_ZERO: ColumnElement[int] = literal_column("0")
_ONE: ColumnElement[int] = literal_column("1")
_WIDE = frozenset({FieldType.BIG_INTEGER, FieldType.DECIMAL})

Sum = dict[str, ColumnElement[Any]]
"""Suffix of a label → aggregate: one with the suffix ``""``, or two parts."""


def total(dialect: str, field: Field, column: ColumnElement[Any]) -> Sum:
    """The aggregates that a sum is made of."""
    if dialect == "sqlite" and field.type in _WIDE:
        return {"h": func.sum(column.op("/")(_PART)), "l": func.sum(column.op("%")(_PART))}
    if field.type is FieldType.DURATION:
        return {"": cast(func.sum(column), column.type)}  # PostgreSQL's sum is a NUMERIC, which divides otherwise
    return {"": func.sum(column)}


def joined(high: ColumnElement[Any], low: ColumnElement[Any], scale: int) -> ColumnElement[Any]:
    """The text of a sum of two parts on SQLite, with its digits after the point; NULL if there are none."""
    high, low = high + low.op("/")(_PART), low.op("%")(_PART)
    # Both parts get one sign.
    borrow = case(((high < _ZERO) & (low > _ZERO), _ONE), ((high > _ZERO) & (low < _ZERO), -_ONE), else_=_ZERO)
    high, low = high + borrow, low - borrow * _PART
    sign = case(((high < _ZERO) | (low < _ZERO), literal_column("'-'")), else_=literal_column("''"))
    digits = func.printf(literal_column("'%019d%09d'"), func.abs(high), func.abs(low))
    before = func.ltrim(func.substr(digits, _ONE, literal_column(str(28 - scale))), literal_column("'0'"))
    text = sign.concat(case((before == literal_column("''"), literal_column("'0'")), else_=before))
    if scale:
        text = text.concat(literal_column("'.'")).concat(func.substr(digits, literal_column(str(29 - scale))))
    return case((high.is_not(None), text))


def average(dialect: str, field: Field, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The average: a float rounded to :data:`AVERAGE_DIGITS`, of a duration whole seconds."""
    if field.type is FieldType.DURATION:
        return cast(func.round(func.avg(column)), column.type)
    mean: ColumnElement[Any] = func.avg(column)
    if dialect == "sqlite" and field.type in _WIDE:
        parts = total(dialect, field, column)
        # In floats only now: their sum would lose digits that cancel out.
        mean = (cast(parts["h"], Float) * literal_column("1000000000.0") + parts["l"]) / func.count(column)
        if field.type is FieldType.DECIMAL:
            mean = mean / literal_column(f"{10**field.scale}.0")
    return cast(func.round(mean, literal_column(str(AVERAGE_DIGITS))), Float)
