"""What is to become of a value can be done to it."""

from collections.abc import Iterator, Mapping
from typing import Any

from xrm_core.api import Field, KeywordMistake
from xrm_dsgvo.lint.surroundings import Said, Surroundings

_TEXTS = frozenset({"text", "long_text", "email", "phone", "url"})
_NUMBERS = frozenset({"integer", "big_integer", "decimal", "money", "duration"})
_COARSER: Mapping[str, frozenset[str]] = {
    "year": frozenset({"date", "datetime"}),
    "decade": frozenset({"date", "datetime"}),
    "plz2": frozenset({"text"}),
    "country": frozenset({"text", "enum"}),
    "domain": frozenset({"email", "url"}),
    "bucket": _NUMBERS,
}


def mistakes(found: Surroundings) -> Iterator[KeywordMistake]:
    """Of all personal fields."""
    for each in found.all_fields():
        if "erase" in each.words:
            yield from _erase(each, each.words["erase"])


def _erase(each: Said, erase: Mapping[str, Any]) -> Iterator[KeywordMistake]:
    field, strategy = each.field.given, erase["strategy"]
    kind = str(field.type)
    if strategy == "keep" and "why" not in erase:
        yield each.mistake("keep", "what is kept needs a reason.", 'Add "why" to "erase".')
    if strategy == "null" and field.required:
        reason = "a required field cannot be emptied."
        yield each.mistake("required", reason, 'Take "constant" with a value, "random_token" or "generalize".')
    if field.virtual != (strategy == "recompute") and not (strategy == "recompute" and "derivedFrom" in each.words):
        reason = "a field that is worked out is only worked out anew." if field.virtual else "nothing works it out."
        yield each.mistake("recompute", reason, 'Take "recompute" for such fields, and for no others.')
    if strategy == "redact_text" and kind not in _TEXTS:
        yield each.mistake("fits", "only texts can be redacted.", 'Take "null".')
    if strategy == "random_token" and (kind not in _TEXTS or field.text_format is not None):
        yield each.mistake("fits", "only a text can be a random one.", 'Take "null", "constant" or "generalize".')
    if kind == "file" and strategy != "delete_file" and "why" not in erase:
        yield each.mistake("file", "the file itself has to go.", 'Take "delete_file", or say "why" it stays.')
    if strategy == "delete_file" and kind != "file":
        yield each.mistake("fits", "there is no file.", 'Take "null".')
    if strategy == "generalize":
        yield from _coarser(each, kind, erase)
    if strategy == "constant":
        yield from _constant(each, kind, erase)


def _coarser(each: Said, kind: str, erase: Mapping[str, Any]) -> Iterator[KeywordMistake]:
    to = erase.get("to")
    if to is None:
        yield each.mistake("fits", '"generalize" needs "to".', f"Say one of {', '.join(_COARSER)}.")
    elif kind not in _COARSER[to]:
        fitting = [word for word, kinds in _COARSER.items() if kind in kinds]
        remedy = f"Say {' or '.join(fitting)}." if fitting else 'Take "null".'
        yield each.mistake("fits", f'a value of the type {kind} has no "{to}".', remedy)


def _constant(each: Said, kind: str, erase: Mapping[str, Any]) -> Iterator[KeywordMistake]:
    field = each.field.given
    if "value" not in erase:
        yield each.mistake("constant", '"constant" needs "value".', "Add it.")
    elif not _fits(field, kind, erase["value"]):
        yield each.mistake("constant", "the field cannot have this value.", "Take one that it can have.")
    if field.unique:
        reason = "the value of a unique field cannot be the same for all."
        yield each.mistake("constant", reason, 'Take "random_token".')


def _fits(field: Field, kind: str, value: Any) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in _NUMBERS:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if not isinstance(value, str):
        return False
    if kind == "enum":
        return value in field.enum
    return field.max_length is None or len(value) <= field.max_length
