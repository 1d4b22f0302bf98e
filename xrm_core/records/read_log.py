"""Who read which record of an entity whose reads are logged: written before the answer leaves."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select
from uuid_utils import uuid7

from xrm_core.permissions.caller import User
from xrm_core.query.reads import Read
from xrm_core.storage.system import READ, READ_RECORD

_AT_ONCE = 200  # lines whose records are looked up by one statement

Reads = Sequence[tuple[Read, Sequence[str]]]
"""What was read, with the ids of the records that were shown."""


@dataclass(frozen=True, slots=True)
class LoggedRead:
    """A line of the log. ``at`` is RFC 3339 in UTC; ``user_id`` None: a service, named by ``token_id``.

    ``record_ids`` are the records that were shown; none if figures were, or nothing was found.
    """

    id: str
    at: str
    request_id: str
    user_id: str | None
    token_id: str | None
    address: str | None
    entity: str
    fields: tuple[str, ...]
    record_ids: tuple[str, ...]


def write(connection: Connection, caller: User, address: str | None, reads: Reads) -> None:
    """Keep what a request reads.

    Args:
        connection: in a write transaction.
        caller: who reads; if somebody views as them, it is that one who does.
        address: of the client.
        reads: what is read; all of it under one new ``request_id``.
    """
    if not reads:
        return
    request_id, now = str(uuid7()), dt.datetime.now(dt.UTC)
    rows = [
        {
            "id": str(uuid7()),
            "at": now,
            "request_id": request_id,
            "user_id": caller.viewer or caller.id,
            "token_id": caller.token,
            "address": address,
            "entity": read.entity,
            "fields": json.dumps(read.fields),
        }
        for read, _ in reads
    ]
    connection.execute(insert(READ), rows)
    records = [
        {"read_id": row["id"], "record_id": id_} for row, (_, ids) in zip(rows, reads, strict=True) for id_ in ids
    ]
    if records:
        connection.execute(insert(READ_RECORD), records)


def logged(
    connection: Connection,
    *,
    record_id: str | None = None,
    entity: str | None = None,
    user_id: str | None = None,
    since: dt.datetime | None = None,
    before: str | None = None,
    limit: int = 1000,
) -> Iterator[LoggedRead]:
    """Reads that were logged, the newest first.

    Args:
        connection: where to look.
        record_id: only those that showed this record.
        entity: only those of records of this entity.
        user_id: only those by this user.
        since: aware; only those from this moment on.
        before: id of a line; only older ones.
        limit: at most so many.
    """
    query = select(READ).order_by(READ.c.id.desc()).limit(limit)
    if record_id is not None:
        query = query.join(READ_RECORD, READ_RECORD.c.read_id == READ.c.id).where(READ_RECORD.c.record_id == record_id)
    if entity is not None:
        query = query.where(READ.c.entity == entity)
    if user_id is not None:
        query = query.where(READ.c.user_id == user_id)
    if since is not None:
        query = query.where(READ.c.at >= since)
    if before is not None:
        query = query.where(READ.c.id < before)
    rows = connection.execute(query).all()
    for number, row in enumerate(rows):
        if number % _AT_ONCE == 0:
            shown = _shown(connection, [each.id for each in rows[number : number + _AT_ONCE]])
        ids = shown.get(str(row.id), ())
        yield LoggedRead(
            str(row.id),
            row.at,
            str(row.request_id),
            row.user_id,
            row.token_id,
            row.address,
            row.entity,
            tuple(json.loads(row.fields)),
            tuple(sorted(ids)),
        )


def _shown(connection: Connection, reads: Sequence[str]) -> dict[str, list[str]]:
    """The records that lines of the log name."""
    found: dict[str, list[str]] = {}
    query = select(READ_RECORD.c.read_id, READ_RECORD.c.record_id).where(READ_RECORD.c.read_id.in_(reads))
    for read_id, record_id in connection.execute(query):
        found.setdefault(str(read_id), []).append(str(record_id))
    return found
