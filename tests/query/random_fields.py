"""Fields of entity files, drawn at random: every type, and the words that each may have."""

import random
from collections.abc import Callable
from typing import Any

from tests.query.random_values import PATTERNS

Text = dict[str, Any]
"""A field as it stands in a file."""

_ENUM = ["low", "HIGH", "in_between", "x1", "Order", "ASC", "some", "type"]
FILES: list[list[str]] = [[], ["text/plain"], ["application/pdf", "image/*"]]
"""Media types that a field of files may take; without any it takes all."""


def scalar(chance: random.Random, *, attribute: bool = False) -> Text:
    """A field that holds a value. An ``attribute`` is one of a link or a relationship: no file, no sequence."""
    kinds = [*_KINDS] if attribute else [*_KINDS, "file", "sequence"]
    kind = chance.choice(kinds)
    if kind == "file":
        types = chance.choice(FILES)
        return {"x-type": "file", **({"x-media-types": types} if types else {})}
    if kind == "sequence":
        form = chance.choice(["N-{000}", "{YYYY}/{00}", "{0}"])
        return {"type": "string", "x-sequence": {"format": form, "gapless": chance.random() < 0.5}}
    return _KINDS[kind](chance)


def orderly(of: Text) -> bool:
    """Whether a field can stand for a record, and in an index of several."""
    wide = of.get("x-type") in ("long_text", "json", "money", "file") or of.get("format") in ("uri", "email")
    return not wide and of.get("type") != "array" and of.get("maxLength", 255) <= 255


def _maybe(chance: random.Random, **words: Any) -> Text:
    """Each of the words with one chance in four; ``x_index`` stands for ``x-index``."""
    return {name.replace("_", "-"): value for name, value in words.items() if chance.random() < 0.25}


def _text(chance: random.Random) -> Text:
    found = {"type": "string", **_maybe(chance, x_search=True, pattern=chance.choice(PATTERNS), default="ab")}
    found |= {"maxLength": chance.choice([2, 40, 200])} if chance.random() < 0.5 else {}
    found |= {"minLength": chance.choice([1, 2])} if chance.random() < 0.2 else {}
    found |= _maybe(chance, x_index=True) if "maxLength" in found else {}
    if found.get("default") and "pattern" in found:
        found["default"] = "DE" if found["pattern"].startswith("^[A-Z]{2}") else "ab"
    return found


def _written(**form: Any) -> Callable[[random.Random], Text]:
    return lambda chance: {"type": "string", **form, **_maybe(chance, x_search=True)}


def _integer(chance: random.Random) -> Text:
    limits = [{}, {"minimum": -12}, {"maximum": 30, "minimum": -7}, {"exclusiveMinimum": -1}, {"multipleOf": 3}]
    return {"type": "integer", **chance.choice(limits), **_maybe(chance, default=30, x_index=True)}


def _decimal(chance: random.Random) -> Text:
    precision, scale = chance.choice([(18, 2), (18, 4), (9, 0), (14, 2), (5, 5), (18, 6), (1, 0)])
    found: Text = {"type": "number", "x-type": "decimal", "x-precision": precision, "x-scale": scale}
    return found | _maybe(chance, default=0, x_index=True, exclusiveMaximum=0.75, minimum=-0.5)


def _money(chance: random.Random) -> Text:
    currencies = chance.choice([None, ["CHF"], ["EUR", "USD"], ["JPY", "EUR", "GBP"]])
    found: Text = {"type": "object", "x-type": "money", **({"x-currencies": currencies} if currencies else {})}
    return found | _maybe(chance, x_scale=chance.choice([0, 3]), x_precision=12, x_index=True, minimum=0)


def _enum(chance: random.Random) -> Text:
    values = chance.sample(_ENUM, chance.randint(1, 5))
    labels = {values[0]: {"de": "Erster", "en": "First"}}
    return {"type": "string", "enum": values, **_maybe(chance, default=values[-1], x_index=True, x_enum_labels=labels)}


def _set(chance: random.Random) -> Text:
    values = chance.sample(_ENUM, chance.randint(1, 5))
    found: Text = {"type": "array", "uniqueItems": True, "items": {"enum": values}}
    return found | _maybe(chance, default=[values[0]], x_index=True, maxItems=3)


_KINDS: dict[str, Callable[[random.Random], Text]] = {
    "text": _text,
    "another text": _text,
    "long text": _written(**{"x-type": "long_text"}),
    "phone": _written(**{"x-type": "phone"}),
    "email": _written(format="email"),
    "url": _written(format="uri"),
    "date": lambda chance: {"type": "string", "format": "date", **_maybe(chance, default="2024-02-29", x_index=True)},
    "moment": lambda chance: {"type": "string", "format": "date-time", **_maybe(chance, x_index=True)},
    "time": lambda chance: {"type": "string", "x-type": "time", **_maybe(chance, default="08:30")},
    "duration": lambda chance: {"type": "string", "format": "duration", **_maybe(chance, default="PT90M")},
    "uuid": lambda chance: {"type": "string", "format": "uuid", **_maybe(chance, x_index=True)},
    "integer": _integer,
    "big integer": lambda chance: {**_integer(chance), "x-type": "big_integer"},
    "decimal": _decimal,
    "another decimal": _decimal,
    "boolean": lambda chance: {"type": "boolean", **_maybe(chance, default=True)},
    "enum": _enum,
    "set": _set,
    "money": _money,
    "json": lambda chance: {"type": "object", "x-type": "json", **_maybe(chance, default={"a": 1})},
}
