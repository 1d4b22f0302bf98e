"""What is wrong with a value, in words for whoever wrote it."""

import jsonschema_rs

from xrm_core.metadata.model import Entity
from xrm_core.metadata.types import FieldType

Problem = dict[str, str]
"""``field``, ``rule`` and ``message``."""

_MESSAGES = {
    "minLength": "is too short; at least {limit} characters are needed",
    "maxLength": "is too long; at most {limit} characters fit",
    "minimum": "is too small; the least value is {limit}",
    "maximum": "is too large; the greatest value is {limit}",
    "exclusiveMaximum": "is too large; it must stay below {limit}",
    "exclusiveMinimum": "is too small; it must stay above {limit}",
    "minItems": "has too few values; at least {limit} are needed",
    "maxItems": "has too many values; at most {limit} fit",
    "uniqueItems": "has a value twice",
    "contains": "lacks a value that it must have",
    "multipleOf": "is not a multiple of {limit}",
    "pattern": "does not have the form {limit}",
    "minProperties": "must name exactly one record",
    "maxProperties": "must name exactly one record",
}
_FORMATS = {
    "date": "is not a date such as 2026-11-22",
    "date-time": "is not a date and time with zone such as 2026-11-22T10:00:00Z",
    "email": "is not an e-mail address",
    "uri": "is not a URL such as https://example.org",
    "uuid": "is not an id (UUID)",
}
_LIMITS = ("limit", "pattern", "multiple_of")
FORMS = {
    FieldType.TIME: "is not a time of day such as 08:30:00",
    FieldType.DURATION: "is not a duration such as PT1H30M or P2DT3H (weeks, days, hours, minutes, seconds)",
}


def worded(entity: Entity, error: jsonschema_rs.ValidationError) -> Problem:
    """The problem that an error of a record of the entity stands for."""
    rule = str(error.schema_path[-1]) if error.schema_path else ""
    field = str(error.instance_path[0]) if error.instance_path else ""
    kind = error.kind
    if rule == "required" and field:
        return {"field": field, "rule": rule, "message": f"lacks {kind.property}"}  # type: ignore[attr-defined]
    if rule in ("required", "dependentRequired"):
        return {"field": str(kind.property), "rule": rule, "message": "is missing"}  # type: ignore[attr-defined]
    if rule == "additionalProperties":
        unexpected = ", ".join(kind.unexpected)  # type: ignore[attr-defined]
        text = f"has no part {unexpected}" if field else "is not a field of this entity"
        return {"field": field or unexpected, "rule": rule, "message": text}
    known = entity.fields.get(field)
    if known is not None and known.const is not None and rule in ("const", "enum"):  # an enum if it may be empty, too
        return {"field": field, "rule": "const", "message": f"can only be {known.const}"}
    if rule == "pattern" and known is not None and known.type in FORMS:
        return {"field": field, "rule": "format", "message": FORMS[known.type]}
    if rule == "format":
        name = str(kind.format)  # type: ignore[attr-defined]
        return {"field": field, "rule": rule, "message": _FORMATS.get(name, f"is not a valid {name}")}
    if rule == "enum":
        options = ", ".join(str(each) for each in kind.options if each is not None)  # type: ignore[attr-defined]
        return {"field": field, "rule": rule, "message": f"is not one of {options}"}
    if rule == "type":
        types = [each for each in kind.types if each != "null"]  # type: ignore[attr-defined]
        text = "is missing" if error.instance is None else f"must be of type {' or '.join(types)}"
        return {"field": field, "rule": "required" if error.instance is None else rule, "message": text}
    limit = next((value for name in _LIMITS if (value := getattr(kind, name, None)) is not None), "")
    return {"field": field, "rule": rule, "message": _MESSAGES.get(rule, "is not valid").format(limit=limit)}
