"""The scalar types that a field in an entity file may have."""

from enum import StrEnum


class FieldType(StrEnum):
    """Type of a field. ``RELATION`` fields hold a reference, all others a value."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    ENUM = "enum"
    UUID = "uuid"
    RELATION = "relation"


TEXTUAL = frozenset({FieldType.TEXT, FieldType.LONG_TEXT, FieldType.EMAIL, FieldType.PHONE, FieldType.URL})
"""Types stored as text with a length; they have the operators contains, startsWith, endsWith."""

ORDERED = TEXTUAL | {FieldType.INTEGER, FieldType.DECIMAL, FieldType.DATE, FieldType.DATETIME}
"""Types with an order: they have the operators lt, lte, gt, gte."""

NUMERIC = frozenset({FieldType.INTEGER, FieldType.DECIMAL})
"""Types that can be summed and averaged."""
