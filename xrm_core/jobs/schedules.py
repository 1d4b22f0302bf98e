"""Schedules of one tenant: each tick becomes one job, whichever worker sees it first.

What was missed while no worker ran is made up for by one job, for the last of the ticks. While a job of a schedule
waits, further ticks add none; while it runs, one more waits for its end.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Dialect, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from xrm_core.jobs import clock
from xrm_core.jobs.clock import moment
from xrm_core.jobs.cron import last_tick, next_tick
from xrm_core.jobs.enqueue import enqueue
from xrm_core.jobs.registry import Schedule
from xrm_core.storage.job_tables import JOB, SCHEDULE
from xrm_core.storage.system_statements import SystemStatement, given

_FAR = dt.timedelta(days=1)
"""A schedule that fired so far ahead of now did so while the clock was wrong."""


def waiting(connection: Connection, schedules: Mapping[str, Schedule]) -> list[Schedule]:
    """Those for which there is something to do: they are new here, were changed, or their time has come. Only reads."""
    if not schedules:
        return []
    rows = {row["name"]: row for row in _ALL.all_named(connection)}
    current = clock.now(connection)
    return [each for name, each in schedules.items() if _needs(each, rows.get(name), current)]


def fire(connection: Connection, schedule: Schedule) -> str | None:
    """Enqueue the job of a schedule if its time has come, and reckon the next; answers the id of the job.

    Args:
        connection: in a short write transaction.
        schedule: with a zone.
    """
    row = _HELD.named(connection, of=schedule.name)
    current, zone = clock.now(connection), schedule.zone or "UTC"
    if row is None:  # it is new, or another worker is at it
        next_at = next_tick(schedule.cron, zone, current)
        _NEW.changed(connection, name=schedule.name, cron=schedule.cron, zone=zone, next_at=next_at)
        return None
    if not _needs(schedule, row, current):
        return None
    last = None if row["last_at"] is None else moment(row["last_at"])
    if last is not None and last - current > _FAR:
        last = None
    values: dict[str, Any] = {"cron": schedule.cron, "zone": zone}
    job = None
    if _is_same(schedule, row) and moment(row["next_at"]) <= current:
        last = last_tick(schedule.cron, zone, moment(row["next_at"]), current)
        job = enqueue(connection, schedule.job, schedule.payload, key=f"schedule {schedule.name}")
        _OF_TICK.changed(connection, of=job, scheduled_for=last)
    values |= {"last_at": last, "next_at": next_tick(schedule.cron, zone, max(current, last or current))}
    _NEXT.changed(connection, of=schedule.name, **values)
    return job


def _new(dialect: Dialect) -> Any:
    first = given(SCHEDULE, "name", "cron", "zone", "next_at")
    kind = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
    return kind(SCHEDULE).values(first).on_conflict_do_nothing()


_ALL = SystemStatement(lambda _: select(SCHEDULE))
_OF = SCHEDULE.c.name == bindparam("of")
_HELD = SystemStatement(lambda _: select(SCHEDULE).where(_OF).with_for_update(skip_locked=True))
_NEW = SystemStatement(_new)
_NEXT = SystemStatement(
    lambda _: update(SCHEDULE).where(_OF).values(given(SCHEDULE, "cron", "zone", "last_at", "next_at"))
)
_OF_TICK = SystemStatement(lambda _: update(JOB).where(JOB.c.id == bindparam("of")).values(given(JOB, "scheduled_for")))


def forget_old(connection: Connection, days: int) -> int:
    """Forget schedules that no worker has known for so many days: their plugin is gone. Answers how many.

    Whoever runs this has a worker that has fired all that it knows.
    """
    before = clock.now(connection) - dt.timedelta(days=days)
    return connection.execute(delete(SCHEDULE).where(SCHEDULE.c.next_at < before)).rowcount


def _needs(schedule: Schedule, row: Mapping[Any, Any] | None, current: dt.datetime) -> bool:
    if row is None or not _is_same(schedule, row) or moment(row["next_at"]) <= current:
        return True
    return row["last_at"] is not None and moment(row["last_at"]) - current > _FAR


def _is_same(schedule: Schedule, row: Mapping[Any, Any]) -> bool:
    return (row["cron"], row["zone"]) == (schedule.cron, schedule.zone)
