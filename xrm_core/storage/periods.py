"""The begin of a day, week, month, quarter or year on SQLite, which knows no time zones: PostgreSQL's ``date_trunc``.

The time zones are those of the IANA database (the distribution tzdata, or the system's).
"""

import datetime as dt
import sqlite3
from functools import lru_cache
from zoneinfo import ZoneInfo

SQLITE_DAY = "xrm_begin_day"
SQLITE_MOMENT = "xrm_begin_moment"
FIRST_MOMENT = "0001-01-01T00:00:00+00:00"
"""Before it no period begins: there is no moment that could be said."""

_REMEMBERED = 8192
_CYCLE = 400
"""Years after which days of the week come again on the same dates."""


@lru_cache(_REMEMBERED)
def begin_of_day(part: str, day: str | None) -> str | None:
    """First day of the part that a day (``2026-11-26``) lies in."""
    return None if day is None else _begin(part, dt.date.fromisoformat(day)).isoformat()


def begin_of_moment(part: str, moment: str | None, zone: str) -> str | None:
    """First moment, in UTC, of the part that a moment in UTC (``2026-11-26T10:00:00+00:00``) lies in in a zone."""
    return None if moment is None else _begin_of_minute(part, moment[:16], zone)


@lru_cache(_REMEMBERED)
def _begin_of_minute(part: str, minute: str, zone: str) -> str:
    there = ZoneInfo(zone)
    moment = dt.datetime.fromisoformat(f"{minute}:00+00:00")
    # In the first and the last year some zones are already in years that Python does not have.
    moved = _CYCLE if moment.year == dt.MINYEAR else -_CYCLE if moment.year == dt.MAXYEAR else 0
    local = moment.replace(year=moment.year + moved).astimezone(there)
    begin = dt.datetime.combine(_begin(part, local.date()), dt.time(), there)
    # Where clocks skip or repeat midnight, PostgreSQL takes the smaller of the two offsets, and so do we.
    offsets = (begin.replace(fold=fold).utcoffset() or dt.timedelta() for fold in (0, 1))
    found = begin.replace(tzinfo=None) - min(offsets)
    if found.year - moved < dt.MINYEAR:
        return FIRST_MOMENT
    return found.replace(year=found.year - moved).isoformat(timespec="seconds") + "+00:00"


def _begin(part: str, day: dt.date) -> dt.date:
    match part:
        case "week":
            return day - dt.timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            return day.replace(month=1, day=1)
    return day


def teach(connection: sqlite3.Connection) -> None:
    """Let statements of a connection call :data:`SQLITE_DAY` and :data:`SQLITE_MOMENT`."""
    connection.create_function(SQLITE_DAY, 2, begin_of_day, deterministic=True)
    connection.create_function(SQLITE_MOMENT, 3, begin_of_moment, deterministic=True)
