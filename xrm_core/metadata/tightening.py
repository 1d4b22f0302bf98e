"""May a higher layer say this of a field of a lower one? It may narrow the values and name it anew, nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from xrm_core.metadata.fields import read_field
from xrm_core.metadata.lines import Document, step
from xrm_core.metadata.model import Field
from xrm_core.metadata.sealed_types import opened_up
from xrm_core.metadata.structure import meta_schema, shown
from xrm_core.metadata.types import FieldType

TIGHTENING = frozenset(meta_schema("extension")["$defs"]["tightening"]["properties"])
"""Words that narrow a field or name it for people."""

_LEAST = {
    "minLength": "min_length",
    "minimum": "minimum",
    "exclusiveMinimum": "exclusive_minimum",
    "minItems": "min_items",
}
_GREATEST = {
    "maxLength": "max_length",
    "maximum": "maximum",
    "exclusiveMaximum": "exclusive_maximum",
    "maxItems": "max_items",
}
_ONCE = {"pattern": "pattern", "multipleOf": "multiple_of", "const": "const"}
_PAIRS = tuple(zip(_LEAST, _GREATEST, strict=True))
_OPPOSITE = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}
_NAMES_FOR_PEOPLE = frozenset({"title", "description", "x-labels", "x-enum-labels"})

_Mistake = tuple[str, str, str]  # (pointer in the extension, reason, remedy)


@dataclass(frozen=True, slots=True)
class Tightened:
    """The field as it reads now; ``taken`` are the pointers of what came from the extension."""

    text: Mapping[str, Any]
    taken: tuple[str, ...]
    mistakes: tuple[_Mistake, ...]


def wrong_fields(pointers: Iterable[str]) -> frozenset[str]:
    """Fields in or below which something is wrong."""
    parts = [pointer.split("/") for pointer in pointers if pointer.startswith("/properties/")]
    return frozenset(part[2].replace("~1", "/").replace("~0", "~") for part in parts)


def tighten(base: Document, below: Document, name: str, words: Mapping[str, Any], extension: Document) -> Tightened:
    """The field ``name`` of ``base`` with the words of the extension, and what is wrong with them.

    Args:
        base: the entity as it is, with what layers beside that of the extension have said (plugins, that is).
        below: the entity without that. Only what it says can be loosened; of two neighbours, the tighter word counts.
        name: the field.
        words: what the extension says of it.
        extension: the file.
    """
    text: dict[str, Any] = dict(base.value["properties"][name])
    if name not in below.value["properties"]:
        below = base  # a neighbour has added the field
    field, narrowed = _field(below, name), _field(base, name)
    sheet = _Sheet(base, extension)
    for word, value in words.items():
        pointer = step(step("/properties", name), word)
        where = base if word in _ONCE else below
        reason, other = _mistake(word, value, narrowed if word in _ONCE else field)
        if not reason:
            where = base
            value, reason, other = _with_neighbour(word, value, text.get(word), narrowed)
        if reason:
            said = step(step("/properties", name), other)
            also = f"{where.place(said)[0].layer} says so at {where.place(said)[0].file}:{where.line(said)}"
            remedy = "A higher layer may only narrow what a field holds."
            sheet.mistakes.append((pointer, f"{reason}; {also}.", remedy))
        else:
            named = word in _NAMES_FOR_PEOPLE or word == "default"
            text[word] = sheet.joined(pointer, text.get(word), value, named)
    if {"enum", "items"} & words.keys() and "x-enum-labels" in text:
        labels, values = text["x-enum-labels"], text.get("enum") or text["items"]["enum"]
        text["x-enum-labels"] = {key: part for key, part in labels.items() if key in values}
    return Tightened(text, tuple(sheet.taken), tuple(sheet.mistakes))


def _field(document: Document, name: str) -> Field:
    text = document.value["properties"][name]
    if {"x-relation", "x-computed", "x-rollup"} & set(text):
        return Field(name, FieldType.RELATION)  # has no values that could be narrowed; the meta-schema says so
    listed = document.value.get("required")
    required = isinstance(listed, list) and name in listed
    return opened_up(read_field(document, name, required=required, problems=[], text=text))


def _with_neighbour(word: str, value: Any, known: Any, narrowed: Field) -> tuple[Any, str, str]:
    """The tighter of two words, which is never looser than what stands below both; or what is wrong."""
    if known is None:
        return value, "", ""
    if word in _LEAST:
        return max(value, known), "", ""
    if word in _GREATEST or word == "x-max-bytes":
        return min(value, known), "", ""
    if word == "items":
        found, reason, _ = _with_neighbour("enum", value["enum"], known["enum"], narrowed)
        return {"enum": found}, reason, word
    if word in ("enum", "x-currencies"):
        both = [each for each in value if each in known]
        return both or value, "" if both else f"None of {', '.join(map(shown, value))} would be left", word
    if word == "x-media-types":
        reason, other = _mistake(word, value, narrowed)
        return value, reason, other
    return value, "", ""


def _mistake(word: str, value: Any, field: Field) -> tuple[str, str]:
    """What is wrong, and the word below with which it does not agree; two empty texts if nothing is."""
    if word in _LEAST:
        least, greatest = getattr(field, _LEAST[word]), getattr(field, _GREATEST[_OPPOSITE[word]])
        if least is not None and value < least:
            return f"{word} {value} is less than {least}, so it would loosen the field", word
        if greatest is not None and value > greatest:
            return f"{word} {value} is more than the greatest that the field may have, {greatest}", _OPPOSITE[word]
    if word in _GREATEST:
        least, greatest = getattr(field, _LEAST[_OPPOSITE[word]]), getattr(field, _GREATEST[word])
        if greatest is not None and value > greatest:
            return f"{word} {value} is more than {greatest}, so it would loosen the field", word
        if least is not None and value < least:
            return f"{word} {value} is less than the least that the field may have, {least}", _OPPOSITE[word]
    if word in _ONCE and (known := getattr(field, _ONCE[word])) not in (None, value):
        return f"The field has the {word} {shown(known)} already, and two cannot be compared", word
    if word == "enum" and not field.enum:
        return "The field has no list of values, and its type cannot be changed", "type"
    if word == "enum" and (more := [each for each in value if each not in field.enum]):
        return f"{', '.join(map(shown, more))} would be added to the values", word
    if word == "items" and field.enum:
        more = [each for each in value["enum"] if each not in field.enum]
        return (f"{', '.join(map(shown, more))} would be added to the values", word) if more else ("", "")
    if (
        word == "x-currencies"
        and field.currencies
        and (more := [each for each in value if each not in field.currencies])
    ):
        return f"{', '.join(more)} would be added to the currencies {', '.join(field.currencies)}", word
    if word == "x-media-types" and field.file is not None:
        more = [each for each in value if not field.file.takes(each)]
        return (f"{', '.join(more)} would be added to the media types", word) if more else ("", "")
    if word == "x-max-bytes" and field.file is not None and value > field.file.max_bytes:
        return f"{value} bytes are more than {field.file.max_bytes}, so it would loosen the field", word
    return "", ""


class _Sheet:
    """What is taken from the extension, and what is not."""

    def __init__(self, base: Document, extension: Document) -> None:
        self.base = base
        self.extension = extension
        self.taken: list[str] = []
        self.mistakes: list[_Mistake] = []

    def joined(self, pointer: str, known: Any, value: Any, named: bool) -> Any:
        """What is known below with the value on top of it, all the way down."""
        if isinstance(value, Mapping) and isinstance(known, Mapping):
            parts = {key: self.joined(step(pointer, key), known.get(key), part, named) for key, part in value.items()}
            return {**known, **parts}
        owner = self.base.place(pointer)[0]
        # Two layers of which neither stands above the other must not name a thing differently.
        if named and known not in (None, value) and owner.rank >= self.extension.rank:
            reason = f"{owner.layer} says otherwise, at {owner.file}:{self.base.line(pointer)}"
            reason += ", and neither layer stands above the other."
            self.mistakes.append((pointer, reason, "Remove it here or there."))
            return known
        self.taken.append(pointer)
        return value
