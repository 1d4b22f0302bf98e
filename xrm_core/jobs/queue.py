"""The queue of one tenant as workers use it: take a job, show signs of life, say how it ended.

Whoever takes a job gets a lease: a name by chance, which every later word about this run must carry. A run that was
taken from its worker can therefore write nothing more. Who lives is told by a number that goes up, not by a clock:
:mod:`xrm_core.jobs.stale` says why.
"""

import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, bindparam, exists, select, update
from sqlalchemy.exc import IntegrityError, NoResultFound

from xrm_core.jobs import clock
from xrm_core.jobs.job import Failure, Job, State
from xrm_core.storage.driver_statements import written_in
from xrm_core.storage.job_tables import JOB
from xrm_core.storage.system_statements import SystemStatement, given

SUPERSEDED = Failure("SUPERSEDED")
"""Of a job that would have to wait again, while another one of its key is waiting already, which does its work."""

_MOST_WORKERS = 64
"""Kinds of workers, by the jobs that they can do, of which statements are kept."""

WORKER_LOST = Failure("WORKER_LOST")
"""Of a job whose worker was killed, or showed no sign of life."""


@dataclass(frozen=True)
class Claimed:
    """A job that a worker has taken, by this lease; ``job.attempts`` counts this run."""

    job: Job
    lease: str


def has_due(connection: Connection, names: Collection[str]) -> bool:
    """Whether there may be something to take. It only reads, so that idle workers disturb nobody."""
    return bool(names) and _due(tuple(names)).first(connection, now=clock.now(connection)) is not None


def claim(connection: Connection, names: Collection[str], worker: str, id_: str | None = None) -> Claimed | None:
    """Take the job that is due and next; None if there is none.

    Args:
        connection: in a short write transaction.
        names: of jobs that the worker can do.
        worker: how it is called, for people.
        id_: only this one, whenever it is due.
    """
    if id_ is None:
        found = _next(tuple(names)).value(connection, now=clock.now(connection)) if names else None
    else:
        found = _THIS.value(connection, of=id_)
    if found is None:
        return None
    lease = str(uuid4())
    row = _TAKE.named(connection, of=found, lease=lease, worker=worker, started_at=clock.now(connection))
    if row is None:
        raise NoResultFound
    return Claimed(Job.of(row), lease)


def beat(connection: Connection, run: Claimed, progress: tuple[int, str | None] | None = None) -> bool | None:
    """Show that a run goes on; answers whether it shall stop, and None if it is no longer the worker's."""
    if progress is None:
        found = _BEAT.value(connection, of=run.job.id, by=run.lease)
    else:
        percent, message = progress
        found = _TELL.value(connection, of=run.job.id, by=run.lease, progress=percent, message=message)
    return None if found is None else bool(found)


def look(connection: Connection, run: Claimed) -> bool | None:
    """As :func:`beat`, but it only reads."""
    found = _LOOK.value(connection, of=run.job.id, by=run.lease)
    return None if found is None else bool(found)


def finish(connection: Connection, run: Claimed, result: Mapping[str, Any] | None, *, forgets: bool = False) -> bool:
    """A run has done its job, whose payload goes with ``forgets``. False: it was no longer the worker's, so nothing was
    noted.
    """
    text = None if result is None else json.dumps(result, ensure_ascii=False, allow_nan=False)
    ended = _DONE_FORGETTING if forgets else _DONE
    return (
        ended.value(connection, of=run.job.id, by=run.lease, result=text, finished_at=clock.now(connection)) is not None
    )


def stop(connection: Connection, run: Claimed) -> bool:
    """A run has stopped because the job was cancelled. False as :func:`finish`."""
    return _end(connection, run, State.CANCELLED)


def fail(connection: Connection, run: Claimed, failure: Failure, wait: dt.timedelta | None) -> bool:
    """A run has failed. A job that somebody has cancelled is not tried again. False as :func:`finish`.

    Args:
        connection: in a write transaction.
        run: which.
        failure: why.
        wait: until the next attempt; None: there is none.
    """
    error = json.dumps(failure.to_json(), ensure_ascii=False)
    if wait is None:
        return _end(connection, run, State.DEAD, error=error)
    return _wait_again(connection, run, {"due_at": clock.now(connection) + wait, "error": error})


def give_back(connection: Connection, run: Claimed, wait: dt.timedelta = dt.timedelta(0)) -> bool:
    """A worker stops before the run has ended: another one begins anew, as if it had not been. False as above."""
    return _wait_again(connection, run, {"due_at": clock.now(connection) + wait, "attempts": JOB.c.attempts - 1})


def running(connection: Connection, names: Collection[str]) -> dict[tuple[str, str], int]:
    """All runs under way of jobs of these names, by job and lease, with the number that goes up."""
    query = select(JOB.c.id, JOB.c.lease, JOB.c.beat).where(JOB.c.state == State.RUNNING, JOB.c.name.in_(names))
    return {(str(row.id), str(row.lease)): row.beat for row in connection.execute(query)}


def take_away(connection: Connection, id_: str, lease: str, beat: int, attempts: Mapping[str, int]) -> State | None:
    """End a run that shows no sign of life; answers what became of its job, None if it lives after all.

    Args:
        connection: in a write transaction.
        id_: of the job.
        lease: of the run.
        beat: the number that did not go up.
        attempts: how many jobs have that do not say it themselves, by their names.
    """
    held = select(JOB).where(JOB.c.id == id_, JOB.c.lease == lease, JOB.c.beat == beat)
    row = connection.execute(held.with_for_update()).mappings().first()
    if row is None:
        return None
    run = Claimed(Job.of(row), lease)
    if run.job.cancel:
        stop(connection, run)
        return State.CANCELLED
    last = run.job.attempts >= (run.job.max_attempts or attempts[run.job.name])
    fail(connection, run, WORKER_LOST, None if last else dt.timedelta(0))
    return State.DEAD if last else State.PENDING


def _alone() -> ColumnElement[bool]:
    """That no job of the same key runs.

    A pending one comes into being only after the transaction that took the one before it, so whoever sees it sees that
    one run, too.
    """
    other = JOB.alias("other")
    return ~exists().where(other.c.key == JOB.c.key, other.c.state == _RUNNING)


def _all_due(names: Sequence[str]) -> Any:
    known = [written_in(each) for each in names]
    due = JOB.c.due_at <= bindparam("now", type_=JOB.c.due_at.type)
    return select(JOB.c.id).where(JOB.c.state == _PENDING, due, JOB.c.name.in_(known), _alone()).limit(1)


@lru_cache(_MOST_WORKERS)
def _due(names: Sequence[str]) -> SystemStatement:
    return SystemStatement(lambda _: _all_due(names))


@lru_cache(_MOST_WORKERS)
def _next(names: Sequence[str]) -> SystemStatement:
    order = (JOB.c.priority.desc(), JOB.c.due_at, JOB.c.id)
    return SystemStatement(lambda _: _all_due(names).order_by(*order).with_for_update(skip_locked=True, of=JOB))


def _changing(values: Mapping[str, Any]) -> SystemStatement:
    """For one run; gives whether it shall stop."""
    return SystemStatement(lambda _: update(JOB).where(*_OF_RUN).values(values).returning(JOB.c.cancel))


_PENDING, _RUNNING = written_in(State.PENDING.value), written_in(State.RUNNING.value)
_OF = JOB.c.id == bindparam("of")
_OF_RUN = _OF, JOB.c.lease == bindparam("by")
_THIS = SystemStatement(
    lambda _: select(JOB.c.id).where(_OF, JOB.c.state == _PENDING, _alone()).with_for_update(skip_locked=True, of=JOB)
)
_TAKEN: Mapping[str, Any] = {
    **given(JOB, "lease", "worker", "started_at"),
    **{"state": State.RUNNING.value, "beat": JOB.c.beat + 1, "attempts": JOB.c.attempts + 1},
    **{"progress": 0, "message": None},
}
_TAKE = SystemStatement(lambda _: update(JOB).where(_OF).values(_TAKEN).returning(JOB))
_LOOK = SystemStatement(lambda _: select(JOB.c.cancel).where(*_OF_RUN))
_BEAT = _changing({"beat": JOB.c.beat + 1})
_TELL = _changing({"beat": JOB.c.beat + 1, **given(JOB, "progress", "message")})
_ENDED: Mapping[str, Any] = {
    **given(JOB, "result", "finished_at"),
    **{"state": State.DONE.value, "lease": None, "progress": 100, "error": None},
}
_DONE = _changing(_ENDED)
_DONE_FORGETTING = _changing({**_ENDED, "payload": "{}"})


def _by(run: Claimed) -> tuple[ColumnElement[bool], ...]:
    return JOB.c.id == run.job.id, JOB.c.lease == run.lease


def _mine(connection: Connection, run: Claimed, values: Mapping[str, Any]) -> bool | None:
    found = connection.execute(update(JOB).where(*_by(run)).values(values).returning(JOB.c.cancel)).first()
    return None if found is None else bool(found[0])


def _end(connection: Connection, run: Claimed, state: State, **values: Any) -> bool:
    ended = {"state": state.value, "lease": None, "finished_at": clock.now(connection), **values}
    return _mine(connection, run, ended) is not None


def _wait_again(connection: Connection, run: Claimed, values: Mapping[str, Any]) -> bool:
    # The worker may not have heard yet that somebody has cancelled it.
    cancelled = connection.scalar(select(JOB.c.cancel).where(*_by(run)).with_for_update())
    if cancelled:
        return _end(connection, run, State.CANCELLED)
    waiting = {"state": State.PENDING.value, "lease": None, "started_at": None, **values}
    if run.job.key is None:
        return _mine(connection, run, waiting) is not None
    try:
        with connection.begin_nested():
            return _mine(connection, run, waiting) is not None
    except IntegrityError:  # of its key one is pending already
        return _end(connection, run, State.CANCELLED, error=json.dumps(SUPERSEDED.to_json()))
