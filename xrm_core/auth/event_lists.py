"""Events, and the log of reads, as they are shown to those who may read the log."""

import datetime as dt
from typing import Any

from sqlalchemy import Connection, Table

from xrm_core.auth import people
from xrm_core.auth.events import Event, recorded
from xrm_core.errors import BadQuery
from xrm_core.records import read_log
from xrm_core.records.pages import known_id

_USUAL, _MOST = 50, 1000
_MOST_READS = 200  # each may name a page of records


def listed(
    connection: Connection,
    users: Table,
    *,
    first: int | None = None,
    before: str | None = None,
    user: str | None = None,
    event: str | None = None,
    since: str | dt.datetime | None = None,
) -> list[dict[str, Any]]:
    """Events, the newest first, in the shape of GraphQL's type ``AuthEvent``.

    Args:
        connection: where to look.
        users: the table of the entity ``user``.
        first: at most so many.
        before: id of an event; only older ones.
        user: id of a user; only what they did, or what is about them.
        event: only those of this kind.
        since: aware; only those from this moment on.

    Raises:
        BadQuery: an argument is not understood.
    """
    limit = _limit(first, _MOST)
    if event is not None and event not in set(Event):
        raise BadQuery(f"There is no event {event!r}.", hint=f"Events are: {', '.join(Event)}.")
    names: tuple[str, ...] = ()
    if user is not None:
        person = people.by_id(connection, users, known_id(user))
        names = (known_id(user), *([person.email] if person and person.email else []))
    found = recorded(
        connection,
        users=names,
        event=event,
        since=_moment(since),
        before=None if before is None else known_id(before),
        limit=limit,
    )
    return [
        {
            "id": each.id,
            "at": each.at,
            "event": each.event,
            "userId": each.user_id,
            "subject": each.subject,
            "address": each.address,
            "details": dict(each.details),
        }
        for each in found
    ]


def listed_reads(
    connection: Connection,
    *,
    first: int | None = None,
    before: str | None = None,
    record: str | None = None,
    entity: str | None = None,
    user: str | None = None,
    since: str | dt.datetime | None = None,
) -> list[dict[str, Any]]:
    """Lines of the log of reads, the newest first, in the shape of GraphQL's type ``LoggedRead``.

    Args:
        connection: where to look.
        first: at most so many.
        before: id of a line; only older ones.
        record: id of a record; only reads that showed it.
        entity: only reads of records of this entity, which may be gone from the model.
        user: id of a user; only what they read.
        since: aware; only those from this moment on.

    Raises:
        BadQuery: an argument is not understood.
    """
    found = read_log.logged(
        connection,
        record_id=None if record is None else known_id(record),
        entity=entity,
        user_id=None if user is None else known_id(user),
        since=_moment(since),
        before=None if before is None else known_id(before),
        limit=_limit(first, _MOST_READS),
    )
    return [
        {
            "id": each.id,
            "at": each.at,
            "requestId": each.request_id,
            "userId": each.user_id,
            "tokenId": each.token_id,
            "address": each.address,
            "entity": each.entity,
            "fields": list(each.fields),
            "recordIds": list(each.record_ids),
        }
        for each in found
    ]


def _limit(first: int | None, most: int) -> int:
    limit = _USUAL if first is None else first
    if not 0 <= limit <= most:
        raise BadQuery(f"first is 0 to {most}.")
    return limit


def _moment(text: str | dt.datetime | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if isinstance(text, str) else text
