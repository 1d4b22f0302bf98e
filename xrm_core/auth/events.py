"""Events of accounts and rights: how they are kept, with what users are told of them, and how they are read again."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, or_, select

from xrm_core.auth.notices import queue_event
from xrm_core.storage import auth_events
from xrm_core.storage.auth_events import Event
from xrm_core.storage.system import AUTH_EVENT

__all__ = ["AuthEvent", "Event", "record", "recorded"]


@dataclass(frozen=True, slots=True)
class AuthEvent:
    """An event as it is kept. ``at`` is RFC 3339 in UTC; what is not known is None."""

    id: str
    at: str
    event: str
    user_id: str | None
    subject: str | None
    address: str | None
    details: Mapping[str, Any]


def record(
    connection: Connection,
    event: str,
    *,
    user_id: str | None = None,
    subject: str | None = None,
    address: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Keep an event as :func:`xrm_core.storage.auth_events.record` does, and that users are to be told by mail."""
    auth_events.record(connection, event, user_id=user_id, subject=subject, address=address, details=details)
    queue_event(connection, event, user_id, subject, address, details or {})


def recorded(
    connection: Connection,
    *,
    users: tuple[str, ...] = (),
    event: str | None = None,
    since: dt.datetime | None = None,
    before: str | None = None,
    limit: int = 1000,
) -> Iterator[AuthEvent]:
    """Events, the newest first.

    Args:
        connection: where to look.
        users: only what this user did or what is about them: the id, and the e-mail address if it is known.
        event: only those of this kind.
        since: aware; only those from this moment on.
        before: id of an event; only those that are older.
        limit: at most so many.
    """
    query = select(AUTH_EVENT).order_by(AUTH_EVENT.c.id.desc()).limit(limit)
    if users:
        ids = AUTH_EVENT.c.user_id == users[0]
        query = query.where(or_(ids, AUTH_EVENT.c.subject.in_(users)))
    if event is not None:
        query = query.where(AUTH_EVENT.c.event == event)
    if since is not None:
        query = query.where(AUTH_EVENT.c.at >= since)
    if before is not None:
        query = query.where(AUTH_EVENT.c.id < before)
    for row in connection.execute(query):
        yield AuthEvent(str(row.id), row.at, row.event, row.user_id, row.subject, row.address, json.loads(row.details))
