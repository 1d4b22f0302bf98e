"""GraphQL scalars: how values look on the wire, and which texts are taken for them.

================ =========================== ==============================================
scalar           on the wire                 accepted
================ =========================== ==============================================
Int              number, 32 bit              number
Boolean, String  as in GraphQL               as in GraphQL
ID               text (UUID)                 text
Decimal          text with all its digits    text; number in the document; at most 38 digits; no exponent over 38.
                                             In variables, a number of at most 15 digits: more are lost on the way
BigInt           text                        text or number without a point, 64 bits (sums may be larger)
Date             ``2026-11-22``              the same
Time             ``08:30:00``                ``08:30``, ``08:30:00``, ``08:30:00.5``
Duration         ``P2DT3H``                  ISO 8601 in weeks, or in days, hours, minutes, seconds: ``PT90M``
JSON             an object                   an object; at most 64 KiB, 32 levels
DateTime         ``2026-11-22T10:00:00+00:00``  RFC 3339 with zone, e.g. ``2026-11-22T11:00:00+01:00`` or ``…Z``
================ =========================== ==============================================
"""

import datetime as dt
import re
from decimal import Decimal as PythonDecimal
from decimal import InvalidOperation
from typing import Any, NewType

import strawberry
from graphql import FloatValueNode, IntValueNode, ValueNode
from graphql.utilities import value_from_ast_untyped
from strawberry.types.scalar import ScalarDefinition

from xrm_core.metadata.clock import duration_seconds, duration_text, time_text
from xrm_core.metadata.json_text import json_text
from xrm_core.metadata.model import Field
from xrm_core.metadata.types import SPANS, FieldType

Decimal = NewType("Decimal", object)
BigInt = NewType("BigInt", object)
Date = NewType("Date", object)
DateTime = NewType("DateTime", object)
Json = NewType("Json", object)
AnyValue = NewType("AnyValue", object)
Time = NewType("Time", object)
Duration = NewType("Duration", object)

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})")
_WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MAX_DIGITS = 38
_FLOAT_DIGITS = 15
"""Digits that every float keeps."""


def parse_decimal(value: Any) -> PythonDecimal:
    """A decimal as text or number; ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError('A Decimal is a text like "19.90" or a number.')  # noqa: TRY004 - GraphQL wants ValueError
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):  # Python takes «1_000» and digits of any script
        raise ValueError(f"{value[:40]!r} is not a decimal number.")
    try:
        number = PythonDecimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{str(value)[:40]!r} is not a decimal number.") from None
    if not number.is_finite() or abs(number.adjusted()) > _MAX_DIGITS or len(number.as_tuple().digits) > _MAX_DIGITS:
        raise ValueError(f"{str(value)[:40]!r} is not a decimal number of at most {_MAX_DIGITS} digits.")
    if isinstance(value, float) and len(number.normalize().as_tuple().digits) > _FLOAT_DIGITS:
        raise ValueError(f'A number keeps {_FLOAT_DIGITS} digits; write a Decimal of more as a text: "1234.50".')
    return number


def parse_decimal_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> PythonDecimal:
    """A decimal in a document, with the digits that stand there; ValueError for anything else."""
    if isinstance(node, IntValueNode | FloatValueNode):
        return parse_decimal(node.value)
    return parse_decimal(value_from_ast_untyped(node, variables))


def parse_big_int(value: Any) -> int:
    """A whole number of 64 bits as text or number; ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int) or not _WHOLE.fullmatch(str(value)):
        raise ValueError('A BigInt is a whole number of 64 bits, as text like "9007199254740993" or as a number.')
    least, greatest = SPANS[FieldType.BIG_INTEGER]
    number = int(value)
    if not least <= number <= greatest:
        raise ValueError(f"A BigInt lies between {least} and {greatest}.")
    return number


def parse_time(value: Any) -> str:
    """A local time of day in its canonical text; ValueError for anything else."""
    try:
        return time_text(value)
    except ValueError:
        raise ValueError('A Time is a text like "08:30:00".') from None


def parse_duration(value: Any) -> str:
    """A duration in its canonical text; ValueError for anything else."""
    try:
        return duration_text(duration_seconds(value))
    except ValueError as error:
        raise ValueError(f'A Duration is a text like "PT1H30M" or "P2DT3H"; this is {error}.') from None


def parse_json(value: Any) -> Any:
    """A JSON object; ValueError for anything else."""
    try:
        json_text(value)
    except ValueError as error:
        raise ValueError(f"The JSON value {error}.") from None
    return value


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


def _scalar(name: str, description: str, parse: Any, literal: Any = None) -> ScalarDefinition:
    return strawberry.scalar(
        name=name, description=description, serialize=_same, parse_value=parse, parse_literal=literal
    )


SCALARS: dict[object, ScalarDefinition] = {
    Decimal: _scalar("Decimal", 'An exact decimal number, as text: "1234.50".', parse_decimal, parse_decimal_literal),
    BigInt: _scalar("BigInt", 'A whole number, as text: "9007199254740993".', parse_big_int),
    Date: _scalar("Date", 'A calendar date: "2026-11-22".', parse_date),
    DateTime: _scalar("DateTime", 'A moment in time in UTC, RFC 3339: "2026-11-22T10:00:00+00:00".', parse_datetime),
    Json: _scalar("JSON", "A JSON object of any form.", parse_json),
    AnyValue: _scalar("AnyValue", "A value of any field, in the form that answers have it.", parse_json),
    Time: _scalar("Time", 'A local time of day: "08:30:00".', parse_time),
    Duration: _scalar("Duration", 'A length of time, ISO 8601: "PT1H30M"; a day has 24 hours.', parse_duration),
}
"""For Strawberry's ``scalar_map``."""

_BY_TYPE: dict[FieldType, Any] = {
    FieldType.INTEGER: int,
    FieldType.BOOLEAN: bool,
    FieldType.DECIMAL: Decimal,
    FieldType.DATE: Date,
    FieldType.DATETIME: DateTime,
    FieldType.BIG_INTEGER: BigInt,
    FieldType.TIME: Time,
    FieldType.JSON: Json,
    FieldType.DURATION: Duration,
    FieldType.UUID: strawberry.ID,
}


def scalar_of(field: Field) -> Any:
    """The Strawberry type of a field that is neither an enum nor a relation."""
    return _BY_TYPE.get(field.type, str)
