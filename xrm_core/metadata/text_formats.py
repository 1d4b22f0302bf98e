"""Formats of texts that plugins bring: ``"format": "fleet-plate"`` in an entity file."""

from collections.abc import Callable
from dataclasses import dataclass


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
