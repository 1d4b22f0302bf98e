"""What people do with jobs: look at them, cancel them, and let those that are dead be tried again."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from xrm_core.jobs import clock
from xrm_core.jobs.job import FINISHED, Job, JobConflict, State
from xrm_core.storage.job_tables import JOB
from xrm_core.storage.system_statements import SystemStatement

_PARTS: Mapping[str, str] = {
    "send_message": "It hands over a message: use «xrm messages cancel», or cancelOutboxMessage in GraphQL.",
    "workflow_steps": "It does the steps of a workflow: use «xrm workflows cancel», or cancelWorkflowRun.",
}
"""Jobs that are only a part of something, which would be left as if it went on; and what to use instead."""


def job(connection: Connection, id_: str, *only: ColumnElement[bool]) -> Job | None:
    """A job, if it is there and all of ``only`` holds for it."""
    if not only:
        found = _ONE.named(connection, of=id_)
        return None if found is None else Job.of(found)
    row = connection.execute(select(JOB).where(JOB.c.id == id_, *only)).mappings().first()
    return None if row is None else Job.of(row)


_ONE = SystemStatement(lambda _: select(JOB).where(JOB.c.id == bindparam("of")))


def jobs(connection: Connection, *only: ColumnElement[bool], limit: int, after: str | None = None) -> list[Job]:
    """Jobs, the newest first; ``after``: the id of a job, only older ones."""
    query = select(JOB).where(*only).order_by(JOB.c.id.desc()).limit(limit)
    if after is not None:
        query = query.where(JOB.c.id < after)
    return [Job.of(row) for row in connection.execute(query).mappings()]


def counts(connection: Connection) -> dict[State, int]:
    """How many jobs there are in each state."""
    query = select(JOB.c.state, func.count()).group_by(JOB.c.state)
    found = {str(row[0]): int(row[1]) for row in connection.execute(query)}
    return {state: found.get(state, 0) for state in State}


def cancel(connection: Connection, id_: str, *only: ColumnElement[bool]) -> Job | None:
    """Let a job not be done: at once if it is pending; if it runs, its handler is told and stops at its next check.

    One that has finished stays as it is. Answers the job as it is then, None if there is none.

    Raises:
        JobConflict: it is a part of something that can be cancelled itself.
    """
    found = _held(connection, id_, only)
    if found is None or found.state in FINISHED:
        return found
    if found.name in _PARTS:
        raise JobConflict(f"The job {found.name} is not cancelled by itself.", hint=_PARTS[found.name])
    if found.state is State.PENDING:
        values: dict[str, Any] = {"state": State.CANCELLED.value, "finished_at": clock.now(connection)}
    else:
        values = {"cancel": True}
    connection.execute(update(JOB).where(JOB.c.id == id_).values(values))
    return job(connection, id_)


def retry(connection: Connection, id_: str, *only: ColumnElement[bool]) -> Job | None:
    """Let a job that is dead or cancelled be done after all, with all its attempts anew; None if there is none.

    Raises:
        JobConflict: it is neither, or another one of its key is pending.
    """
    found = _held(connection, id_, only)
    if found is None:
        return None
    if found.state not in (State.DEAD, State.CANCELLED):
        raise JobConflict(
            f"The job is {found.state}, so it cannot be tried again.", hint="Only those that are dead or cancelled can."
        )
    anew = {
        "state": State.PENDING.value,
        "due_at": clock.now(connection),
        "attempts": 0,
        "cancel": False,
        "progress": 0,
    }
    anew |= {"message": None, "started_at": None, "finished_at": None}
    try:
        with connection.begin_nested():
            connection.execute(update(JOB).where(JOB.c.id == id_).values(anew))
    except IntegrityError:
        raise JobConflict(
            "Another job of the same key is pending already.", hint="It does the same work; wait for it, or cancel it."
        ) from None
    return job(connection, id_)


def remove_finished(connection: Connection, days: int, most: int) -> int:
    """Remove jobs that finished so many days ago, ``most`` at a time; answers how many."""
    before = clock.now(connection) - dt.timedelta(days=days)
    old: Sequence[str] = connection.scalars(
        select(JOB.c.id).where(JOB.c.finished_at < before, JOB.c.state.in_(FINISHED)).limit(most)
    ).all()
    if not old:
        return 0
    return connection.execute(delete(JOB).where(JOB.c.id.in_(old), JOB.c.state.in_(FINISHED))).rowcount


def _held(connection: Connection, id_: str, only: tuple[ColumnElement[bool], ...]) -> Job | None:
    query = select(JOB).where(JOB.c.id == id_, *only).with_for_update()
    row = connection.execute(query).mappings().first()
    return None if row is None else Job.of(row)
