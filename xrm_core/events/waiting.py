"""Entries that a reader has passed by: those that failed, and what came after them for the same records."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, func, insert, or_, select, update

from xrm_core.changes.reading import LoggedChange
from xrm_core.jobs import clock
from xrm_core.storage.reader_tables import LOG_WAITING


class State(StrEnum):
    """What becomes of such an entry."""

    WAITING = "waiting"
    DEAD = "dead"


@dataclass(frozen=True)
class Waiting:
    """An entry that is to be tried again now; ``attempts`` were made."""

    position: int
    attempts: int


def count(connection: Connection, reader: str) -> int:
    """How many entries wait, the dead ones left out."""
    mine = LOG_WAITING.c.reader == reader, LOG_WAITING.c.state == State.WAITING
    return int(connection.scalar(select(func.count()).select_from(LOG_WAITING).where(*mine)) or 0)


def numbers(connection: Connection, readers: Collection[str]) -> dict[str, tuple[int, int]]:
    """Of each of some readers, how many entries wait and how many are dead; those without any are left out."""
    of = LOG_WAITING.c
    counted = select(of.reader, of.state, func.count()).where(of.reader.in_(readers)).group_by(of.reader, of.state)
    found: dict[str, tuple[int, int]] = {}
    for reader, state, number in connection.execute(counted):
        waits, gone = found.get(reader, (0, 0))
        found[reader] = (int(number), gone) if state == State.WAITING else (waits, int(number))
    return found


def blocked(connection: Connection, reader: str, records: Collection[str]) -> set[str]:
    """Those of the records of which something waits, so that what comes later has to wait, too."""
    mine = LOG_WAITING.c.reader == reader, LOG_WAITING.c.state == State.WAITING
    found = connection.scalars(select(LOG_WAITING.c.record_id).where(*mine, LOG_WAITING.c.record_id.in_(records)))
    return {str(each) for each in found}


def readers_due(connection: Connection, readers: Collection[str]) -> set[str]:
    """Those of the readers that have something to try again."""
    due = select(LOG_WAITING.c.reader).where(LOG_WAITING.c.reader.in_(readers), *_first_and_due(connection))
    return set(connection.scalars(due.distinct()))


def due(connection: Connection, reader: str, most: int) -> list[Waiting]:
    """What a reader has to try again now, of each record the first entry that waits."""
    query = select(LOG_WAITING.c.position, LOG_WAITING.c.attempts).where(
        LOG_WAITING.c.reader == reader, *_first_and_due(connection)
    )
    rows = connection.execute(query.order_by(LOG_WAITING.c.position).limit(most))
    return [Waiting(row.position, row.attempts) for row in rows]


def put(connection: Connection, reader: str, entry: LoggedChange) -> None:
    """Let an entry wait behind others of its record."""
    _insert(connection, reader, entry, State.WAITING, 0, None, None)


def put_failed(connection: Connection, reader: str, entry: LoggedChange, error: str, wait: dt.timedelta | None) -> None:
    """Keep an entry that has failed the first time; ``wait`` None: it is dead."""
    state = State.DEAD if wait is None else State.WAITING
    _insert(connection, reader, entry, state, 1, error, wait)


def fail_again(connection: Connection, reader: str, position: int, error: str, wait: dt.timedelta | None) -> None:
    """An entry that had waited has failed; ``wait`` None: it is dead, and what waits behind it is not held up."""
    now = clock.now(connection)
    values: dict[str, Any] = {"attempts": LOG_WAITING.c.attempts + 1, "error": error, "failed_at": now}
    values |= {"state": State.DEAD.value, "due_at": None} if wait is None else {"due_at": now + wait}
    connection.execute(update(LOG_WAITING).where(*_by(reader, position)).values(values))


def remove(connection: Connection, reader: str, position: int) -> None:
    """An entry waits no more."""
    connection.execute(delete(LOG_WAITING).where(*_by(reader, position)))


def _insert(
    connection: Connection,
    reader: str,
    entry: LoggedChange,
    state: State,
    attempts: int,
    error: str | None,
    wait: dt.timedelta | None,
) -> None:
    now = clock.now(connection)
    row: dict[str, Any] = {"reader": reader, "position": entry.position, "entity": entry.entity}
    row |= {"record_id": entry.record_id, "state": state.value, "attempts": attempts, "error": error}
    row |= {"due_at": None if wait is None else now + wait, "failed_at": now if attempts else None}
    connection.execute(insert(LOG_WAITING), [row])


def _first_and_due(connection: Connection) -> tuple[ColumnElement[bool], ...]:
    before = LOG_WAITING.alias("before")
    first = ~exists().where(
        before.c.reader == LOG_WAITING.c.reader,
        before.c.record_id == LOG_WAITING.c.record_id,
        before.c.state == State.WAITING,
        before.c.position < LOG_WAITING.c.position,
    )
    now = clock.now(connection)
    return LOG_WAITING.c.state == State.WAITING, or_(LOG_WAITING.c.due_at.is_(None), LOG_WAITING.c.due_at <= now), first


def _by(reader: str, position: int) -> tuple[ColumnElement[bool], ...]:
    return LOG_WAITING.c.reader == reader, LOG_WAITING.c.position == position
