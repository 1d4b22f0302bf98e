"""Reading the log as it is, for those who may see all of it: the command line and auditors.

What is closed in it comes opened, as far as it is asked for; of what was closed by a key that is destroyed by now comes
that it was there. Who follows the log gets it closed, and opens of an entry what they look at.
"""

import datetime as dt
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from xrm_core.changes.commitments import Stored
from xrm_core.changes.opening import in_clear_all
from xrm_core.changes.sealing import stored
from xrm_core.storage.change_tables import CHANGE


class _Closed:
    """No JSON can be made of it, so nobody hands it on for a value."""

    def __repr__(self) -> str:
        return "CLOSED"


CLOSED: Final = _Closed()
"""Stands in ``fields`` where a value is, or two are, that nobody has asked for."""


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """An entry. ``at`` is RFC 3339 in UTC; ``position`` None: not in a batch yet; ``erased`` are names of fields.

    ``closed`` are those of ``fields`` that were not opened, since nobody has asked for them: :data:`CLOSED` is there.
    """

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
    closed: frozenset[str] = frozenset()


def logged(
    connection: Connection,
    *,
    record_id: str | None = None,
    entity: str | None = None,
    actor: str | None = None,
    since: dt.datetime | None = None,
    before: int | None = None,
    limit: int | None = 1000,
    opens: Collection[str] | None = None,
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
        opens: the fields whose values are looked at; None: all. Without a closed one among them it takes no key store.

    Raises:
        SealingUnavailable: there is no key store, or it is not that of this data.
        SealedValueForeign: somebody has meddled with a value.
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
    return iter(_logged(connection, connection.execute(query), opens))


def logged_of_many(
    connection: Connection, ids: Collection[str], opens: Collection[str] | None = None
) -> Iterator[LoggedChange]:
    """All changes of some records, the newest first, opened by one look into the key store; raises as the former."""
    query = select(CHANGE).where(CHANGE.c.record_id.in_(ids)).order_by(CHANGE.c.id.desc())
    return iter(_logged(connection, connection.execute(query), opens))


def after(connection: Connection, position: int, most: int) -> list[LoggedChange]:
    """The entries after a position, in the order of their positions, ``most`` at a time; nothing in them is opened."""
    later = select(CHANGE).where(CHANGE.c.position > position).order_by(CHANGE.c.position).limit(most)
    return _logged(connection, connection.execute(later), ())


def at(connection: Connection, position: int) -> LoggedChange | None:
    """The entry with a position, nothing in it opened; None: it was removed, since it was too old."""
    found = _logged(connection, connection.execute(select(CHANGE).where(CHANGE.c.position == position)), ())
    return found[0] if found else None


def opened(
    connection: Connection, entries: Sequence[LoggedChange], names: Collection[str] | None = None
) -> list[LoggedChange]:
    """Entries with those of their closed values that are asked for, as the log has them now: all of them by one look
    into the key store, or by none if none is closed. What was erased meanwhile is missing.

    Args:
        connection: where to look.
        entries: which.
        names: of fields; None: all.

    Raises:
        SealingUnavailable, SealedValueForeign: as of :func:`logged`.
    """
    asked = {each.id for each in entries if (each.closed if names is None else each.closed.intersection(names))}
    if not asked:
        return list(entries)
    rows = connection.execute(select(CHANGE).where(CHANGE.c.id.in_(asked)))
    now = {each.id: each for each in _logged(connection, rows, names)}
    return [_with(each, now.get(each.id), names) if each.id in asked else each for each in entries]


def _with(entry: LoggedChange, now: LoggedChange | None, names: Collection[str] | None) -> LoggedChange:
    wanted = entry.closed if names is None else entry.closed.intersection(names)
    found = {} if now is None else {name: now.fields[name] for name in now.fields.keys() & wanted}
    fields = {
        name: found.get(name, value) for name, value in entry.fields.items() if name in found or name not in wanted
    }
    return replace(entry, fields=fields, closed=entry.closed - wanted)


def _logged(connection: Connection, found: Iterable[Row[Any]], opens: Collection[str] | None) -> list[LoggedChange]:
    rows = list(found)
    entries = in_clear_all(connection, [stored(row, row.position or 0) for row in rows], opens)
    return [_entry(row, entry, opens) for row, entry in zip(rows, entries, strict=True)]


def _entry(row: Row[Any], entry: Stored, opens: Collection[str] | None) -> LoggedChange:
    gone = json.loads(row.erased)["commitments"] if row.erased else ()
    closed = frozenset(() if opens is None else entry.closed().keys() - set(opens))
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
        {name: CLOSED if name in closed else value for name, value in json.loads(entry.fields).items()},
        tuple(name for name in gone if not name.startswith("$")),
        closed,
    )
