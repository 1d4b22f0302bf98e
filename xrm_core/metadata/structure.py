"""Does a file have the form that the meta-schema asks for? If not: what is wrong, in words."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

import jsonschema_rs
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry, Resource

from xrm_core.errors import Problem
from xrm_core.metadata.lines import Document, step

_NOT_YET = frozenset({"definitions", "patternProperties", "unevaluatedProperties", "prefixItems"})
_REFERENCES = frozenset({"$dynamicRef", "$recursiveRef", "$id", "$anchor", "$dynamicAnchor", "$vocabulary"})
_TYPE_NAMES: Mapping[str, str] = {
    "string": "text in double quotes",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object {…}",
    "array": "a list […]",
    "null": "null",
}


Form = Literal["entity", "extension", "pack", "permission_tests", "relationship", "relationship_extension", "workflow"]
"""What a file is: an entity, a relationship, an addition to one of a lower layer, a pack, tests of permissions, or a
workflow."""

_FORMS: tuple[Form, ...] = get_args(Form)


@cache
def meta_schema(form: Form = "entity") -> dict[str, Any]:
    """The meta-schema of such files. Do not change what you get."""
    text = files("xrm_core.metadata").joinpath(f"{form}.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def check(document: Document, form: Form = "entity") -> list[Problem]:
    """All the places at which the document does not have the form of such a file."""
    if _fast_validator(form).is_valid(document.value):
        return []  # fifty times as fast as the one that can say what is wrong
    return explain(document, form)


def explain(document: Document, form: Form = "entity") -> list[Problem]:
    """The same, always by the validator that can say what is wrong."""
    return [document.problem(*mistake) for mistake in _mistakes(document.value, form)]


def mistakes(document: Document, form: Form = "entity") -> list[tuple[str, str, str]]:
    """Pointer, reason and remedy of each mistake; the pointers are those of the document as it is now."""
    return [] if _fast_validator(form).is_valid(document.value) else _mistakes(document.value, form)


def _mistakes(value: Any, form: Form) -> list[tuple[str, str, str]]:
    # Several keywords of the meta-schema may refuse one value; the reader needs to hear of it once.
    found: dict[tuple[str, str], str] = {}
    for error in _validator(form).iter_errors(value):
        for pointer, reason, remedy in _describe(error):
            found.setdefault((pointer, reason), remedy)
    return [(*place, remedy) for place, remedy in found.items()]


def shown(value: Any) -> str:
    """The value as JSON on one line, cut when it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"


def nearest(name: str, known: Iterable[str]) -> str:
    """``Did you mean "customer"? `` if a known name is like this one, else ``""``."""
    close = get_close_matches(name, list(known), n=1)
    return f'Did you mean "{close[0]}"? ' if close else ""


def _pattern(_validator: Validator, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    # Python's $ also matches before a line break at the end, that of JSON Schema does not.
    strict = f"{pattern[:-1]}\\Z" if pattern.endswith("$") else pattern
    if isinstance(value, str) and not re.search(strict, value):
        yield ValidationError("does not match")


@cache
def _validator(form: Form) -> Validator:
    # The registry has the meta-schemas and nothing else: nothing is fetched, whatever a file refers to.
    strict: type[Validator] = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
    known = [(f"{name}.schema.json", Resource.from_contents(meta_schema(name))) for name in _FORMS]
    return strict(meta_schema(form), registry=Registry[Any]().with_resources(known))


@cache
def _fast_validator(form: Form) -> jsonschema_rs.Draft202012Validator:
    known = jsonschema_rs.Registry([(f"{name}.schema.json", meta_schema(name)) for name in _FORMS])
    return jsonschema_rs.Draft202012Validator(meta_schema(form), registry=known)


def _describe(error: ValidationError) -> Iterator[tuple[str, str, str]]:
    """(pointer, reason, remedy) of each mistake that the error stands for."""
    pointer = ""
    for key in error.absolute_path:
        pointer = step(pointer, key)
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    value: Any = error.instance
    if error.validator == "additionalProperties":
        for key in value:
            if key not in schema["properties"]:
                yield (step(pointer, key), *_unknown(key, schema))
    elif error.validator == "required":
        for key in schema["required"]:
            if key not in value:
                yield (pointer, *_missing(key, value, schema))
    elif "propertyNames" in error.absolute_schema_path:
        yield (step(pointer, value), f"The name {shown(value)} is not allowed.", _remedy(schema))
    else:
        speak = _WORDS.get(str(error.validator), _other)
        reason = speak(error.validator_value, value)
        if error.validator == "uniqueItems":
            yield step(pointer, _repeated(value)), reason, "Keep one of the two."
            return
        choices: Any = error.validator_value if error.validator == "enum" and isinstance(value, str) else []
        yield pointer, reason, nearest(value, choices) + _remedy(schema) if choices else _remedy(schema)


def _remedy(schema: Mapping[str, Any]) -> str:
    return str(schema.get("description", "")) or "See docs/entity-files.md."


def _unknown(key: str, schema: Mapping[str, Any]) -> tuple[str, str]:
    what = schema["title"].lower() if "title" in schema else "place"
    allowed = list(schema["properties"])
    if key in _REFERENCES:
        return (
            f'"{key}" is not supported; nothing is ever fetched or followed.',
            "Write out here what it refers to.",
        )
    if key in _NOT_YET:
        remedy = (
            'Write "$defs".' if key == "definitions" else "Remove it; a plugin's before-hook can check such a rule."
        )
        return f'"{key}" is not supported.', remedy
    if key in _vocabulary():
        return f'"{key}" does not belong in {_article(what)}.', f"Remove it; allowed here: {', '.join(allowed)}."
    return f"Unknown keyword {shown(key)}.", f"{nearest(key, allowed)}Allowed here: {', '.join(allowed)}."


def _missing(key: str, around: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[str, str]:
    if key == "x-type" and around.get("type") == "number":
        return '"x-type" is missing.', 'Add "x-type": "decimal"; numbers are kept exactly.'
    if key == "type" and "x-entity" not in around and "properties" not in around:
        return '"type" is missing.', 'Add "type": "string", "integer", "number", "boolean", …, or "x-relation".'
    description = schema.get("properties", {}).get(key, {}).get("description") or _vocabulary().get(key, "")
    return f'"{key}" is missing.', f'Add "{key}": {description[:1].lower()}{description[1:]}'


def is_word(key: str) -> bool:
    """Whether the platform itself has such a keyword."""
    return key in _vocabulary()


@cache
def _vocabulary() -> dict[str, str]:
    """Every keyword of entity files, with its description."""
    definitions = {**meta_schema("extension")["$defs"], **meta_schema()["$defs"]}
    found: dict[str, str] = {}
    for schema in (*(meta_schema(form) for form in _FORMS), *definitions.values()):
        for key, part in schema.get("properties", {}).items():
            target = definitions.get(part.get("$ref", "").rpartition("/")[2], {})
            found.setdefault(key, part.get("description", target.get("description", "")))
    return found


def _repeated(items: list[Any]) -> int:
    return next(i for i, item in enumerate(items) if item in items[:i])


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _type(allowed: Any, value: Any) -> str:
    names = [allowed] if isinstance(allowed, str) else allowed
    return f"{shown(value)} should be {' or '.join(_TYPE_NAMES[name] for name in names)}."


def _other(_limit: Any, value: Any) -> str:
    return f"{shown(value)} is not allowed here."


_WORDS: Mapping[str, Callable[[Any, Any], str]] = {
    "type": _type,
    "enum": lambda allowed, value: f"{shown(value)} is not one of {', '.join(map(str, allowed))}.",
    "const": lambda wanted, value: f"{shown(value)} should be {shown(wanted)}.",
    "pattern": lambda _, value: f"{shown(value)} does not have the right form.",
    "minLength": lambda limit, value: f"{shown(value)} is too short; at least {limit} needed.",
    "maxLength": lambda limit, value: f"{shown(value)} is too long; at most {limit} characters.",
    "minItems": lambda limit, value: f"The list {shown(value)} is too short; at least {limit} needed.",
    "maxItems": lambda limit, value: f"The list is too long: {len(value)} entries, at most {limit}.",
    "uniqueItems": lambda _, value: f"{shown(value[_repeated(value)])} stands in this list twice.",
    "minimum": lambda limit, value: f"{shown(value)} is too small; at least {limit}.",
    "maximum": lambda limit, value: f"{shown(value)} is too large; at most {limit}.",
    "exclusiveMinimum": lambda limit, value: f"{shown(value)} is too small; it must be more than {limit}.",
    "minProperties": lambda limit, _: f"At least {limit} entry is needed here.",
    "maxProperties": lambda limit, value: f"Too many entries: {len(value)}, at most {limit}.",
}
