"""What comes of reading a file, and how much of one is read."""

from dataclasses import dataclass
from enum import StrEnum

MOST_BYTES = 25 << 20
"""Of a file; larger ones are not opened."""

MOST_UNPACKED = 100 << 20
"""Bytes that the parts of one file may have once they are unpacked."""

MOST_LETTERS = 10_000_000
"""Of the text of one file."""


class Missing(StrEnum):
    """Why a file, or a part of it, was not searched."""

    PICTURE = "picture"
    FORMAT = "format"
    ENCRYPTED = "encrypted"
    TOO_LARGE = "too_large"
    BROKEN = "broken"
    QUARANTINED = "quarantined"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Text:
    """``text`` as far as there is one; ``missing``: why there is not all of it."""

    text: str = ""
    missing: Missing | None = None


def limited(text: str) -> Text:
    """A text, cut where it is too long."""
    return Text(text[:MOST_LETTERS], Missing.TOO_LARGE if len(text) > MOST_LETTERS else None)
