"""Computed fields and roll-ups as they stand in a file → :class:`~xrm_core.metadata.model.Field`, not yet resolved."""

from collections.abc import Iterator, Mapping
from typing import Any

from xrm_core.metadata.frozen import freeze
from xrm_core.metadata.lines import step
from xrm_core.metadata.model import Field, Rollup, Source
from xrm_core.metadata.types import FieldType

UNDECLARED = FieldType.RELATION
"""Type of a roll-up whose file leaves the type to the field it is made of, until it is resolved."""

_NUMBERS = {"integer": FieldType.INTEGER, "number": FieldType.DECIMAL, "boolean": FieldType.BOOLEAN}
_TEXTS = {
    "date": FieldType.DATE,
    "date-time": FieldType.DATETIME,
    "email": FieldType.EMAIL,
    "uri": FieldType.URL,
    "uuid": FieldType.UUID,
}
_SUBTYPES = (("decimal", "number"), ("long_text", "string"), ("big_integer", "integer"))
_Mistakes = Iterator[tuple[str, str, str]]  # (pointer, reason, remedy)


def is_virtual(text: Mapping[str, Any]) -> bool:
    """Whether a field's text is that of a computed field or a roll-up."""
    return "x-computed" in text or "x-rollup" in text


def virtual_field(name: str, text: Mapping[str, Any], source: Source) -> Field:
    """The field that the text says; what it refers to is looked at when all files have been read."""
    precision = int(text.get("x-precision", 18))
    rollup = text.get("x-rollup")
    return Field(
        name,
        _declared(text),
        precision=precision,
        scale=int(text.get("x-scale", min(2, precision))),
        labels=freeze(text.get("x-labels", {})),
        description=text.get("description", text.get("title", "")),
        computed=text.get("x-computed"),
        rollup=None if rollup is None else Rollup(**{key: freeze(value) for key, value in rollup.items()}),
        source=source,
    )


def _declared(text: Mapping[str, Any]) -> FieldType:
    if "type" not in text:
        return UNDECLARED
    more = text.get("x-type")
    if text["type"] in _NUMBERS:
        return FieldType.BIG_INTEGER if more == "big_integer" else _NUMBERS[text["type"]]
    return FieldType.LONG_TEXT if more == "long_text" else _TEXTS.get(text.get("format", ""), FieldType.TEXT)


def form_mistakes(text: Mapping[str, Any]) -> _Mistakes:
    """What of the type of a virtual field does not fit together; pointers are relative to the field."""
    kind = text.get("type")
    if kind == "number" and text.get("x-type") != "decimal":
        yield "", '"x-type" is missing.', 'Add "x-type": "decimal"; numbers are kept exactly.'
    for word, of in (("format", "string"), ("x-scale", "number"), ("x-precision", "number")):
        if word in text and kind != of:
            yield f"/{word}", f'"{word}" does not go with this type.', f'Remove it, or write "type": "{of}".'
    if "x-type" in text and (text["x-type"], kind) not in _SUBTYPES:
        yield "/x-type", f'"{text["x-type"]}" does not go with this type.', "Remove it."


def mention_mistakes(fields: Mapping[str, Field], text: Mapping[str, Any]) -> _Mistakes:
    """Places of an entity file at which a virtual field cannot be named."""
    places = [(step("/required", i), name) for i, name in enumerate(text.get("required", ()))]
    for keyword in ("x-indexes", "x-unique"):
        for i, names in enumerate(text.get(keyword, ())):
            places += [(step(step(f"/{keyword}", i), j), name) for j, name in enumerate(names)]
    for pointer, name in places:
        if name in fields and fields[name].virtual:
            yield pointer, f'"{name}" is worked out when it is read; nothing of it is stored.', "Remove it."
