"""The scalar types that a field in an entity file may have."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class FieldType(StrEnum):
    """Type of a field. ``RELATION`` fields hold a reference, all others a value."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    INTEGER = "integer"
    BIG_INTEGER = "big_integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    DURATION = "duration"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    ENUM = "enum"
    UUID = "uuid"
    FILE = "file"
    SET = "set"
    JSON = "json"
    MONEY = "money"
    RELATION = "relation"


TEXTUAL = frozenset({FieldType.TEXT, FieldType.LONG_TEXT, FieldType.EMAIL, FieldType.PHONE, FieldType.URL})
"""Types stored as text with a length; they have the operators contains, startsWith, endsWith."""

WHOLE = frozenset({FieldType.INTEGER, FieldType.BIG_INTEGER})
"""Types of whole numbers."""

NUMERIC = WHOLE | {FieldType.DECIMAL, FieldType.DURATION}
"""Types that can be summed and averaged."""

ORDERED = TEXTUAL | NUMERIC | {FieldType.DATE, FieldType.DATETIME, FieldType.TIME}
"""Types with an order: they have the operators lt, lte, gt, gte."""

COMPARABLE = frozenset(FieldType) - {
    *(FieldType.RELATION, FieldType.SET, FieldType.JSON, FieldType.FILE, FieldType.MONEY)
}
"""Types whose values are equal or not: they can be sorted and grouped by, and stand in indexes over several fields."""

SPANS: Mapping[FieldType, tuple[int, int]] = MappingProxyType(
    {FieldType.INTEGER: (-(2**31), 2**31 - 1), FieldType.BIG_INTEGER: (-(2**63), 2**63 - 1)}
)
"""Least and greatest value of the types of whole numbers: 32 bits, as GraphQL's Int has them, and 64."""
