"""What people do with readers: see how far each is and what it could not do, and let it try that again."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select, update

from xrm_core.changes import reading
from xrm_core.errors import NotFound
from xrm_core.events.cursors import head
from xrm_core.events.waiting import State
from xrm_core.jobs import clock
from xrm_core.storage.change_tables import CHANGE, unsealed
from xrm_core.storage.reader_tables import LOG_READER, LOG_WAITING


@dataclass(frozen=True)
class ReaderState:
    """A reader.

    ``lag_entries`` are those of the log that it has still to go through, ``lag_seconds`` the age of the oldest of
    them. ``waiting`` and ``dead`` count what it could not deliver. ``error`` is why it waits as a whole, until
    ``due_at``; ``worker`` is who reads for it at this moment.
    """

    name: str
    position: int
    lag_entries: int
    lag_seconds: float
    waiting: int
    dead: int
    worker: str | None
    error: str | None
    due_at: str | None
    read_at: str | None


@dataclass(frozen=True)
class DeadEntry:
    """What a reader has given up."""

    reader: str
    position: int
    entity: str
    record_id: str
    attempts: int
    error: str | None
    failed_at: str | None


def states(connection: Connection) -> list[ReaderState]:
    """All readers, by name."""
    now, last = clock.now(connection), head(connection)
    of = LOG_WAITING.c
    counted = connection.execute(select(of.reader, of.state, func.count()).group_by(of.reader, of.state))
    counts = {(str(reader), str(state)): int(number) for reader, state, number in counted}
    waiting = connection.execute(select(func.count(), func.min(CHANGE.c.at)).where(unsealed(connection))).one()
    found = []
    for row in connection.execute(select(LOG_READER).order_by(LOG_READER.c.name)):
        waits = counts.get((row.name, State.WAITING.value), 0)
        oldest = [_oldest(connection, row.name, row.position), waiting[1]]
        ages = [(now - clock.moment(at)).total_seconds() for at in oldest if at is not None]
        found.append(
            ReaderState(
                row.name,
                row.position,
                last - row.position + int(waiting[0]) + waits,
                round(max([0.0, *ages]), 1),
                waits,
                counts.get((row.name, State.DEAD.value), 0),
                row.worker,
                row.error,
                row.due_at,
                row.read_at,
            )
        )
    return found


def dead(connection: Connection, reader: str | None, limit: int) -> list[DeadEntry]:
    """What readers have given up, or one of them, the newest first."""
    query = select(LOG_WAITING).where(LOG_WAITING.c.state == State.DEAD)
    if reader is not None:
        query = query.where(LOG_WAITING.c.reader == reader)
    rows = connection.execute(query.order_by(LOG_WAITING.c.position.desc(), LOG_WAITING.c.reader).limit(limit))
    return [
        DeadEntry(row.reader, row.position, row.entity, str(row.record_id), row.attempts, row.error, row.failed_at)
        for row in rows
    ]


def retry(connection: Connection, reader: str, positions: Sequence[int] = ()) -> int:
    """Let a reader try again, with all attempts anew, what it has given up, and at once what waits; answers how much.

    Args:
        connection: in a write transaction.
        reader: its name.
        positions: only these entries; empty: all.

    Raises:
        NotFound: there is no such reader.
    """
    _require(connection, reader)
    changed = update(LOG_WAITING).where(LOG_WAITING.c.reader == reader)
    if positions:
        changed = changed.where(LOG_WAITING.c.position.in_(positions))
    values = {"state": State.WAITING.value, "attempts": 0, "due_at": clock.now(connection)}
    count = connection.execute(changed.values(values)).rowcount
    connection.execute(update(LOG_READER).where(LOG_READER.c.name == reader).values(due_at=None))
    return count


def forget(connection: Connection, reader: str) -> None:
    """Remove a reader, with all that it could not deliver; a worker that knows who reads by it begins it anew.

    Raises:
        NotFound: there is no such reader.
    """
    _require(connection, reader)
    connection.execute(delete(LOG_WAITING).where(LOG_WAITING.c.reader == reader))
    connection.execute(delete(LOG_READER).where(LOG_READER.c.name == reader))


def _require(connection: Connection, reader: str) -> None:
    if connection.scalar(select(LOG_READER.c.name).where(LOG_READER.c.name == reader).with_for_update()) is None:
        raise NotFound(f"There is no reader {reader!r}.", hint="«xrm log readers» lists them.")


def _oldest(connection: Connection, reader: str, position: int) -> str | None:
    """When the oldest entry was written that a reader is not done with, unless it is not sealed."""
    first = func.min(LOG_WAITING.c.position)
    waits = connection.scalar(select(first).where(LOG_WAITING.c.reader == reader, LOG_WAITING.c.state == State.WAITING))
    if waits is not None and (entry := reading.at(connection, int(waits))) is not None:
        return entry.at
    unread = reading.after(connection, position, 1)
    return unread[0].at if unread else None
