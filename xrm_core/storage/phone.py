"""Phone numbers in any notation as their digits, alike on SQLite, on PostgreSQL and in Python.

``+49 (0)731 1234-56``, ``0049 731 123456`` and ``0731/123456`` differ in what stands before the number: zeros and a
country code. So digits are kept, a zero in brackets and leading zeros go, and two numbers are the same if the shorter
one is the end of the longer one and long enough not to be so by chance.
"""

import re
import sqlite3

LEAST_DIGITS = 7
"""Numbers with fewer digits are the same only if they have the same digits."""

SQLITE_FUNCTION = "xrm_phone_digits"


def phone_digits(text: str | None) -> str | None:
    """The digits that tell numbers apart; empty if there are none."""
    return None if text is None else re.sub(r"[^0-9]", "", text.replace("(0)", "")).lstrip("0")


def is_same_number(one: str, other: str) -> bool:
    """Whether two notations are of one number."""
    shorter, longer = sorted((phone_digits(one) or "", phone_digits(other) or ""), key=len)
    return shorter != "" and (shorter == longer or (len(shorter) >= LEAST_DIGITS and longer.endswith(shorter)))


def teach(connection: sqlite3.Connection) -> None:
    """Let statements of a connection call :data:`SQLITE_FUNCTION`."""
    connection.create_function(SQLITE_FUNCTION, 1, phone_digits, deterministic=True)
