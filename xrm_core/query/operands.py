"""Types of bind values in conditions. Unlike column types they take every value a client may compare with.

A value that no record can have must not raise an error and must not be bent into one that records do have.
"""

import json
import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Dialect, Float, Integer, Numeric, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from xrm_core.metadata.model import Field
from xrm_core.metadata.predicate import Op
from xrm_core.metadata.types import FieldType
from xrm_core.storage.columns import Id, Whole, column_type

_USUAL_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_SQLITE_LARGEST = 2**63 - 1
_EXACT = Context(prec=100)
_ROUNDING = {Op.GT: ROUND_FLOOR, Op.LTE: ROUND_FLOOR, Op.LT: ROUND_CEILING, Op.GTE: ROUND_CEILING}


class Average(Field):
    """A figure that is a float, whatever the type of what it is of."""


class Sum(Field):
    """A figure that may have more digits than any field."""


def operand_type(field: Field, op: Op = Op.EQ) -> TypeEngine[Any]:
    """Type of a value that a field is compared with by an operator."""
    if isinstance(field, Average):
        return FloatOperand()
    if isinstance(field, Sum):
        return SumOperand(field.scale if field.type is FieldType.DECIMAL else 0, _ROUNDING.get(op))
    match field.type:
        case FieldType.UUID | FieldType.RELATION:
            return KnownId()
        case FieldType.DECIMAL:
            return DecimalOperand(field.scale, _ROUNDING.get(op))
        case _:
            return column_type(field)


class KnownId(Id):
    """An id; text that is no UUID is the id of no record (NULL, which equals nothing)."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """The id in its usual form, or None."""
        if isinstance(value, str) and _USUAL_ID.fullmatch(value):
            return value
        try:
            return None if value is None else str(UUID(value))
        except (ValueError, AttributeError, TypeError):
            return None


class KnownNumber(Whole):
    """A whole number as text; text that is none is the number of nothing (NULL, which equals nothing)."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        """The number, or None."""
        text = str(value)
        return int(text) if _NUMBER.fullmatch(text) else None


class DecimalOperand(TypeDecorator[Decimal]):
    """A decimal to compare with: not rounded to the digits that the field has.

    Args:
        scale: digits of the field.
        rounding: where SQLite has to be given a whole number, the one with which the comparison comes out the same;
            None: a value between two whole numbers equals none.
    """

    impl = Numeric
    cache_ok = True

    def __init__(self, scale: int, rounding: str | None) -> None:
        super().__init__()
        self.scale = scale
        self.rounding = rounding

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """SQLite has the field as an integer, the value times 10^scale."""
        return dialect.type_descriptor(Numeric() if dialect.name == "postgresql" else Integer())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Decimal on PostgreSQL; on SQLite an integer that compares with the scaled ones like the decimal does."""
        if value is None:
            return None
        number = Decimal(value) if isinstance(value, str) else value
        if dialect.name == "postgresql":
            return number
        scaled = Decimal(number).scaleb(self.scale, _EXACT)
        if abs(scaled) > _SQLITE_LARGEST:
            return _SQLITE_LARGEST if scaled > 0 else -_SQLITE_LARGEST
        if self.rounding is None and scaled != scaled.to_integral_value():
            return None
        return int(scaled.to_integral_value(self.rounding))


class SumOperand(DecimalOperand):
    """A number to compare a sum with: on SQLite a float where it has more than 63 bits, as the sum then is, too."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """See :class:`DecimalOperand`."""
        if value is None or dialect.name == "postgresql":
            return super().process_bind_param(value, dialect)
        scaled = Decimal(value).scaleb(self.scale, _EXACT)
        return super().process_bind_param(value, dialect) if abs(scaled) <= _SQLITE_LARGEST else float(scaled)


class FloatOperand(TypeDecorator[float]):
    """A number to compare a float with."""

    impl = Float
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> float | None:
        """The nearest float."""
        return None if value is None else float(value)


class JsonList(TypeDecorator[str]):
    """A list bound as one JSON text, for SQLite, whose statements cannot take lists."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """The list as JSON, each element as its column has it."""
        if value is None:
            return None
        processor = self.item.dialect_impl(dialect).bind_processor(dialect)
        return json.dumps([processor(each) if processor else each for each in value])
