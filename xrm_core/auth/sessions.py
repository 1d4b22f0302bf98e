"""Sessions: who is signed in, from which device, until when. Only a digest of a session's token is stored."""

import datetime as dt
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, Table, delete, insert, select, update
from uuid_utils import uuid7

from xrm_core.auth import people
from xrm_core.auth.tokens import digest
from xrm_core.metadata.clock import instant_text
from xrm_core.records.teams import team_column
from xrm_core.storage.system import SESSION

BEARER, COOKIE = "xrms_", "xrmc_"
"""How tokens of sessions begin: those that clients send as a bearer token, and those in a browser's cookie."""

TOUCH = dt.timedelta(minutes=1)
"""How exactly it is known when a session was last used."""

MOST = 50
"""Sessions of a user; the one that was used longest ago ends when there is one more."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long sessions last: without use, and at most."""

    idle: dt.timedelta
    longest: dt.timedelta


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What a list of sessions shows. Times are RFC 3339 in UTC."""

    id: str
    device: str
    address: str | None
    created_at: str
    seen_at: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class FoundSession:
    """Whose session a token is; ``stale``: its last use is to be noted."""

    id: str
    user_id: str
    team_id: str | None
    roles: frozenset[str]
    stale: bool


def is_session(token: str) -> bool:
    """Whether a token is one of a session, by its beginning."""
    return token.startswith((BEARER, COOKIE))


def create_session(
    connection: Connection, user_id: str, lifetimes: Lifetimes, *, cookie: bool, device: str, address: str | None
) -> tuple[str, SessionInfo]:
    """Make a session; answers its token, which can never be read again.

    Args:
        connection: in a write transaction.
        user_id: who has signed in.
        lifetimes: how long it lasts.
        cookie: whether the token goes into a cookie.
        device: for the list of sessions.
        address: of the client.
    """
    now = dt.datetime.now(dt.UTC)
    _remove_old(connection, user_id, now)
    token = (COOKIE if cookie else BEARER) + secrets.token_urlsafe(32)
    session_id, until = str(uuid7()), now + lifetimes.longest
    connection.execute(
        insert(SESSION).values(
            id=session_id,
            token_hash=digest(token),
            user_id=user_id,
            device=device,
            address=address,
            created_at=now,
            seen_at=now,
            idle_seconds=int(lifetimes.idle.total_seconds()),
            expires_at=until,
        )
    )
    return token, SessionInfo(session_id, device, address, *map(instant_text, (now, now, until)))


def find_session(connection: Connection, token: str, users: Table) -> FoundSession | None:
    """Whose session this is, if it has not ended and its user is active, or None.

    Args:
        connection: where to look.
        token: as the client sent it.
        users: the table of the entity ``user``.
    """
    query = (
        select(SESSION, team_column(users).label("team_id"))
        .join(users, users.c.id == SESSION.c.user_id)
        .where(SESSION.c.token_hash == digest(token), people.is_active(users))
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    now, seen = dt.datetime.now(dt.UTC), dt.datetime.fromisoformat(row.seen_at)
    if now >= dt.datetime.fromisoformat(row.expires_at) or now >= seen + dt.timedelta(seconds=row.idle_seconds):
        return None
    roles = people.roles_of(connection, row.user_id)
    return FoundSession(str(row.id), str(row.user_id), row.team_id, roles, now - seen >= TOUCH)


def hold_session(connection: Connection, user_id: str, session_id: str | None) -> bool:
    """Whether a session of a user is still there; none of theirs can end until the transaction does.

    Who asks may be remembered for a moment after the session has ended.
    """
    return session_id in _held(connection, user_id)


def touch(connection: Connection, session_id: str) -> None:
    """Note that a session is used now."""
    connection.execute(update(SESSION).where(SESSION.c.id == session_id).values(seen_at=dt.datetime.now(dt.UTC)))


def sessions_of(connection: Connection, user_id: str) -> list[SessionInfo]:
    """The sessions of a user that have not ended, the one used last first."""
    now = dt.datetime.now(dt.UTC)
    rows = connection.execute(
        select(SESSION)
        .where(SESSION.c.user_id == user_id, SESSION.c.expires_at > now)
        .order_by(SESSION.c.seen_at.desc(), SESSION.c.id)
    )
    return [
        SessionInfo(str(row.id), row.device, row.address, row.created_at, row.seen_at, row.expires_at)
        for row in rows
        if dt.datetime.fromisoformat(row.seen_at) + dt.timedelta(seconds=row.idle_seconds) > now
    ]


def end_session(connection: Connection, user_id: str, session_id: str) -> bool:
    """End a session of a user; False if the user has none with this id."""
    mine = delete(SESSION).where(SESSION.c.id == session_id, SESSION.c.user_id == user_id)
    return connection.execute(mine).rowcount == 1


def end_replaced(connection: Connection, token: str) -> None:
    """End the session that a browser had before it gets another one."""
    connection.execute(delete(SESSION).where(SESSION.c.token_hash == digest(token)))


def end_sessions(connection: Connection, user_id: str) -> int:
    """End all sessions of a user; answers how many there were."""
    _held(connection, user_id)
    return connection.execute(delete(SESSION).where(SESSION.c.user_id == user_id)).rowcount


def remove_expired(connection: Connection) -> int:
    """Remove sessions that are over by their absolute time; answers how many."""
    return connection.execute(delete(SESSION).where(SESSION.c.expires_at <= dt.datetime.now(dt.UTC))).rowcount


def _held(connection: Connection, user_id: str) -> list[str]:
    """Ids of all sessions of a user, none of which can end until the transaction does.

    In one order for everybody: of two transactions that end several, none waits for the other in turn.
    """
    mine = select(SESSION.c.id).where(SESSION.c.user_id == user_id).order_by(SESSION.c.id).with_for_update()
    return [str(each) for each in connection.scalars(mine)]


def _remove_old(connection: Connection, user_id: str, now: dt.datetime) -> None:
    connection.execute(delete(SESSION).where(SESSION.c.user_id == user_id, SESSION.c.expires_at <= now))
    mine = select(SESSION.c.id).where(SESSION.c.user_id == user_id).order_by(SESSION.c.seen_at.desc(), SESSION.c.id)
    surplus = list(connection.scalars(mine.offset(MOST - 1)))
    if surplus:
        connection.execute(delete(SESSION).where(SESSION.c.id.in_(surplus)))
