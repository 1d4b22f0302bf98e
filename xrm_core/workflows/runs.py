"""The rows of runs: begun once for what has happened, moved on step by step, and asked for by people."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from uuid_utils import uuid7

from xrm_core.jobs import clock
from xrm_core.jobs.backoff import wait_after
from xrm_core.jobs.enqueue import enqueue
from xrm_core.storage.workflow_tables import WORKFLOW_LOOK, WORKFLOW_RUN

STEPS_JOB = "workflow_steps"
"""The job that does steps of the runs of one workflow on one record."""

MOST_ATTEMPTS, FIRST_SECONDS = 6, 10.0
CANCELLED = "CANCELLED"
"""Error of a run that somebody has let go no further."""

_MOST_OPEN = 200


class RunState(StrEnum):
    """What becomes of a run: ``gone`` is one whose record is no more."""

    READY = "ready"
    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"
    GONE = "gone"


OPEN = (RunState.READY.value, RunState.WAITING.value)


@dataclass(frozen=True)
class Run:
    """A run of a workflow on a record; see the table."""

    id: str
    workflow: str
    entity: str
    record_id: str
    key: str
    state: RunState
    step: int
    program: Sequence[Mapping[str, Any]]
    created: Mapping[str, str]
    causes: tuple[tuple[str, str], ...]
    attempts: int
    error: str | None
    due_at: str | None
    begun_at: str
    ended_at: str | None


def begin(
    connection: Connection,
    workflow: str,
    entity: str,
    record_id: str,
    key: str,
    program: Sequence[Mapping[str, Any]],
    causes: Sequence[tuple[str, str]],
    error: str | None = None,
) -> bool:
    """Keep a run, and the job that does its steps; False: there is one of the key. ``error``: it is dead at once."""
    now = clock.now(connection)
    values = {
        "id": str(uuid7()),
        "workflow": workflow,
        "entity": entity,
        "record_id": record_id,
        "key": key,
        "state": (RunState.READY if error is None else RunState.DEAD).value,
        "step": 0,
        "program": json.dumps(list(program), ensure_ascii=False),
        "created": "{}",
        "causes": json.dumps(list(causes), ensure_ascii=False),
        "attempts": 0,
        "error": error,
        "begun_at": now,
        "ended_at": None if error is None else now,
    }
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    kept = connection.execute(insert(WORKFLOW_RUN).values(values).on_conflict_do_nothing().returning(WORKFLOW_RUN.c.id))
    new = kept.first() is not None
    if new and error is None:
        wake(connection, workflow, record_id, None)
    return new


def wake(connection: Connection, workflow: str, record_id: str, due: dt.datetime | None) -> None:
    """Have the steps of the runs on a record gone on with, once it is due; one job at a time does so."""
    payload = {"workflow": workflow, "record": record_id}
    enqueue(connection, STEPS_JOB, payload, key=f"{workflow} {record_id}", due=due, replace=True)


@dataclass(frozen=True)
class Next:
    """The run to go on with; or None, and when there is one again (None: then there is none left)."""

    run: Run | None
    due: dt.datetime | None = None


def next_of(connection: Connection, workflow: str, record_id: str) -> Next:
    """Of the runs on a record, the first that is due. One that has failed holds up those after it, one that waits as a
    step says does not. Nobody else changes the runs on the record before the end of the transaction.
    """
    of = WORKFLOW_RUN.c
    mine = of.workflow == workflow, of.record_id == record_id, of.state.in_(OPEN)
    now, soonest = clock.now(connection), None
    query = select(WORKFLOW_RUN).where(*mine).order_by(of.id).limit(_MOST_OPEN).with_for_update()
    for row in connection.execute(query):
        run = _run(row)
        due = None if run.due_at is None else clock.moment(run.due_at)
        if due is None or due <= now:
            return Next(run)
        soonest = due if soonest is None else min(soonest, due)
        if run.state is RunState.READY:
            break
    return Next(None, soonest)


def move(
    connection: Connection, run: Run, step: int, created: Mapping[str, str], wait_seconds: int | None = None
) -> None:
    """A step is done: the next is at hand, perhaps only after a while, or none is left."""
    values: dict[str, Any] = {"step": step, "created": json.dumps(dict(created)), "attempts": 0, "error": None}
    now = clock.now(connection)
    if wait_seconds is not None:
        due = now + dt.timedelta(seconds=wait_seconds)
        values |= {"state": RunState.WAITING.value, "due_at": due}
    elif step >= len(run.program):
        values |= {"state": RunState.DONE.value, "due_at": None, "ended_at": now}
    else:
        values |= {"state": RunState.READY.value, "due_at": None}
    _change(connection, run.id, values)


def fail(connection: Connection, run: Run, error: str, *, final: bool) -> bool:
    """An attempt at a step has failed; answers whether the run is dead now because of it.

    The step was taken back before, and with it the hold on the run: what somebody has cancelled meanwhile stays so.
    """
    attempts, now = run.attempts + 1, clock.now(connection)
    dead = final or attempts >= MOST_ATTEMPTS
    values: dict[str, Any] = {"attempts": attempts, "error": error, "state": RunState.READY.value}
    if dead:
        values |= {"state": RunState.DEAD.value, "due_at": None, "ended_at": now}
    else:
        values |= {"due_at": now + wait_after(attempts, FIRST_SECONDS)}
    of = WORKFLOW_RUN.c
    noted = connection.execute(update(WORKFLOW_RUN).where(of.id == run.id, of.state.in_(OPEN)).values(**values))
    return dead and noted.rowcount == 1


def give_up(connection: Connection, workflow: str, record_id: str, error: str) -> None:
    """Nobody could go on with the runs on a record: the one whose turn it was is dead, those after it have theirs."""
    run = next_of(connection, workflow, record_id).run
    if run is not None:
        fail(connection, run, error, final=True)
    after = next_of(connection, workflow, record_id)
    if after.run is not None or after.due is not None:
        wake(connection, workflow, record_id, after.due)


def cancel(connection: Connection, id_: str) -> Run | None:
    """Let a run that is not over go no further; what it has done stays. None: there is no such run."""
    of = WORKFLOW_RUN.c
    values = {"state": RunState.DEAD.value, "error": CANCELLED, "due_at": None, "ended_at": clock.now(connection)}
    changed = connection.execute(update(WORKFLOW_RUN).where(of.id == id_, of.state.in_(OPEN)).values(values))
    found = by_id(connection, id_) if changed.rowcount else None
    if found is not None:
        wake(connection, found.workflow, found.record_id, None)  # those behind it
    return found


def end_gone(connection: Connection, run: Run) -> None:
    """The record of a run is no more."""
    _change(connection, run.id, {"state": RunState.GONE.value, "due_at": None, "ended_at": clock.now(connection)})


def retry(connection: Connection, id_: str) -> Run | None:
    """Let a dead run be tried again from the step that has failed; None: there is no dead run of this id."""
    of = WORKFLOW_RUN.c
    values = {"state": RunState.READY.value, "attempts": 0, "due_at": None, "ended_at": None}
    changed = connection.execute(
        update(WORKFLOW_RUN).where(of.id == id_, of.state == RunState.DEAD.value).values(values)
    )
    found = by_id(connection, id_) if changed.rowcount else None
    if found is not None:
        wake(connection, found.workflow, found.record_id, None)
    return found


def by_id(connection: Connection, id_: str) -> Run | None:
    """A run; None: there is none of this id."""
    row = connection.execute(select(WORKFLOW_RUN).where(WORKFLOW_RUN.c.id == id_)).first()
    return None if row is None else _run(row)


def runs(
    connection: Connection,
    *,
    workflow: str | None = None,
    state: str | None = None,
    record_id: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Run]:
    """Runs, the newest first; ``after``: only those before this id."""
    of = WORKFLOW_RUN.c
    only: list[ColumnElement[bool]] = []
    only += [of.workflow == workflow] if workflow is not None else []
    only += [of.state == state] if state is not None else []
    only += [of.record_id == record_id] if record_id is not None else []
    only += [of.id < after] if after is not None else []
    found = connection.execute(select(WORKFLOW_RUN).where(*only).order_by(of.id.desc()).limit(limit))
    return [_run(row) for row in found]


def counts(connection: Connection) -> dict[str, dict[str, int]]:
    """Workflow → state → how many runs."""
    of = WORKFLOW_RUN.c
    found: dict[str, dict[str, int]] = {}
    grouped = (
        select(of.workflow, of.state, func.count()).group_by(of.workflow, of.state).order_by(of.workflow, of.state)
    )
    for workflow, state, number in connection.execute(grouped):
        found.setdefault(workflow, {})[state] = int(number)
    return found


def remove_ended(connection: Connection, days: int, limit: int) -> int:
    """Remove runs that ended so many days ago, the dead ones, too; answers how many."""
    of = WORKFLOW_RUN.c
    before = clock.now(connection) - dt.timedelta(days=days)
    old = select(of.id).where(of.ended_at < before).limit(limit)
    return connection.execute(delete(WORKFLOW_RUN).where(of.id.in_(old))).rowcount


def looked_until(connection: Connection, workflow: str) -> dt.datetime | None:
    """Until when dates have begun runs of a workflow."""
    found = connection.scalar(select(WORKFLOW_LOOK.c.until).where(WORKFLOW_LOOK.c.workflow == workflow))
    return None if found is None else clock.moment(found)


def look_until(connection: Connection, workflow: str, until: dt.datetime) -> None:
    """Dates have begun runs until then."""
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    first = insert(WORKFLOW_LOOK).values(workflow=workflow, until=until)
    connection.execute(first.on_conflict_do_update(index_elements=["workflow"], set_={"until": first.excluded.until}))


def _change(connection: Connection, id_: str, values: Mapping[str, Any]) -> None:
    connection.execute(update(WORKFLOW_RUN).where(WORKFLOW_RUN.c.id == id_).values(**values))


def _run(row: Row[Any]) -> Run:
    values = dict(row._mapping)
    values["id"], values["record_id"] = str(row.id), str(row.record_id)
    values["state"] = RunState(row.state)
    values["program"], values["created"] = json.loads(row.program), json.loads(row.created)
    values["causes"] = tuple((kind, name) for kind, name in json.loads(row.causes))
    return Run(**values)
