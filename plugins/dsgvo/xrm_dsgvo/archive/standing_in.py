"""What stands in a table in place of a value that went into the archive: a value that the field may have, of its own
type, and in which nobody is. No I/O in here.

Where no two records may have the same, it is a random one that shows what it is: what stands there already is known
again, and goes to the archive no second time.
"""

import re
import secrets
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from xrm_core.api import Field, value_fits

_COUNTED = frozenset(
    {"integer", "big_integer", "decimal", "money", "boolean", "date", "datetime", "time", "duration", "enum", "set"}
)
"""Types of what is summed, sorted and counted; ``identifier`` in an annotation says that it tells who somebody is."""

MADE_UP = frozenset({"constant", "random_token", "generalize"})
"""Strategies that say themselves what stands there after an erasure."""

_DAY = "1900-01-01"
_PHONE = "+493023125000"
"""A number that the Bundesnetzagentur keeps free for films: it leads to nobody."""

_HOST = "erased.invalid"
_NOBODY = UUID(int=0)
_ENOUGH = 8
"""Random letters that no two records have both."""

_LONGEST = 40
_MOST_KNOWN = 1_000
_known: dict[tuple[Any, ...], Any] = {}
_SHAPES = ("0", "X", "x", "A", "a", "1")
_OURS = re.compile(rf"erased(-[0-9a-f]*)?-*(@{_HOST})?|~[0-9a-f]+|[0-9a-f]*@{_HOST}|https://{_HOST}/[0-9a-f]*")


def goes_apart(field: Field, *, identifier: bool, readonly: bool) -> bool:
    """Whether a value is moved into the archive at all. What is sealed is out of reach already: it takes the right to
    sealed values.

    Args:
        field: of the entity file.
        identifier: whether its annotation says that it tells who somebody is.
        readonly: whether its annotation says ``"restrict": "readonly"``.
    """
    if field.virtual or field.sealing is not None or field.relation is not None or readonly:
        return False
    return str(field.type) not in _COUNTED or identifier


def stands_in(field: Field) -> Any:
    """A value for a field that must have one; None: there is none that it may have, or none that only it has."""
    if (random := next((each for each in _random(field) if value_fits(field, each)), None)) is not None:
        return random
    return None if field.unique else _plain(field)


def stays_readable(field: Field, strategy: str | None) -> bool:
    """Whether what the law keeps of a field could only stay where it is, since nothing may stand there instead.

    Args:
        field: of the entity file.
        strategy: of its ``erase``.
    """
    return field.required and field.writable and strategy not in MADE_UP and stands_in(field) is None


def is_ours(field: Field, value: Any) -> bool:
    """Whether a value stands in for one already."""
    text = str(value)
    if _OURS.fullmatch(text) or (str(field.type) == "uuid" and text.startswith(str(_NOBODY)[:24])):
        return True
    plain = None if field.unique else _plain(field)
    if isinstance(plain, str) and plain.startswith(_DAY):
        return text[:10] == _DAY
    return bool(plain == value)


def _plain(field: Field) -> Any:
    """What may stand on many records; looked for once, since a pattern is tried with many texts."""
    about = (str(field.type), field.pattern, field.text_format, field.custom_type, field.min_length, field.max_length)
    limits = (field.minimum, field.maximum, field.exclusive_minimum, field.exclusive_maximum, field.multiple_of)
    key = (*about, *limits, field.const if isinstance(field.const, str | int) else None)
    if key not in _known:
        if len(_known) > _MOST_KNOWN:
            _known.clear()
        _known[key] = next((each for each in _same(field) if value_fits(field, each)), None)
    return _known[key]


def _same(field: Field) -> Iterator[Any]:
    """What fits in the order in which it is taken."""
    kind = str(field.type)
    if field.text_format is not None or field.custom_type is not None:
        return  # nobody but the plugin that has it knows what fits
    if kind in ("text", "long_text"):
        yield from _words(field)
    elif kind == "email":
        yield from (f"erased@{_HOST}", f"e@{_HOST}")
    elif kind == "phone":
        yield _PHONE
    elif kind == "url":
        yield f"https://{_HOST}/"
    elif kind == "uuid":
        yield str(_NOBODY)
    elif kind == "json":
        yield {}
    elif kind == "date":
        yield _DAY
    elif kind == "datetime":
        yield f"{_DAY}T00:00:00Z"
    elif kind == "time":
        yield "00:00:00"
    elif kind in ("integer", "big_integer"):
        yield from (each for each in (0, 1, field.minimum, field.maximum, field.multiple_of) if isinstance(each, int))


def _words(field: Field) -> Iterator[str]:
    """``erased`` as far as there is room, and what simple patterns let through, such as ``00000`` for five digits."""
    shortest, longest = field.min_length or 1, min(field.max_length or _LONGEST, _LONGEST)
    yield "erased"[:longest].ljust(shortest, "-")
    if field.pattern is not None:
        yield from (shape * length for length in range(shortest, longest + 1) for shape in _SHAPES)


def _random(field: Field) -> Iterator[Any]:
    """What only one record has; where several may have the same as well, if there is room."""
    kind, token = str(field.type), secrets.token_hex(_ENOUGH)
    room = field.max_length or _LONGEST
    if field.text_format is not None or field.custom_type is not None:
        return
    if kind in ("text", "long_text"):
        longer, shorter = room - len("erased-"), room - 1
        if longer >= _ENOUGH:
            yield f"erased-{token[:longer]}"
        elif shorter >= _ENOUGH:
            yield f"~{token[:shorter]}"
    elif kind == "email":
        yield from (f"erased-{token}@{_HOST}", f"{token[:_ENOUGH]}@{_HOST}")
    elif kind == "url":
        yield f"https://{_HOST}/{token}"
    elif kind == "uuid":
        yield f"{str(_NOBODY)[:24]}{secrets.token_hex(6)}"
