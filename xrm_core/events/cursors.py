"""How far readers are: rows of ``xrm_log_reader``, and who may move them.

Whoever reads has a lease, as runs of jobs have (:mod:`xrm_core.jobs.queue`): every word about a reader carries it, so
one that was taken away while it was only slow changes nothing more.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from xrm_core.jobs import clock
from xrm_core.storage.change_tables import CHANGE_BATCH
from xrm_core.storage.reader_tables import LOG_READER


class LeaseLost(Exception):
    """Another worker has the reader, or it is there no more; nothing was written."""


@dataclass(frozen=True)
class Lease:
    """That one run alone moves a reader."""

    reader: str
    id: str


@dataclass(frozen=True)
class Cursor:
    """A reader as it is now; ``due``: it does not wait after a failure."""

    name: str
    position: int
    lease: str | None
    beat: int
    failures: int
    due: bool


def head(connection: Connection) -> int:
    """The last position that was given; 0: none was."""
    return int(connection.scalar(select(func.max(CHANGE_BATCH.c.last))) or 0)


def cursors(connection: Connection, names: Collection[str]) -> dict[str, Cursor]:
    """Those of these readers that are there."""
    now = clock.now(connection)
    rows = connection.execute(select(LOG_READER).where(LOG_READER.c.name.in_(names)))
    return {
        row.name: Cursor(
            row.name,
            row.position,
            row.lease,
            row.beat,
            row.failures,
            row.due_at is None or clock.moment(row.due_at) <= now,
        )
        for row in rows
    }


def begin(connection: Connection, names: Iterable[str], position: int | None = None) -> None:
    """Let readers begin after a position, the last one unless it is given; those that are there stay as they are."""
    made = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    start: dict[str, Any] = {"position": head(connection) if position is None else position, "beat": 0, "failures": 0}
    start["created_at"] = clock.now(connection)
    for name in names:
        connection.execute(made(LOG_READER).values(name=name, **start).on_conflict_do_nothing())


def claim(connection: Connection, name: str, worker: str) -> Lease | None:
    """Take a reader; None: somebody has it."""
    lease = Lease(name, str(uuid4()))
    free = update(LOG_READER).where(LOG_READER.c.name == name, LOG_READER.c.lease.is_(None))
    taken = free.values(lease=lease.id, worker=worker, beat=LOG_READER.c.beat + 1)
    return lease if connection.execute(taken).rowcount == 1 else None


def position(connection: Connection, lease: Lease) -> int:
    """How far it is. Raises LeaseLost."""
    found = connection.scalar(select(LOG_READER.c.position).where(*_by(lease)))
    if found is None:
        raise LeaseLost
    return int(found)


def beat(connection: Connection, lease: Lease) -> None:
    """Show that its run goes on. Raises LeaseLost: the transaction must end."""
    _write(connection, lease, {})


def done(connection: Connection, lease: Lease) -> None:
    """Something was delivered: what went wrong before is over. Raises LeaseLost: the transaction must end."""
    _write(connection, lease, {"failures": 0, "error": None, "due_at": None, "read_at": clock.now(connection)})


def move(connection: Connection, lease: Lease, to: int) -> None:
    """Everything up to a position is done with. Raises LeaseLost: the transaction must end."""
    _write(connection, lease, {"position": to, "read_at": clock.now(connection)})


def wait(connection: Connection, lease: Lease, error: str, span: dt.timedelta) -> None:
    """It waits a while, and is free. Raises LeaseLost."""
    due = clock.now(connection) + span
    failed = {"failures": LOG_READER.c.failures + 1, "error": error, "due_at": due}
    _write(connection, lease, {**failed, "lease": None, "worker": None})


def release(connection: Connection, lease: Lease) -> None:
    """Its run has ended. Raises LeaseLost."""
    _write(connection, lease, {"lease": None, "worker": None})


def take_away(connection: Connection, name: str, lease: str, beat: int) -> bool:
    """End a run that shows no sign of life; answers whether it was so."""
    dead = LOG_READER.c.name == name, LOG_READER.c.lease == lease, LOG_READER.c.beat == beat
    return connection.execute(update(LOG_READER).where(*dead).values(lease=None, worker=None)).rowcount == 1


def pass_by(connection: Connection, moves: Mapping[str, tuple[int, int]]) -> None:
    """Move readers that nobody has, by their names: from where they were seen to where nothing is for them before."""
    now = clock.now(connection)
    for name, (seen, to) in sorted(moves.items()):
        free = LOG_READER.c.name == name, LOG_READER.c.lease.is_(None), LOG_READER.c.position == seen
        connection.execute(update(LOG_READER).where(*free).values(position=to, read_at=now))


def _by(lease: Lease) -> tuple[Any, ...]:
    return LOG_READER.c.name == lease.reader, LOG_READER.c.lease == lease.id


def _write(connection: Connection, lease: Lease, values: Mapping[str, Any]) -> None:
    changed = update(LOG_READER).where(*_by(lease)).values(beat=LOG_READER.c.beat + 1, **values)
    if connection.execute(changed).rowcount != 1:
        raise LeaseLost
