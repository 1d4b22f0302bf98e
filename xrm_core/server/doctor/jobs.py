"""Jobs of a database: whether any are dead, and whether somebody does those that are due."""

import datetime as dt
from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from xrm_core.jobs import clock
from xrm_core.jobs.job import State
from xrm_core.server.doctor.findings import Finding, ok, warning
from xrm_core.storage.job_tables import JOB, SCHEDULE

LATE = dt.timedelta(minutes=15)
"""What has been due for so long waits for a worker that does not come."""


def look_at_jobs(check: str, connection: Connection) -> Iterator[Finding]:
    """Findings about the jobs and schedules of a database, under the name of the check of that database."""
    before = clock.now(connection) - LATE
    dead = connection.scalar(select(func.count()).where(JOB.c.state == State.DEAD)) or 0
    late = select(JOB.c.name).where(JOB.c.state == State.PENDING, JOB.c.due_at < before)
    names = sorted(connection.scalars(late.distinct()))
    names += sorted(connection.scalars(select(SCHEDULE.c.name).where(SCHEDULE.c.next_at < before)))
    if dead:
        yield warning(
            f"{check}: dead jobs",
            f"Jobs that are dead: {dead}.",
            "«xrm jobs list --state dead» says why; «xrm jobs retry» lets them be tried again.",
        )
    if names:
        yield warning(
            f"{check}: late jobs",
            f"Nobody has done for 15 minutes what is due: {', '.join(dict.fromkeys(names))}.",
            "Run «xrm worker», with the plugins to which they belong.",
        )
    if not dead and not names:
        yield ok(f"{check}: jobs", "No job is dead or late.")
