"""What is wrong with a value, in words for whoever wrote it."""

from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema_rs

from xrm_core.errors import ValidationFailed
from xrm_core.metadata.model import Entity
from xrm_core.metadata.types import FieldType
from xrm_core.translation import is_english, mark, of_language, say, say_n

Problem = dict[str, str]
"""``field``, ``rule`` and ``message``; for callers also ``label``, the field as they call it, if it has one."""

ABOUT = "about"
"""Key of a problem: the fields of which it speaks, separated by blanks. Not for the caller's eyes."""

_MESSAGES = {
    "minimum": mark("is too small; the least value is {limit}"),
    "maximum": mark("is too large; the greatest value is {limit}"),
    "exclusiveMaximum": mark("is too large; it must stay below {limit}"),
    "exclusiveMinimum": mark("is too small; it must stay above {limit}"),
    "uniqueItems": mark("has a value twice"),
    "contains": mark("lacks a value that it must have"),
    "multipleOf": mark("is not a multiple of {limit}"),
    "pattern": mark("does not have the form {limit}"),
    "minProperties": mark("must name exactly one record"),
    "maxProperties": mark("must name exactly one record"),
}
_FORMATS = {
    "date": mark("is not a date such as 2026-11-22"),
    "date-time": mark("is not a date and time with zone such as 2026-11-22T10:00:00Z"),
    "email": mark("is not an e-mail address"),
    "uri": mark("is not a URL such as https://example.org"),
    "uuid": mark("is not an id (UUID)"),
}
_ELSE = mark("is not valid")
_LIMITS = ("limit", "pattern", "multiple_of")
FORMS = {
    FieldType.TIME: mark("is not a time of day such as 08:30:00"),
    FieldType.DURATION: mark("is not a duration such as PT1H30M or P2DT3H (weeks, days, hours, minutes, seconds)"),
}


def noun(entity: Entity) -> str:
    """What somebody calls an entity in a sentence: by its label; in English by its name, as those do who read logs."""
    return entity.name if is_english() else of_language(entity.labels) or entity.name


def plural(entity: Entity) -> str:
    """The same of several records."""
    return entity.plural if is_english() else of_language(entity.plural_labels) or entity.plural


def invalid(entity: Entity, problems: Sequence[Mapping[str, str]]) -> ValidationFailed:
    """The error for a record that has problems, with the labels of its fields."""
    return ValidationFailed([labelled(entity, problem) for problem in problems], entity=noun(entity))


def labelled(entity: Entity, problem: Mapping[str, str]) -> Problem:
    """A problem with the label that its field has in the language spoken, if it has one."""
    field = entity.fields.get(problem["field"])
    link = entity.links.get(problem["field"])
    labels = field.labels if field is not None else link.labels if link is not None else {}
    label = of_language(labels)
    return {"field": problem["field"], **({"label": label} if label else {}), **problem}


def worded(entity: Entity, error: jsonschema_rs.ValidationError) -> Problem:
    """The problem that an error of a record of the entity stands for."""
    rule = str(error.schema_path[-1]) if error.schema_path else ""
    field = str(error.instance_path[0]) if error.instance_path else ""
    kind: Any = error.kind
    if rule == "required" and field:
        return {"field": field, "rule": rule, "message": say("lacks {part}", part=kind.property)}
    if rule in ("required", "dependentRequired"):
        return {"field": str(kind.property), "rule": rule, "message": say("is missing")}
    if rule == "additionalProperties":
        unexpected = ", ".join(kind.unexpected)
        text = say("has no part {part}", part=unexpected) if field else say("is not a field of this entity")
        return {"field": field or unexpected, "rule": rule, "message": text}
    known = entity.fields[field].given if field in entity.fields else None
    if known is not None and known.const is not None and rule in ("const", "enum"):  # an enum if it may be empty, too
        return {"field": field, "rule": "const", "message": say("can only be {value}", value=known.const)}
    if rule == "pattern" and known is not None and known.type in FORMS:
        return {"field": field, "rule": "format", "message": say(FORMS[known.type])}
    if rule == "format":
        name = str(kind.format)
        text = say(_FORMATS[name]) if name in _FORMATS else say("is not a valid {format}", format=name)
        return {"field": field, "rule": rule, "message": text}
    if rule == "enum":
        options = ", ".join(str(each) for each in kind.options if each is not None)
        return {"field": field, "rule": rule, "message": say("is not one of {options}", options=options)}
    if rule == "type":
        if error.instance is None:
            return {"field": field, "rule": "required", "message": say("is missing")}
        types = say(" or ").join(each for each in kind.types if each != "null")
        return {"field": field, "rule": rule, "message": say("must be of type {types}", types=types)}
    limit = next((value for name in _LIMITS if (value := getattr(kind, name, None)) is not None), "")
    return {"field": field, "rule": rule, "message": _of_rule(rule, limit)}


def _of_rule(rule: str, limit: Any) -> str:
    if rule == "minLength":
        return say_n(
            "is too short; at least {number} character is needed",
            "is too short; at least {number} characters are needed",
            limit,
        )
    if rule == "maxLength":
        return say_n(
            "is too long; at most {number} character fits", "is too long; at most {number} characters fit", limit
        )
    if rule == "minItems":
        return say_n(
            "has too few values; at least {number} is needed",
            "has too few values; at least {number} are needed",
            limit,
        )
    if rule == "maxItems":
        return say_n("has too many values; at most {number} fits", "has too many values; at most {number} fit", limit)
    return say(_MESSAGES.get(rule, _ELSE), limit=limit)
