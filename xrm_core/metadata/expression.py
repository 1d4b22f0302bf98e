"""The expression of a computed field as a small typed tree. :mod:`xrm_core.metadata.expression_text` reads it.

Numbers are exact. Each has a fixed number of digits after the point (``scale``), and is thought of as a whole number
of that smallest unit: 12.50 is 1250 at scale 2. A result of more than :data:`LARGEST` units is empty. So both
databases reckon with the same whole numbers, and neither can overflow.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from xrm_core.metadata.model import Field
from xrm_core.metadata.types import SPANS, TEXTUAL, FieldType

LARGEST = 10**18 - 1
"""Greatest number of smallest units: 18 digits, those after the point included."""

MAX_SCALE = 12
"""Most digits after the point that a result in between may have."""

QUOTIENT_SCALE = 6
"""Digits after the point of a quotient, unless one of its numbers has more."""

MAX_TEXT = 1_000_000
"""Greatest length in characters that a text may come to."""


class Kind(StrEnum):
    """What a value is. ``REFERENCE``: an id, which can only be asked whether it is empty; ``EMPTY``: the word NULL."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "date and time"
    REFERENCE = "reference"
    EMPTY = "nothing"


@dataclass(frozen=True, slots=True)
class ValueType:
    """Kind of a value, and how large it can become.

    ``scale`` is for numbers. ``bound`` is the greatest number of smallest units, or the greatest length of a text; the
    bound of a number that is over :data:`LARGEST` says that the result has to be looked at when the query runs.
    """

    kind: Kind
    scale: int = 0
    bound: int = 0


@dataclass(frozen=True, slots=True)
class Node:
    """An operation, with the nodes it works on; ``value`` is a field's name, a literal or a number of digits.

    Literals: text, units of a number (``type`` has the scale), bool, dates and moments as text, or None.
    """

    op: str
    type: ValueType
    args: tuple["Node", ...] = ()
    value: Any = None

    def fields(self) -> Iterator[str]:
        """Names of the fields that the expression uses."""
        if self.op == "field":
            yield self.value
        for each in self.args:
            yield from each.fields()


BOOLEAN = ValueType(Kind.BOOLEAN)
DATE = ValueType(Kind.DATE)
DATETIME = ValueType(Kind.DATETIME)
EMPTY = ValueType(Kind.EMPTY)
REFERENCE = ValueType(Kind.REFERENCE)

_KINDS = {
    FieldType.BOOLEAN: BOOLEAN,
    FieldType.DATE: DATE,
    FieldType.DATETIME: DATETIME,
    FieldType.UUID: REFERENCE,
}


def number(scale: int, bound: int) -> ValueType:
    """The type of a number of at most so many smallest units."""
    return ValueType(Kind.NUMBER, scale, bound)


def text(length: int) -> ValueType:
    """The type of a text of at most so many characters."""
    return ValueType(Kind.TEXT, bound=length)


def value_type(field: Field) -> ValueType | None:
    """What a field is in expressions; None if it has no place there.

    Relations have none: whether one is empty depends on who asks, since a record that is hidden is not there. Money is
    its amount if there is one currency in which it can be.
    """
    if field.type is FieldType.MONEY and len(field.currencies) == 1:
        return number(field.scale, 10**field.precision - 1)
    if field.relation is not None or len(field.columns) > 1:
        return None
    if field.type in SPANS:
        return number(0, -SPANS[field.type][0])
    if field.type is FieldType.DECIMAL:
        return number(field.scale, 10**field.precision - 1)
    if field.type is FieldType.ENUM:
        return text(63)
    if field.type in TEXTUAL:
        return text(field.max_length or MAX_TEXT)
    return _KINDS.get(field.type)
