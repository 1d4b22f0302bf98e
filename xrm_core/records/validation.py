"""Is a record what its entity file says? All problems at once, each with field, rule and message."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import jsonschema_rs

from xrm_core.metadata.clock import duration_seconds
from xrm_core.metadata.json_text import json_text
from xrm_core.metadata.model import Entity, Model
from xrm_core.metadata.types import FieldType
from xrm_core.records.relationships import relationship_problems
from xrm_core.records.stored import digits_problem

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
_FORMS = {
    FieldType.TIME: "is not a time of day such as 08:30:00",
    FieldType.DURATION: "is not a duration such as PT1H30M or P2DT3H (weeks, days, hours, minutes, seconds)",
}


class Validator:
    """Validates records of all entities of a model. Schemas are compiled once; patterns run in linear time."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._compiled = {
            entity.name: jsonschema_rs.Draft202012Validator(
                _plain(entity.json_schema), validate_formats=True, pattern_options=jsonschema_rs.RegexOptions()
            )
            for entity in model
        }

    def problems(self, entity: Entity, record: Mapping[str, Any]) -> list[Problem]:
        """What is wrong with a whole record (without system fields), in the order of the entity's fields."""
        found = [*_beyond_schema(entity, record), *relationship_problems(entity, record)]
        reported = {problem["field"] for problem in found}
        errors = self._compiled[entity.name].iter_errors(dict(record))
        described = (_described(entity, error) for error in errors)
        found.extend(problem for problem in described if problem["field"] not in reported)
        places = {name: place for place, name in enumerate(entity.fields)}
        return sorted(found, key=lambda problem: places.get(problem["field"], -1))


def _described(entity: Entity, error: jsonschema_rs.ValidationError) -> Problem:
    rule = str(error.schema_path[-1]) if error.schema_path else ""
    field = str(error.instance_path[0]) if error.instance_path else ""
    kind = error.kind
    if rule == "required":
        return {"field": str(kind.property), "rule": rule, "message": "is missing"}  # type: ignore[attr-defined]
    if rule == "additionalProperties":
        unexpected = ", ".join(kind.unexpected)  # type: ignore[attr-defined]
        return {"field": field or unexpected, "rule": rule, "message": "is not a field of this entity"}
    known = entity.fields.get(field)
    if known is not None and known.const is not None and rule in ("const", "enum"):  # an enum if it may be empty, too
        return {"field": field, "rule": "const", "message": f"can only be {known.const}"}
    if rule == "pattern" and known is not None and known.type in _FORMS:
        return {"field": field, "rule": "format", "message": _FORMS[known.type]}
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


def _beyond_schema(entity: Entity, record: Mapping[str, Any]) -> Iterator[Problem]:
    for name, value in record.items():
        field = entity.fields.get(name)
        if field is None or value is None:
            continue
        if field.type is FieldType.DECIMAL and isinstance(value, Decimal) and (wrong := digits_problem(field, value)):
            yield {"field": name, "rule": "digits", "message": wrong}
        if field.type is FieldType.DURATION and (wrong := _duration_problem(value)):
            yield {"field": name, "rule": "format", "message": wrong}
        if field.type is FieldType.JSON and (wrong := _json_problem(value)):
            yield {"field": name, "rule": "json", "message": wrong}
        if isinstance(value, str) and _unstorable(value):
            yield {"field": name, "rule": "characters", "message": "has characters that are not text (NUL, surrogates)"}


def _duration_problem(value: Any) -> str:
    try:
        duration_seconds(value)
    except ValueError as error:
        return f"is {error}" if "longer" in str(error) else _FORMS[FieldType.DURATION]
    return ""


def _json_problem(value: Any) -> str:
    try:
        json_text(value)
    except ValueError as error:
        return str(error)
    return ""


def _unstorable(text: str) -> bool:
    return "\0" in text or (not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text))


def _plain(value: Any) -> Any:
    """A frozen JSON value as ordinary dicts and lists."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value
