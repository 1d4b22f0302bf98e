"""Formats of texts that plugins bring: ``"format": "fleet-plate"`` in an entity file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any


@dataclass(frozen=True)
class TextFormat:
    """A format of text: what an IBAN or a licence plate is.

    Args:
        name: the plugin's name (``-`` for ``_``), perhaps with more after another ``-``.
        check: is given a text in its one form; answers what is wrong with it, in English as it stands in the plugin's
            catalogues, or None.
        normal: makes one form of the forms in which it may be given, such as one without blanks; it raises nothing for
            any text.
        max_length: of a field that says nothing else.
    """

    name: str
    check: Callable[[str], str | None]
    normal: Callable[[str], str] | None = None
    max_length: int = 255


def say_lengths(part: Any, lengths: Mapping[str, int]) -> bool:
    """Let fields of a file say the greatest length that else only their format says; whether any had to.

    Args:
        part: of the file, as JSON.
        lengths: of formats, by name.
    """
    if isinstance(part, list):
        return any(list(map(partial(say_lengths, lengths=lengths), part)))  # all of them, not up to the first
    if not isinstance(part, dict):
        return False
    changed = any(list(map(partial(say_lengths, lengths=lengths), part.values())))
    name = part.get("format")
    if part.get("type") == "string" and isinstance(name, str) and name in lengths and "maxLength" not in part:
        part["maxLength"] = lengths[name]
        return True
    return changed
