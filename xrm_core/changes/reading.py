"""Reading the log as it is, for those who may see all of it: the command line and auditors.

What is closed in it comes opened; of what was closed by a key that is destroyed by now comes that it was there.
"""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from xrm_core.changes.opening import in_clear_all
from xrm_core.changes.sealing import stored
from xrm_core.storage.change_tables import CHANGE


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """An entry. ``at`` is RFC 3339 in UTC; ``position`` None: not in a batch yet; ``erased`` are names of fields."""

    id: int
    position: int | None
    at: str
    entity: str
    record_id: str
    operation: str
    version: int
    actor: str | None
    causes: tuple[tuple[str, str], ...]
    fields: Mapping[str, Any]
    erased: tuple[str, ...]


def logged(
    connection: Connection,
    *,
    record_id: str | None = None,
    entity: str | None = None,
    actor: str | None = None,
    since: dt.datetime | None = None,
    before: int | None = None,
    limit: int | None = 1000,
) -> Iterator[LoggedChange]:
    """Changes of records, the newest first.

    Args:
        connection: where to look.
        record_id: only those of this record.
        entity: only those of records of this entity.
        actor: only those by this user or token.
        since: aware; only those from this moment on.
        before: id of an entry; only older ones.
        limit: at most so many; None: all.
    """
    query = select(CHANGE).order_by(CHANGE.c.id.desc()).limit(limit)
    if record_id is not None:
        query = query.where(CHANGE.c.record_id == record_id)
    if entity is not None:
        query = query.where(CHANGE.c.entity == entity)
    if actor is not None:
        query = query.where(CHANGE.c.actor == actor)
    if since is not None:
        query = query.where(CHANGE.c.at >= since)
    if before is not None:
        query = query.where(CHANGE.c.id < before)
    return iter(_logged(connection, connection.execute(query)))


def after(connection: Connection, position: int, most: int) -> list[LoggedChange]:
    """The entries after a position, in the order of their positions, ``most`` at a time."""
    later = select(CHANGE).where(CHANGE.c.position > position).order_by(CHANGE.c.position).limit(most)
    return _logged(connection, connection.execute(later))


def at(connection: Connection, position: int) -> LoggedChange | None:
    """The entry with a position; None: it was removed, since it was too old."""
    found = _logged(connection, connection.execute(select(CHANGE).where(CHANGE.c.position == position)))
    return found[0] if found else None


def _logged(connection: Connection, found: Iterable[Row[Any]]) -> list[LoggedChange]:
    rows = list(found)
    entries = in_clear_all(connection, [stored(row, row.position or 0) for row in rows])
    return [_entry(row, entry.fields) for row, entry in zip(rows, entries, strict=True)]


def _entry(row: Row[Any], fields: str) -> LoggedChange:
    gone = json.loads(row.erased)["commitments"] if row.erased else ()
    return LoggedChange(
        row.id,
        row.position,
        row.at,
        row.entity,
        str(row.record_id),
        row.operation,
        row.version,
        None if row.actor is None else str(row.actor),
        tuple((kind, name) for kind, name in json.loads(row.causes)),
        json.loads(fields),
        tuple(name for name in gone if not name.startswith("$")),
    )
