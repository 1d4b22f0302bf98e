"""Security notices: users are told by mail what was changed of how they sign in. A server sends what was kept of it.

What is kept is taken for a while before it is sent, and removed after that: if a server or the mail server fails, it is
tried again. A user who was just told waits longer each time for the next mail, which then tells of all at once. One who
is not active is told when they are again: else whoever can deactivate them for a moment does anything unnoticed.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, func, insert, literal, or_, select, update
from uuid_utils import uuid7

from xrm_core.auth import attempts, people
from xrm_core.auth.attempts import Counter, Kind, TooManyAttempts
from xrm_core.storage.auth_events import Event, record
from xrm_core.storage.engines import Database
from xrm_core.storage.notices import Notice, queue
from xrm_core.storage.system import NOTICE

KEPT = dt.timedelta(days=3)
"""What could not be sent for so long is not sent any more."""

MOST = 20
"""Mails that a server takes on at a time."""

LINES = 20
"""Things that a mail tells of; how many there are beyond is a number."""

_LEASE, _LONGEST = dt.timedelta(minutes=5), dt.timedelta(hours=6)
_TIMEOUT = 5.0

_OF_EVENTS: Mapping[str, Notice] = {
    Event.PASSWORD_CHANGED: Notice.PASSWORD_CHANGED,
    Event.TOTP_ENABLED: Notice.TOTP_ENABLED,
    Event.TOTP_DISABLED: Notice.TOTP_DISABLED,
    Event.PASSKEY_ADDED: Notice.PASSKEY_ADDED,
    Event.PASSKEY_REMOVED: Notice.PASSKEY_REMOVED,
    Event.RECOVERY_CODE_USED: Notice.RECOVERY_CODE_USED,
    Event.TOKEN_CREATED: Notice.TOKEN_CREATED,
    Event.IDENTITY_LINKED: Notice.IDENTITY_LINKED,
}


@dataclass(frozen=True)
class Happened:
    """One thing that a mail tells of. ``own``: they did it themselves, as far as is known."""

    kind: Notice
    at: dt.datetime
    own: bool
    address: str | None


@dataclass(frozen=True)
class Delivery:
    """A mail that is to be sent: where to, and of what. ``ids`` are those of what is kept; ``tried`` before."""

    user_id: str
    email: str
    language: str | None
    happened: tuple[Happened, ...]
    ids: tuple[str, ...]
    tried: bool


def queue_event(
    connection: Connection,
    event: str,
    user_id: str | None,
    subject: str | None,
    address: str | None,
    details: Mapping[str, Any],
) -> None:
    """Keep that a user is to be told of an event, if it is one of those; the arguments are those of the event."""
    kind = _OF_EVENTS.get(event)
    concerned = details.get("user") if kind is Notice.TOKEN_CREATED else subject
    if event == Event.SIGN_OUT and details.get("everywhere") and user_id != subject:
        kind = Notice.SESSIONS_ENDED
    if kind is Notice.TOTP_ENABLED and "recovery_codes" in details:
        kind = Notice.RECOVERY_CODES_RENEWED
    if kind is not None and isinstance(concerned, str):
        queue(connection, concerned, kind, own=user_id == concerned, address=address)


def queue_blocked(
    connection: Connection, users: Table, user_id: str, name: str, kinds: Iterable[Kind], address: str | None
) -> None:
    """Keep that sign-ins have to wait after many failures, and that the user is to be told so: once a day.

    The same is done for a stranger's address as for that of a user, so that nobody learns of the difference.

    Args:
        connection: in the write transaction that has counted.
        users: the table of the entity ``user``.
        user_id: the user's id, or one that nobody has.
        name: the user's id, or what the stranger has given.
        kinds: by which the next attempt has to wait, for the first time; that of the client's address is no matter.
        address: of the client.
    """
    if not set(kinds) - {Kind.ADDRESS} or not attempts.is_first_today(connection, f"blocked {name}"):
        return
    now = dt.datetime.now(dt.UTC)
    values = {
        "id": str(uuid7()),
        "user_id": user_id,
        "kind": Notice.SIGN_IN_BLOCKED.value,
        "at": now,
        "own": False,
        "address": address,
        "due_at": now,
        "tries": 0,
    }
    rows = select(*(literal(value, NOTICE.c[column].type) for column, value in values.items()))
    connection.execute(insert(NOTICE).from_select(list(values), rows.where(_is_there(users, user_id))))
    record(connection, Event.SIGN_IN_BLOCKED, subject=name, address=address)


def take(database: Database, users: Table) -> list[Delivery]:
    """Mails that are due, taken on so that no other server sends them. Blocking."""
    now = dt.datetime.now(dt.UTC)
    due = NOTICE.c.due_at <= now
    with database.read(_TIMEOUT) as connection:
        users_ = select(NOTICE.c.user_id).where(due, NOTICE.c.user_id.not_in(_inactive(users)))
        waiting = list(connection.scalars(users_.group_by(NOTICE.c.user_id).order_by(func.min(NOTICE.c.at))))
    found: list[Delivery] = []
    for user_id in waiting:
        if len(found) >= MOST:
            break
        try:
            with database.begin(_TIMEOUT) as connection:
                found += _taken(connection, users, user_id, due, now)
        except TooManyAttempts as error:  # they were told just now: later, of all at once
            later = now + dt.timedelta(seconds=error.details["retryAfter"])
            with database.begin(_TIMEOUT) as connection:
                connection.execute(update(NOTICE).where(NOTICE.c.user_id == user_id, due).values(due_at=later))
    return found


def sent(database: Database, delivery: Delivery) -> None:
    """A mail was sent. Blocking."""
    with database.begin(_TIMEOUT) as connection:
        connection.execute(delete(NOTICE).where(NOTICE.c.id.in_(delivery.ids)))


def not_sent(database: Database, delivery: Delivery, reason: str) -> None:
    """A mail was not sent, and is tried again later; the first time it is an event. Blocking."""
    if not delivery.tried:
        with database.begin(_TIMEOUT) as connection:
            details = {"reason": reason, "notices": len(delivery.ids)}
            record(connection, Event.MAIL_NOT_SENT, subject=delivery.user_id, details=details)


def remove_old(connection: Connection) -> int:
    """Remove what nobody has sent for :data:`KEPT`; answers how much."""
    return connection.execute(delete(NOTICE).where(NOTICE.c.at <= dt.datetime.now(dt.UTC) - KEPT)).rowcount


def _taken(
    connection: Connection, users: Table, user_id: str, due: ColumnElement[bool], now: dt.datetime
) -> list[Delivery]:
    waits = or_(due, NOTICE.c.tries == 0)  # what waited for the next mail goes with it, due or not
    mine = select(NOTICE).where(NOTICE.c.user_id == user_id, waits).order_by(NOTICE.c.at, NOTICE.c.id)
    rows = connection.execute(mine.with_for_update(skip_locked=True)).all()
    if not any(dt.datetime.fromisoformat(row.due_at) <= now for row in rows):
        return []
    if connection.scalar(_inactive(users).where(users.c.id == user_id)) is not None:
        return []
    person = people.by_id(connection, users, user_id)
    by_email: dict[str, list[Any]] = {}
    for row in rows:
        by_email.setdefault("" if person is None else row.email or person.email, []).append(row)
    nowhere = [str(row.id) for row in by_email.pop("", ())]  # who is gone, or has no address
    if nowhere:
        connection.execute(delete(NOTICE).where(NOTICE.c.id.in_(nowhere)))
    language = people.language_of(connection, users, user_id)
    found: list[Delivery] = []
    for email, those in by_email.items():
        ids, tries = tuple(str(row.id) for row in those), max(row.tries for row in those)
        try:  # each mail counts: who has had a hundred addresses must not have a hundred mails sent
            attempts.count(connection, [Counter.of(Kind.NOTICE, user_id)])
        except TooManyAttempts as error:
            if not found:
                raise
            later = now + dt.timedelta(seconds=error.details["retryAfter"])
            rest = (NOTICE.c.user_id == user_id, due, NOTICE.c.id.not_in([id_ for each in found for id_ in each.ids]))
            connection.execute(update(NOTICE).where(*rest).values(due_at=later))
            break
        again = now + min(_LEASE * 2 ** min(tries, 10), _LONGEST)
        connection.execute(update(NOTICE).where(NOTICE.c.id.in_(ids)).values(due_at=again, tries=tries + 1))
        found.append(Delivery(user_id, email, language, tuple(map(_happened, those)), ids, tries > 0))
    return found


def _happened(row: Any) -> Happened:
    return Happened(Notice(row.kind), dt.datetime.fromisoformat(row.at), bool(row.own), row.address)


def _inactive(users: Table) -> Select[Any]:
    """Ids of those who are there, and may not sign in."""
    return select(users.c.id).where(~people.is_active(users))


def _is_there(users: Table, user_id: str) -> ColumnElement[bool]:
    return select(users.c.id).where(users.c.id == user_id, people.is_active(users)).exists()
