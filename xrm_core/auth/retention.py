"""How long the logs are kept: old lines are counted by day, and removed in short transactions."""

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select, tuple_, type_coerce
from sqlalchemy.types import String

from xrm_core.auth import events
from xrm_core.errors import SettingsError
from xrm_core.settings import MIN_EVENT_DAYS
from xrm_core.storage.advisory import is_alone
from xrm_core.storage.engines import Database
from xrm_core.storage.system import AUTH_EVENT, READ, READ_RECORD

TIMEOUT = 30.0
"""Seconds that a statement may take."""

_LINES = 500  # of one transaction
_RECORDS = 5_000  # that lines of the read log name, of one transaction
_PAUSE_SHARE = 0.5  # of the time that a transaction took, for those who have waited for it
_ADVISORY_LOCK = 0x78726D03


class Log(StrEnum):
    """The two logs."""

    EVENTS = "events"
    READS = "reads"


KEPT_AT_LEAST: Mapping[Log, int] = {Log.EVENTS: MIN_EVENT_DAYS, Log.READS: 1}
"""Days: nobody removes younger lines. Who has broken in shall not be able to remove what tells of it."""

_TABLES: Mapping[Log, Table] = {Log.EVENTS: AUTH_EVENT, Log.READS: READ}


def moment_before(days: int, now: dt.datetime | None = None) -> dt.datetime:
    """Lines before this moment are older than so many days: a midnight in UTC, so that it is the same all day."""
    today = (now or dt.datetime.now(dt.UTC)).astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - dt.timedelta(days=days)


def by_day(connection: Connection, log: Log, before: dt.datetime) -> Sequence[tuple[str, int]]:
    """How many lines older than a moment there are of each day (in UTC), the oldest day first."""
    table = _TABLES[log]
    day = _day(connection, table)
    query = select(day, func.count()).where(table.c.at < before).group_by(day).order_by(day)
    return [(row[0], row[1]) for row in connection.execute(query)]


def check_old_enough(log: Log, before: dt.datetime) -> None:
    """Raise :class:`~xrm_core.errors.SettingsError` if lines before a moment are kept in any case."""
    least = KEPT_AT_LEAST[log]
    if before > dt.datetime.now(dt.UTC) - dt.timedelta(days=least):
        raise SettingsError(
            f"Lines of the log of {log} are kept for {least} days in any case.",
            hint="Nothing was removed. Name an earlier moment.",
        )


def clear(
    database: Database, log: Log, before: dt.datetime, *, by: str, stop: Callable[[], bool] = lambda: False
) -> int:
    """Remove the lines that are older than a moment; answers how many. Blocking, and may take long.

    That it is done is an event of its own, in the transaction in which the first of them go. If another server is at it
    (PostgreSQL), the rest is left to that one.

    Args:
        database: whose log.
        log: which.
        before: aware; younger lines stay.
        by: for the event: what has asked for it.
        stop: asked between transactions; True: leave the rest for another time.

    Raises:
        SettingsError: lines would go that are kept in any case.
        DatabaseUnavailable, Busy, Timeout: what is removed until then stays so.
    """
    check_old_enough(log, before)
    with database.read(TIMEOUT) as connection:
        found = sum(count for _, count in by_day(connection, log, before))
    removed, told, more = 0, False, found > 0
    while more and not stop():
        began = time.monotonic()
        with database.begin(TIMEOUT) as connection:
            if not is_alone(connection, _ADVISORY_LOCK):
                break
            if not told:
                _tell(connection, log, before, found, by)
                told = True
            gone, more = _remove(connection, log, before)
            removed += gone
        if more:
            time.sleep((time.monotonic() - began) * _PAUSE_SHARE)
    return removed


def _tell(connection: Connection, log: Log, before: dt.datetime, found: int, by: str) -> None:
    details: dict[str, Any] = {"before": before.astimezone(dt.UTC).isoformat(), "lines": found, "by": by}
    events.record(connection, events.Event.LOG_CLEARED, subject=log.value, details=details)


def _remove(connection: Connection, log: Log, before: dt.datetime) -> tuple[int, bool]:
    """Remove some lines; answers how many, and whether there may be more."""
    table = _TABLES[log]
    oldest = select(table.c.id).where(table.c.at < before).order_by(table.c.at, table.c.id).limit(_LINES)
    ids = list(connection.scalars(oldest))
    if log is Log.READS and ids:
        key = (READ_RECORD.c.record_id, READ_RECORD.c.read_id)
        some = select(*key).where(READ_RECORD.c.read_id.in_(ids)).limit(_RECORDS)
        if connection.execute(delete(READ_RECORD).where(tuple_(*key).in_(some))).rowcount == _RECORDS:
            return 0, True
    if not ids:
        return 0, False
    return connection.execute(delete(table).where(table.c.id.in_(ids))).rowcount, len(ids) == _LINES


def _day(connection: Connection, table: Table) -> ColumnElement[str]:
    if connection.dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", table.c.at), "YYYY-MM-DD", type_=String())
    return func.substr(type_coerce(table.c.at, String()), 1, 10, type_=String())
