"""How far readers are: rows of ``xrm_log_reader``, and who may move them.

Whoever reads has a lease, as runs of jobs have (:mod:`xrm_core.jobs.queue`): every word about a reader carries it, so
one that was taken away while it was only slow changes nothing more.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from xrm_core.jobs import clock
from xrm_core.storage.change_tables import CHANGE_BATCH
from xrm_core.storage.reader_tables import LOG_READER
from xrm_core.storage.system_statements import SystemStatement, given


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
    return int(_HEAD.value(connection) or 0)


def cursors(connection: Connection, names: Collection[str]) -> dict[str, Cursor]:
    """Those of these readers that are there."""
    now = clock.now(connection)
    wanted = set(names)
    return {
        row["name"]: Cursor(
            row["name"],
            row["position"],
            row["lease"],
            row["beat"],
            row["failures"],
            row["due_at"] is None or clock.moment(row["due_at"]) <= now,
        )
        for row in _ALL.all_named(connection)
        if row["name"] in wanted
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
    return lease if _CLAIM.changed(connection, of=name, lease=lease.id, worker=worker) == 1 else None


def position(connection: Connection, lease: Lease) -> int:
    """How far it is. Raises LeaseLost."""
    found = _POSITION.value(connection, of=lease.reader, by=lease.id)
    if found is None:
        raise LeaseLost
    return int(found)


def beat(connection: Connection, lease: Lease) -> None:
    """Show that its run goes on. Raises LeaseLost: the transaction must end."""
    _write(_BEAT, connection, lease)


def done(connection: Connection, lease: Lease) -> None:
    """Something was delivered: what went wrong before is over. Raises LeaseLost: the transaction must end."""
    _write(_DONE, connection, lease, read_at=clock.now(connection))


def move(connection: Connection, lease: Lease, to: int) -> None:
    """Everything up to a position is done with. Raises LeaseLost: the transaction must end."""
    _write(_MOVE, connection, lease, position=to, read_at=clock.now(connection))


def wait(connection: Connection, lease: Lease, error: str, span: dt.timedelta) -> None:
    """It waits a while, and is free. Raises LeaseLost."""
    due = clock.now(connection) + span
    _write(_WAIT, connection, lease, error=error, due_at=due)


def release(connection: Connection, lease: Lease) -> None:
    """Its run has ended. Raises LeaseLost."""
    _write(_RELEASE, connection, lease)


def take_away(connection: Connection, name: str, lease: str, beat: int) -> bool:
    """End a run that shows no sign of life; answers whether it was so."""
    dead = LOG_READER.c.name == name, LOG_READER.c.lease == lease, LOG_READER.c.beat == beat
    return connection.execute(update(LOG_READER).where(*dead).values(lease=None, worker=None)).rowcount == 1


def pass_by(connection: Connection, moves: Mapping[str, tuple[int, int]]) -> None:
    """Move readers that nobody has, by their names: from where they were seen to where nothing is for them before."""
    now = clock.now(connection)
    for name, (seen, to) in sorted(moves.items()):
        _PASS.changed(connection, of=name, seen=seen, position=to, read_at=now)


def _write(statement: SystemStatement, connection: Connection, lease: Lease, **values: Any) -> None:
    if statement.changed(connection, of=lease.reader, by=lease.id, **values) != 1:
        raise LeaseLost


def _beating(**values: Any) -> SystemStatement:
    """What changes a reader that somebody has, and shows that this one lives."""
    return SystemStatement(lambda _: update(LOG_READER).where(*_MINE).values(beat=LOG_READER.c.beat + 1, **values))


_OF = LOG_READER.c.name == bindparam("of")
_FREE = _OF, LOG_READER.c.lease.is_(None)
_MINE = _OF, LOG_READER.c.lease == bindparam("by")
_ALL = SystemStatement(lambda _: select(LOG_READER))
_HEAD = SystemStatement(lambda _: select(func.max(CHANGE_BATCH.c.last)))
_CLAIM = SystemStatement(
    lambda _: (
        update(LOG_READER).where(*_FREE).values(beat=LOG_READER.c.beat + 1, **given(LOG_READER, "lease", "worker"))
    )
)
_POSITION = SystemStatement(lambda _: select(LOG_READER.c.position).where(*_MINE))
_BEAT = _beating()
_DONE = _beating(failures=0, error=None, due_at=None, **given(LOG_READER, "read_at"))
_MOVE = _beating(**given(LOG_READER, "position", "read_at"))
_WAIT = _beating(failures=LOG_READER.c.failures + 1, lease=None, worker=None, **given(LOG_READER, "error", "due_at"))
_RELEASE = _beating(lease=None, worker=None)
_PASS = SystemStatement(
    lambda _: (
        update(LOG_READER)
        .where(*_FREE, LOG_READER.c.position == bindparam("seen"))
        .values(given(LOG_READER, "position", "read_at"))
    )
)
