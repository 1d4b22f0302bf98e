"""GraphQL scalars: how values look on the wire, and which texts are taken for them.

================ =========================== ==============================================
scalar           on the wire                 accepted
================ =========================== ==============================================
Int              number, 32 bit              number
Boolean, String  as in GraphQL               as in GraphQL
ID               text (UUID)                 text
Decimal          text with all its digits    text or number; at most 38 digits; no exponent over 38
BigInt           text                        (only in answers: sums of Int)
Date             ``2026-11-22``              the same
DateTime         ``2026-11-22T10:00:00+00:00``  RFC 3339 with zone, e.g. ``2026-11-22T11:00:00+01:00`` or ``…Z``
================ =========================== ==============================================
"""

import datetime as dt
import re
from decimal import Decimal as PythonDecimal
from decimal import InvalidOperation
from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from xrm_core.metadata.model import Field
from xrm_core.metadata.types import FieldType

Decimal = NewType("Decimal", object)
BigInt = NewType("BigInt", object)
Date = NewType("Date", object)
DateTime = NewType("DateTime", object)

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})")
_MAX_DIGITS = 38


def parse_decimal(value: Any) -> PythonDecimal:
    """A decimal as text or number; ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError('A Decimal is a text like "19.90" or a number.')  # noqa: TRY004 - GraphQL wants ValueError
    try:
        number = PythonDecimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{str(value)[:40]!r} is not a decimal number.") from None
    if not number.is_finite() or abs(number.adjusted()) > _MAX_DIGITS or len(number.as_tuple().digits) > _MAX_DIGITS:
        raise ValueError(f"{str(value)[:40]!r} is not a decimal number of at most {_MAX_DIGITS} digits.")
    return number


def parse_date(value: Any) -> str:
    """A calendar date as text ``YYYY-MM-DD``; ValueError for anything else."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError('A Date is a text like "2026-11-22".')
    dt.date.fromisoformat(value)
    return value


def parse_datetime(value: Any) -> str:
    """A moment as RFC 3339 text with zone; ValueError for anything else."""
    if not isinstance(value, str) or not _DATETIME.fullmatch(value):
        raise ValueError('A DateTime is a text with a zone like "2026-11-22T10:00:00+00:00".')
    try:
        dt.datetime.fromisoformat(value.upper()).astimezone(dt.UTC)
    except OverflowError:
        raise ValueError("The DateTime lies outside of the years 1 to 9999.") from None
    return value.upper()


def _same(value: Any) -> Any:
    return value  # answers come from the database in their final form


def _scalar(name: str, description: str, parse: Any) -> ScalarDefinition:
    return strawberry.scalar(name=name, description=description, serialize=_same, parse_value=parse)


def _answers_only(_value: Any) -> Any:
    raise ValueError("BigInt occurs in answers only.")


SCALARS: dict[object, ScalarDefinition] = {
    Decimal: _scalar("Decimal", 'An exact decimal number, as text: "1234.50".', parse_decimal),
    BigInt: _scalar("BigInt", "A whole number of any size, as text.", _answers_only),
    Date: _scalar("Date", 'A calendar date: "2026-11-22".', parse_date),
    DateTime: _scalar("DateTime", 'A moment in time in UTC, RFC 3339: "2026-11-22T10:00:00+00:00".', parse_datetime),
}
"""For Strawberry's ``scalar_map``."""

_BY_TYPE: dict[FieldType, Any] = {
    FieldType.INTEGER: int,
    FieldType.BOOLEAN: bool,
    FieldType.DECIMAL: Decimal,
    FieldType.DATE: Date,
    FieldType.DATETIME: DateTime,
    FieldType.UUID: strawberry.ID,
}


def scalar_of(field: Field) -> Any:
    """The Strawberry type of a field that is neither an enum nor a relation."""
    return _BY_TYPE.get(field.type, str)
