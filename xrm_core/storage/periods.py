"""The begin of a day, week, month, quarter or year on SQLite, which knows no time zones: PostgreSQL's ``date_trunc``.

The time zones are those of the IANA database (the distribution tzdata, or the system's).
"""

import datetime as dt
import sqlite3
from functools import lru_cache
from zoneinfo import ZoneInfo

SQLITE_DAY = "xrm_begin_day"
SQLITE_MOMENT = "xrm_begin_moment"
_REMEMBERED = 8192


@lru_cache(_REMEMBERED)
def begin_of_day(part: str, day: str | None) -> str | None:
    """First day of the part that a day (``2026-11-26``) lies in."""
    return None if day is None else _begin(part, dt.date.fromisoformat(day)).isoformat()


def begin_of_moment(part: str, moment: str | None, zone: str) -> str | None:
    """First moment, in UTC, of the part that a moment in UTC (``2026-11-26T10:00:00+00:00``) lies in in a zone."""
    return None if moment is None else _begin_of_minute(part, moment[:16], zone)


@lru_cache(_REMEMBERED)
def _begin_of_minute(part: str, minute: str, zone: str) -> str:
    there: dt.tzinfo = ZoneInfo(zone)
    moment = dt.datetime.fromisoformat(f"{minute}:00+00:00")
    try:
        local = moment.astimezone(there)
    except OverflowError:  # a zone where the first year has not begun, or the last has ended
        local, there = moment, dt.UTC
    begin = dt.datetime.combine(_begin(part, local.date()), dt.time(), there)
    # Where clocks skip or repeat midnight, PostgreSQL takes the smaller of the two offsets, and so do we.
    offsets = (begin.replace(fold=fold).utcoffset() or dt.timedelta() for fold in (0, 1))
    return (begin.replace(tzinfo=None) - min(offsets)).isoformat(timespec="seconds") + "+00:00"


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
