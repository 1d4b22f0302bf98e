"""Moments, local times of day and durations as text: one form each, in files, records, the API and both databases."""

import datetime as dt
import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

TIME_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{0,5}[1-9])?$"
"""The one form of a time of day: ``08:30:00``, with a fraction of a second only if there is one."""

DURATION_PATTERN = r"^P([0-9]+D|([0-9]+D)?T([0-9]+H([0-9]+M)?([0-9]+S)?|[0-9]+M([0-9]+S)?|[0-9]+S))$"
"""The form of a duration as :func:`duration_text` makes it (save that hours may be 24 and more)."""

MAX_SECONDS = 100_000_000_000
"""Longest duration, some 3 170 years: a sum of 90 million such ones still fits 64 bits."""

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?")
_WEEKS = re.compile(r"P([0-9]{1,12})W")
_PARTS = re.compile(
    r"P(?=[0-9T])(?:([0-9]{1,12})D)?(?:T(?=[0-9])(?:([0-9]{1,12})H)?(?:([0-9]{1,12})M)?(?:([0-9]{1,12})S)?)?"
)
_SIZES = (86_400, 3_600, 60, 1)
_LETTERS = "DHMS"


def is_zone(name: str) -> bool:
    """Whether there is a time zone of this name, such as ``Europe/Berlin``."""
    try:
        return ZoneInfo(name).key == name and name not in ("localtime", "Factory")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def time_text(value: object) -> str:
    """A time of day as text ``HH:MM[:SS[.ffffff]]`` or ``datetime.time`` in its one form; ValueError for others."""
    if isinstance(value, dt.time):
        value = value.replace(tzinfo=None).isoformat()
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError("not a time of day such as 08:30:00")
    clock, _, fraction = value.partition(".")
    clock = clock if len(clock) == 8 else f"{clock}:00"
    fraction = fraction.rstrip("0")
    return f"{clock}.{fraction}" if fraction else clock


def instant_text(moment: dt.datetime) -> str:
    """A UTC datetime in the words of PostgreSQL's JSON: no trailing zeros in the fraction, offset ``+00:00``.

    These texts sort like the moments that they stand for, since ``+`` sorts before ``.`` and the digits.
    """
    text = moment.isoformat()  # takes a tenth of the time of strftime, and each change has some moments
    return f"{text[:26].rstrip('0') if moment.microsecond else text[:19]}+00:00"


def moment_text(value: object) -> str:
    """An RFC 3339 text or aware datetime in its one form; ValueError for others."""
    moment = dt.datetime.fromisoformat(value.upper()) if isinstance(value, str) else value
    if not isinstance(moment, dt.datetime) or moment.tzinfo is None:
        raise ValueError("not a moment such as 2026-11-22T10:00:00+00:00")
    try:
        return instant_text(moment.astimezone(dt.UTC))
    except OverflowError:
        raise ValueError("outside of the years 1 to 9999") from None


def duration_seconds(value: object) -> int:
    """A duration in weeks or in days, hours, minutes and seconds (ISO 8601) as whole seconds; a day has 24 hours.

    Raises:
        ValueError: for other text, years and months included, which have no fixed length; and if it is longer than
            :data:`MAX_SECONDS`.
    """
    if not isinstance(value, str):
        raise ValueError("not a duration such as PT1H30M")  # noqa: TRY004 - one error for whoever reads values
    if weeks := _WEEKS.fullmatch(value):
        seconds = int(weeks[1]) * 7 * 86_400
    elif parts := _PARTS.fullmatch(value):
        seconds = sum(int(part or 0) * size for part, size in zip(parts.groups(), _SIZES, strict=True))
    else:
        raise ValueError("not a duration such as PT1H30M")
    if seconds > MAX_SECONDS:
        raise ValueError(f"longer than {MAX_SECONDS} seconds")
    return seconds


def duration_text(seconds: int) -> str:
    """Whole seconds as ``P2DT3H``: days, hours below 24, minutes and seconds below 60, nothing that is zero."""
    parts = []
    for size, letter in zip(_SIZES, _LETTERS, strict=True):
        count, seconds = divmod(seconds, size)
        parts.append(f"{count}{letter}" if count else "")
    clock = "".join(parts[1:])
    if not parts[0] and not clock:
        return "PT0S"
    return f"P{parts[0]}T{clock}" if clock else f"P{parts[0]}"
