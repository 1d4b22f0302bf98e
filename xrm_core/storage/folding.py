"""Upper and lower case made equal, and letters with accents, in the same way on both databases and in Python.

Databases fold what is not ASCII by rules of their own: SQLite not at all, PostgreSQL by those of an operating system or
of a library that may not be there. So the table is ours: Latin with all its accents, Greek and Cyrillic. Each letter
becomes one letter; ``ß`` stays what it is, and so do accents.
"""

import sqlite3
import unicodedata

_RANGES = (range(0xC0, 0x250), range(0x386, 0x3AC), range(0x400, 0x430), range(0x1E00, 0x1F00))

UPPER = "".join(
    chr(code) for each in _RANGES for code in each if chr(code).lower() != chr(code) and len(chr(code).lower()) == 1
)
"""Letters beyond ASCII that have a small form."""

LOWER = UPPER.lower()
"""Their small forms, at the same places."""

SQLITE_FUNCTION = "xrm_fold"
"""Name of :func:`fold` in SQLite."""

_ASCII = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_TABLE = {**_ASCII, **str.maketrans(UPPER, LOWER)}


def fold(text: str | None) -> str | None:
    """The text in small letters; None stays None."""
    if text is None:
        return None
    return text.lower() if text.isascii() else text.translate(_TABLE)


_ACCENTED_RANGES = (range(0xDF, 0x250), range(0x1E00, 0x1F00), range(0x390, 0x3D0), (0x451,))
_LETTERS = {"đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "ø": "o", "ŧ": "t"}


def _base(letter: str) -> str:
    base = unicodedata.normalize("NFD", letter)[0]
    return _LETTERS.get(base, base)  # ǿ is o, as ø is


LIGATURES = {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}
"""Small letters that are two without accents."""

_BASES = {
    letter: _base(letter)
    for each in _ACCENTED_RANGES
    for letter in map(chr, each)
    if letter == letter.lower() and _base(letter) != letter
} | _LETTERS

ACCENTED = "".join(_BASES)
"""Small letters with accents."""

BASES = "".join(_BASES.values())
"""The letters without them, at the same places."""

MARKS = "".join(map(chr, range(0x300, 0x370)))
"""Accents that stand after their letter as characters of their own."""

SQLITE_ACCENTS_FUNCTION = "xrm_fold_accents"
"""Name of :func:`fold_accents` in SQLite."""

_PLAIN: dict[int, str | None] = {
    ord(letter): LIGATURES.get(base, base) for letter, base in (_BASES | LIGATURES).items()
}
_PLAIN |= dict.fromkeys(map(ord, MARKS))
_SMALL_AND_PLAIN = _PLAIN | {code: _PLAIN.get(small, small) for code, small in _TABLE.items()}


def fold_accents(text: str | None) -> str | None:
    """The text in small letters without accents: ``Müller`` and ``MULLER`` are ``muller``, ``ß`` is ``ss``."""
    if text is None:
        return None
    return text.lower() if text.isascii() else text.translate(_SMALL_AND_PLAIN)


_BLANKS = "".join(map(chr, (*range(9, 14), *range(0x1C, 0x20), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B))))
SEPARATORS = (
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~¡¦§«¶·»¿‐‑‒–—―‖‘’‚‛“”„‟†‡•…‹›" + _BLANKS + "\u2028\u2029\u202f\u205f\u3000"
)
"""What stands between words, beside the blank."""

_BLANK = str.maketrans(dict.fromkeys(SEPARATORS, " "))


def words(text: str) -> list[str]:
    """What stands between blanks and punctuation in a text."""
    return text.translate(_BLANK).split()


SQLITE_PADDED_FUNCTION = "xrm_padded"
"""Name of :func:`padded` in SQLite."""


def padded(text: str | None) -> str:
    """The words of a text in small letters without accents, with two spaces before, between and behind them.

    Those with punctuation in them come once more without it, so that it is known where their parts begin and end.
    """
    found = (fold_accents(text) or "").split()
    parts = [part for word in found if (inner := words(word)) != [word] for part in inner]
    return f"  {'  '.join([*found, *parts])}  " if found else ""


def teach(connection: sqlite3.Connection) -> None:
    """Let statements of a connection call the functions of this module that have a name in SQLite."""
    connection.create_function(SQLITE_PADDED_FUNCTION, 1, padded, deterministic=True)
    connection.create_function(SQLITE_FUNCTION, 1, fold, deterministic=True)
    connection.create_function(SQLITE_ACCENTS_FUNCTION, 1, fold_accents, deterministic=True)
