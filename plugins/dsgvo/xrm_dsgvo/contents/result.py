"""What comes of reading a file, and how much of one is read."""

import time
from dataclasses import dataclass, field
from enum import StrEnum

MOST_BYTES = 25 << 20
"""Of a file; larger ones are not opened."""

MOST_UNPACKED = 100 << 20
"""Bytes that the parts of one file, and the parts of these, may have together once they are unpacked."""

MOST_PARTS = 2_000
"""Parts of packed files that are read of one file, those within others among them."""

MOST_SECONDS = 600.0
"""So long are parts of one file read: a part may be a PDF that takes a minute."""

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


class Spent(Exception):
    """The budget of a file is used up."""


@dataclass(slots=True)
class Budget:
    """What may still be unpacked of a file, however its parts lie in each other."""

    bytes: int = MOST_UNPACKED
    parts: int = MOST_PARTS
    until: float = field(default_factory=lambda: time.monotonic() + MOST_SECONDS)

    def take(self, size: int) -> None:
        """Note that so many bytes were unpacked. Raises Spent."""
        self.bytes -= size
        if self.bytes < 0:
            raise Spent

    def part(self) -> None:
        """Note that another part is read. Raises Spent."""
        self.parts -= 1
        if self.parts < 0 or time.monotonic() > self.until:
            raise Spent


def limited(text: str) -> Text:
    """A text, cut where it is too long."""
    return Text(text[:MOST_LETTERS], Missing.TOO_LARGE if len(text) > MOST_LETTERS else None)
