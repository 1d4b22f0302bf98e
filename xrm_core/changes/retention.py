"""How long the log is kept: the oldest batches lose their entries, each all of them, and the chain holds."""

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, not_, select, union_all, update

from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.sealing import alone
from xrm_core.changes.verifying import ChangeLogBroken, problems
from xrm_core.errors import SettingsError
from xrm_core.settings import MIN_EVENT_DAYS
from xrm_core.storage import auth_events
from xrm_core.storage.change_tables import CHANGE, CHANGE_BATCH
from xrm_core.storage.engines import Database
from xrm_core.storage.reader_tables import LOG_READER, LOG_WAITING

_TIMEOUT = 30.0
_PAUSE_SHARE = 0.5  # of the time that a transaction took, for those who have waited for it

Stop = Callable[[], bool]


def check_old_enough(before: dt.datetime) -> None:
    """Raise :class:`~xrm_core.errors.SettingsError` if entries before a moment are kept in any case.

    Who has broken in shall not be able to remove what tells of it.
    """
    if before > dt.datetime.now(dt.UTC) - dt.timedelta(days=MIN_EVENT_DAYS):
        raise SettingsError(
            f"The change log is kept for {MIN_EVENT_DAYS} days in any case.",
            hint="Nothing was removed. Name an earlier moment.",
        )


def removable(connection: Connection, before: dt.datetime) -> int:
    """How many entries stand in batches that were sealed before a moment, and that all readers are done with."""
    size = CHANGE_BATCH.c.last - CHANGE_BATCH.c.first + 1
    old = select(func.sum(size)).where(not_(CHANGE_BATCH.c.removed), *_removable(connection, before))
    return int(connection.scalar(old) or 0)


def held_by(connection: Connection) -> tuple[str, int] | None:
    """The reader that is the farthest behind, and the position up to which it is done; None: there is no reader."""
    reading = select(LOG_READER.c.name, LOG_READER.c.position.label("done"))
    first = func.min(LOG_WAITING.c.position) - 1
    waiting = select(LOG_WAITING.c.reader, first.label("done")).where(LOG_WAITING.c.state == "waiting")
    both = union_all(reading, waiting.group_by(LOG_WAITING.c.reader)).subquery()
    row = connection.execute(select(both.c.name, both.c.done).order_by(both.c.done).limit(1)).first()
    return None if row is None else (str(row[0]), int(row[1]))


def remove(database: Database, before: dt.datetime, *, keys: ChainKeys, by: str, stop: Stop = lambda: False) -> int:
    """Remove the entries of batches that were sealed before a moment; answers how many. Blocking, and may take long.

    What a reader has not read yet stays, however old it is. That it is done is an event of its own, in the transaction
    in which the first of them go.

    Args:
        database: whose log.
        before: aware.
        keys: sign that it was done by a server.
        by: for the event: what has asked for it.
        stop: asked between transactions; True: leave the rest for another time.

    Raises:
        SettingsError: entries would go that are kept in any case.
        ChangeLogBroken: a batch is not as it was sealed: it stays, since it is what tells of that.
        DatabaseUnavailable, Busy, Timeout: what is removed until then stays so.
    """
    check_old_enough(before)
    with database.read(_TIMEOUT) as connection:
        found = removable(connection, before)
    removed, told = 0, False
    while removed < found and not stop():
        began = time.monotonic()
        with database.begin(_TIMEOUT) as connection:
            if not alone(connection):
                break
            gone = _remove_oldest(connection, before, keys)
            if not gone:
                break
            if not told:
                _tell(connection, before, found, by)
                told = True
        removed += gone
        time.sleep((time.monotonic() - began) * _PAUSE_SHARE)
    return removed


def _remove_oldest(connection: Connection, before: dt.datetime, keys: ChainKeys) -> int:
    oldest = select(CHANGE_BATCH).where(not_(CHANGE_BATCH.c.removed)).order_by(CHANGE_BATCH.c.number).limit(1)
    batch = connection.execute(oldest.where(*_removable(connection, before))).first()
    if batch is None:
        return 0
    former = connection.execute(select(CHANGE_BATCH).where(CHANGE_BATCH.c.number == batch.number - 1)).first()
    # What somebody has removed, or made older than it is, must not pass for what was too old. Signatures are not
    # looked at: the key of former times may be gone for good reason.
    if found := problems(connection, batch, former, ChainKeys("")):
        raise ChangeLogBroken(len(found))
    mine, signature = CHANGE_BATCH.c.number == batch.number, keys.removal(bytes(batch.chain))
    connection.execute(update(CHANGE_BATCH).where(mine).values(removed=True, removal=signature))
    connection.execute(delete(CHANGE).where(CHANGE.c.position.between(batch.first, batch.last)))
    return int(batch.last - batch.first + 1)


def _removable(connection: Connection, before: dt.datetime) -> tuple[ColumnElement[bool], ...]:
    held = held_by(connection)
    unread = () if held is None else (CHANGE_BATCH.c.last <= held[1],)
    return CHANGE_BATCH.c.sealed_at < before, *unread


def _tell(connection: Connection, before: dt.datetime, found: int, by: str) -> None:
    details: dict[str, Any] = {"before": before.astimezone(dt.UTC).isoformat(), "lines": found, "by": by}
    auth_events.record(connection, auth_events.Event.LOG_CLEARED, subject="changes", details=details)
