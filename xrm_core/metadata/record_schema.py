"""Entity → the plain JSON Schema (2020-12, no ``x-`` keywords) against which its records are validated."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from xrm_core.metadata.clock import DURATION_PATTERN, TIME_PATTERN
from xrm_core.metadata.model import Field, Relation
from xrm_core.metadata.types import FieldType

_FORMATS = {
    FieldType.DATE: "date",
    FieldType.DATETIME: "date-time",
    FieldType.EMAIL: "email",
    FieldType.URL: "uri",
    FieldType.UUID: "uuid",
    FieldType.FILE: "uuid",
}
_PATTERNS = {FieldType.TIME: TIME_PATTERN, FieldType.DURATION: DURATION_PATTERN}
_BASE = {
    FieldType.INTEGER: "integer",
    FieldType.BIG_INTEGER: "integer",
    FieldType.DECIMAL: "number",
    FieldType.BOOLEAN: "boolean",
}


def record_schema(fields: Iterable[Field], rules: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """Schema of a whole record with these fields and rules.

    Fields that are not required may be null as well as absent; the rules take those that are null as absent.
    """
    fields = tuple(field for field in fields if not field.virtual)
    return {
        "type": "object",
        "properties": {field.name: nullable(field) for field in fields},
        "required": [field.name for field in fields if field.required and field.writable],
        "additionalProperties": False,
        **rules,
    }


def nullable(field: Field) -> dict[str, Any]:
    """Schema of the field's value, null included unless callers have to give one."""
    schema = value_schema(field)
    if not field.required or not field.writable:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
        if "const" in schema:
            schema["enum"] = [schema.pop("const"), None]
    return schema


def value_schema(field: Field) -> dict[str, Any]:
    """Schema of the field's value, without null."""
    field = field.given
    if field.relation is not None:
        return _reference(field.relation)
    if field.type is FieldType.SET:
        found = {"type": "array", "uniqueItems": True, "items": {"type": "string", "enum": list(field.enum)}}
        bounds = {"minItems": field.min_items, "maxItems": field.max_items}
        return found | {keyword: value for keyword, value in bounds.items() if value is not None}
    if field.type is FieldType.MONEY:
        parts = {name: value_schema(part) for name, part in field.parts.items()}
        return {"type": "object", "properties": parts, "required": list(parts), "additionalProperties": False}
    if field.type is FieldType.JSON:
        return {"type": "object"}
    schema: dict[str, Any] = {"type": _BASE.get(field.type, "string")}
    if field.type in _FORMATS:
        schema["format"] = _FORMATS[field.type]
    if field.type is FieldType.ENUM:
        schema["enum"] = list(field.enum)
    if field.type is FieldType.DECIMAL:
        # Exclusive, because the power of ten is exact where 10^n - 0.01 as a float may not be.
        schema["exclusiveMaximum"] = 10 ** (field.precision - field.scale)
        schema["exclusiveMinimum"] = -schema["exclusiveMaximum"]
    if field.type in _PATTERNS:
        schema["pattern"] = _PATTERNS[field.type]
    rules = {
        "minLength": field.min_length,
        "maxLength": field.max_length,
        "pattern": field.pattern,
        "minimum": field.minimum,
        "maximum": field.maximum,
        "exclusiveMinimum": field.exclusive_minimum,
        "exclusiveMaximum": field.exclusive_maximum,
        "multipleOf": field.multiple_of,
        "const": field.const,
    }
    schema.update({keyword: value for keyword, value in rules.items() if value is not None})
    return schema


def _reference(relation: Relation) -> dict[str, Any]:
    identifier = {"type": "string", "format": "uuid"}
    if not relation.polymorphic:
        return identifier
    return {
        "type": "object",
        "properties": {target: dict(identifier) for target in relation.targets},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
