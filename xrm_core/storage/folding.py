"""Upper and lower case made equal, in the same way on both databases and in Python.

Databases fold what is not ASCII by rules of their own: SQLite not at all, PostgreSQL by those of an operating system or
of a library that may not be there. So the table is ours: Latin with all its accents, Greek and Cyrillic. Each letter
becomes one letter; ``ß`` stays what it is, and so do accents.
"""

import sqlite3

_RANGES = (range(0xC0, 0x180), range(0x386, 0x3AC), range(0x400, 0x430), range(0x1E9E, 0x1E9F))

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


def teach(connection: sqlite3.Connection) -> None:
    """Let statements of a connection call :data:`SQLITE_FUNCTION`."""
    connection.create_function(SQLITE_FUNCTION, 1, fold, deterministic=True)
