"""The jobs of the platform itself."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from xrm_core.jobs.by_hand import remove_finished
from xrm_core.jobs.context import JobContext
from xrm_core.jobs.journal import writing
from xrm_core.jobs.journal_retention import JOURNAL_RETENTION, journal_retention
from xrm_core.jobs.registry import JobHandler, Schedule
from xrm_core.jobs.schedules import forget_old
from xrm_core.jobs.sealed_keys import destroying
from xrm_core.records.trash_retention import remove_old

JOB_RETENTION = "job_retention"
TRASH_RETENTION = "trash_retention"
_AT_A_TIME = 500

Remove = Callable[[Connection, int, int], int]
Run = Callable[[JobContext, Mapping[str, Any]], Mapping[str, Any]]


def core_jobs(job_days: int, trash_days: int, journal_days: int = 0) -> tuple[Sequence[JobHandler], Sequence[Schedule]]:
    """What there is: each night, jobs go that finished so many days ago, schedules that nobody knew for so long,
    what was deleted so many days ago, out of the trash, and entries of the journal that were made so many days ago.

    0 days: they stay for ever.
    """
    handlers = [
        JobHandler(JOB_RETENTION, _job_retention(job_days)),
        JobHandler(TRASH_RETENTION, _trash_retention(trash_days)),
        destroying(),
        writing(),
        journal_retention(journal_days),
    ]
    schedules = [
        Schedule(JOB_RETENTION, JOB_RETENTION, "20 0 * * *", "UTC"),
        Schedule(TRASH_RETENTION, TRASH_RETENTION, "40 0 * * *", "UTC"),
        Schedule(JOURNAL_RETENTION, JOURNAL_RETENTION, "50 0 * * *", "UTC"),
    ]
    return handlers, schedules


def _job_retention(days: int) -> Run:
    def remove(job: JobContext, _payload: Mapping[str, Any]) -> Mapping[str, Any]:
        removed = _removed(job, days, remove_finished)
        forgotten = 0
        if days > 0:
            with job.transaction() as connection:
                forgotten = forget_old(connection, days)
        return {"removed": removed, "schedules": forgotten}

    return remove


def _trash_retention(days: int) -> Run:
    def old(connection: Connection, days: int, limit: int) -> int:
        return remove_old(connection, dt.datetime.now(dt.UTC) - dt.timedelta(days=days), limit)

    return lambda job, _payload: {"removed": _removed(job, days, old)}


def _removed(job: JobContext, days: int, work: Remove) -> int:
    removed = 0
    more = days > 0
    while more:
        with job.transaction() as connection:
            gone = work(connection, days, _AT_A_TIME)
        removed += gone
        more = gone == _AT_A_TIME
        job.progress(50 if more else 100, f"{removed} removed")
    return removed
