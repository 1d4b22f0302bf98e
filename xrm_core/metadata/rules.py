"""Rules of a whole record, in the words of JSON Schema at the top of an entity file: ``if``/``then``, ``anyOf`` …

Here is what only Python can check about them: do they speak of fields that there are, in words that fit their types?
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jsonschema_rs

from xrm_core.metadata.clock import duration_seconds, duration_text, moment_text, time_text
from xrm_core.metadata.lines import step
from xrm_core.metadata.model import Field
from xrm_core.metadata.record_schema import value_schema
from xrm_core.metadata.structure import nearest, shown
from xrm_core.metadata.types import NUMERIC, TEXTUAL, FieldType

RULE_WORDS = (
    *("if", "then", "else", "allOf", "anyOf", "oneOf", "not"),
    *("dependentRequired", "dependentSchemas", "x-message"),
)
"""Words of rules that may stand at the top of an entity file."""

_LISTS = ("allOf", "anyOf", "oneOf")
_SINGLE = ("if", "then", "else", "not")
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_OF_NUMBERS = NUMERIC - {FieldType.DURATION}
_AS_TEXT = frozenset(FieldType) - _OF_NUMBERS - {*(FieldType.BOOLEAN, FieldType.SET, FieldType.JSON, FieldType.MONEY)}
_FITS: Mapping[str, frozenset[FieldType]] = {
    **dict.fromkeys(_NUMBERS, _OF_NUMBERS),
    **dict.fromkeys(("minLength", "maxLength"), TEXTUAL),
    "pattern": _AS_TEXT,
    **dict.fromkeys(("minItems", "maxItems", "contains", "items"), frozenset({FieldType.SET})),
    **dict.fromkeys(("properties", "required"), frozenset({FieldType.JSON, FieldType.MONEY, FieldType.RELATION})),
}
"""Words that say something about values of some types only."""

_FORMS: Mapping[FieldType, Callable[[str], str]] = {
    FieldType.DURATION: lambda text: duration_text(duration_seconds(text)),
    FieldType.TIME: time_text,
    FieldType.DATETIME: moment_text,
    FieldType.UUID: str.lower,
    FieldType.RELATION: str.lower,
}
"""Types whose values may be given in several forms → the one that records have, which rules are held against."""

_Mistakes = Iterator[tuple[str, str, str]]  # (pointer, reason, remedy)


def rules_of(text: Mapping[str, Any]) -> dict[str, Any]:
    """The rules in a file."""
    return {word: text[word] for word in RULE_WORDS if word in text}


def mentioned(rule: Any) -> frozenset[str]:
    """Names of the fields of which a rule speaks."""
    if not isinstance(rule, Mapping):
        return frozenset()
    names = {*rule.get("required", ()), *rule.get("properties", {}), *rule.get("dependentSchemas", {})}
    for name, others in rule.get("dependentRequired", {}).items():
        names |= {name, *others}
    return frozenset(names).union(*(mentioned(part) for _, part in _inner(rule)))


def _inner(rule: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Pointer and text of the rules in a rule that are about the same record or value."""
    for word in _SINGLE:
        if word in rule:
            yield step("", word), rule[word]
    for word in _LISTS:
        for number, part in enumerate(rule.get(word, ())):
            yield step(step("", word), number), part
    for name, part in rule.get("dependentSchemas", {}).items():
        yield step("/dependentSchemas", name), part


def rule_mistakes(rules: Mapping[str, Any], fields: Mapping[str, Field], names: Iterable[str]) -> _Mistakes:
    """What is wrong with the rules of a file.

    Args:
        rules: their form has been found right.
        fields: the fields that are right.
        names: all fields of the file; of those that are wrong themselves, nothing is said.
    """
    yield from _record(rules, "", fields, frozenset(names))


def _record(rule: Any, at: str, fields: Mapping[str, Field], names: frozenset[str]) -> _Mistakes:
    if not isinstance(rule, Mapping):
        return
    yield from _conditions(rule, at)
    named = [(step(f"{at}/required", i), name) for i, name in enumerate(rule.get("required", ()) if at else ())]
    for name, others in rule.get("dependentRequired", {}).items():
        pointer = step(f"{at}/dependentRequired", name)
        named += [(pointer, name), *((step(pointer, i), other) for i, other in enumerate(others))]
    named += [(step(f"{at}/dependentSchemas", name), name) for name in rule.get("dependentSchemas", {})]
    properties = rule.get("properties", {}) if at else {}
    named += [(step(f"{at}/properties", name), name) for name in properties]
    for pointer, name in named:
        if name not in names:
            reason = f'There is no field "{name}" in this file.'
            yield pointer, reason, f"{nearest(name, sorted(names))}A rule speaks of fields of its own entity."
        elif name in fields and not fields[name].writable:
            reason = f'"{name}" is made by the platform, so it cannot be checked when a record is written.'
            yield pointer, reason, "Remove it from the rule."
    for name, part in properties.items():
        if name in fields:
            yield from _value(part, step(f"{at}/properties", name), fields[name])
    for pointer, part in _inner(rule):
        yield from _record(part, at + pointer, fields, names)


def _conditions(rule: Mapping[str, Any], at: str) -> _Mistakes:
    for word in ("then", "else"):
        if word in rule and "if" not in rule:
            yield f"{at}/{word}", f'"{word}" says nothing without "if".', 'Add "if", or use allOf.'
    if "if" in rule and "then" not in rule and "else" not in rule:
        yield f"{at}/if", '"if" says nothing without "then" or "else".', "Add one of them."


def _value(rule: Any, at: str, field: Field) -> _Mistakes:
    if not isinstance(rule, Mapping):
        return
    yield from _conditions(rule, at)
    for word, types in _FITS.items():
        if word in rule and field.type not in types:
            reason = f'"{word}" says nothing about {field.name}, which is of the type {field.type}.'
            yield f"{at}/{word}", reason, "Remove it; const and enum fit every type."
    yield from _pattern(rule, at)
    values = [(f"{at}/const", rule["const"])] if "const" in rule else []
    values += [(step(f"{at}/enum", i), value) for i, value in enumerate(rule.get("enum", ()))]
    for pointer, value in values:
        if not _possible(field, value):
            reason = f"No record can have the value {shown(value)} in {field.name}."
            yield pointer, reason, f"Write a value of the type {field.type}, in the form that answers have."
    parts = field.reference.targets if field.relation is not None and field.reference.polymorphic else field.parts
    if parts or field.relation is not None:
        named = [(step(f"{at}/required", i), name) for i, name in enumerate(rule.get("required", ()))]
        for name, part in rule.get("properties", {}).items():
            named.append((step(f"{at}/properties", name), name))
            if name in field.parts:
                yield from _value(part, step(f"{at}/properties", name), field.parts[name])
        for pointer, name in named:
            if name not in parts:
                remedy = (
                    f"Its parts are {' and '.join(parts)}." if parts else "Its value is the id of the other record."
                )
                yield pointer, f'{field.name} has no part "{name}".', remedy
    if field.type is FieldType.SET:
        one = Field(field.name, FieldType.ENUM, enum=field.enum)
        for word in ("contains", "items"):
            if word in rule:
                yield from _value(rule[word], f"{at}/{word}", one)
    elif not field.parts:
        for pointer, part in _below(rule):
            yield from _anything(part, at + pointer)
    for pointer, part in _inner(rule):
        yield from _value(part, at + pointer, field)


def _anything(rule: Any, at: str) -> _Mistakes:
    """What is wrong with a rule about a value of whose form nothing is known: a part of a JSON object."""
    if not isinstance(rule, Mapping):
        return
    yield from _conditions(rule, at)
    yield from _pattern(rule, at)
    for pointer, part in (*_inner(rule), *_below(rule)):
        yield from _anything(part, at + pointer)


def _below(rule: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Pointer and text of the rules in a rule that are about parts of the value."""
    for name, part in rule.get("properties", {}).items():
        yield step("/properties", name), part
    for word in ("contains", "items"):
        if word in rule:
            yield f"/{word}", rule[word]


def _pattern(rule: Mapping[str, Any], at: str) -> _Mistakes:
    if "pattern" in rule and not _usable(rule["pattern"]):
        reason = f"{shown(rule['pattern'])} is not a regular expression that can be used."
        yield f"{at}/pattern", reason, "Close all brackets; avoid look-around and back-references."


def _usable(pattern: str) -> bool:
    options = jsonschema_rs.RegexOptions(size_limit=1_000_000)
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options)
    except (jsonschema_rs.ValidationError, ValueError):
        return False
    return True


def _possible(field: Field, value: Any) -> bool:
    options = jsonschema_rs.RegexOptions(size_limit=1_000_000)
    try:
        validator = jsonschema_rs.Draft202012Validator(
            value_schema(field), validate_formats=True, pattern_options=options
        )
    except (jsonschema_rs.ValidationError, ValueError):
        return True  # the field itself is wrong, and that is said there
    if not validator.is_valid(value):
        return False
    form = _FORMS.get(field.type)
    return form is None or not isinstance(value, str) or form(value) == value
