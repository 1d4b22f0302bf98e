"""API tokens: made, found, revoked. Only a digest is stored, so a copy of the database opens nothing."""

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Table, delete, insert, or_, select, update
from uuid_utils import uuid7

from xrm_core.auth.events import Event, record
from xrm_core.records.teams import team_column
from xrm_core.storage.columns import Flag
from xrm_core.storage.system import TOKEN, USER_ROLE

PREFIX = "xrm_"
"""Every token begins with it, so that secret scanners can find lost ones."""


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What a list of tokens shows. Times are RFC 3339 in UTC; None: it never expires, it is not revoked."""

    id: str
    label: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None


def create_token(connection: Connection, user_id: str, label: str, *, expires_at: dt.datetime | None = None) -> str:
    """Make a token for a user and return it; it can never be read again.

    Args:
        connection: in a write transaction.
        user_id: id of a user.
        label: what it is for, for the list of tokens.
        expires_at: aware; None: never.
    """
    token, token_id = PREFIX + secrets.token_urlsafe(32), str(uuid7())
    connection.execute(
        insert(TOKEN).values(
            id=token_id,
            token_hash=digest(token),
            user_id=user_id,
            label=label,
            created_at=dt.datetime.now(dt.UTC),
            expires_at=expires_at,
            revoked_at=None,
        )
    )
    record(connection, Event.TOKEN_CREATED, subject=token_id, details={"label": label, "user": user_id})
    return token


def tokens_of(connection: Connection, user_id: str) -> list[TokenInfo]:
    """All tokens of a user, the oldest first, revoked and expired ones too."""
    columns = (TOKEN.c.id, TOKEN.c.label, TOKEN.c.created_at, TOKEN.c.expires_at, TOKEN.c.revoked_at)
    rows = connection.execute(select(*columns).where(TOKEN.c.user_id == user_id).order_by(TOKEN.c.id))
    return [TokenInfo(row.id, row.label, row.created_at, row.expires_at, row.revoked_at) for row in rows]


def revoke_token(connection: Connection, token_id: str) -> bool:
    """End a token for good; False if there is none with this id that is not revoked already."""
    open_token = update(TOKEN).where(TOKEN.c.id == token_id, TOKEN.c.revoked_at.is_(None))
    revoked = connection.execute(open_token.values(revoked_at=dt.datetime.now(dt.UTC))).rowcount == 1
    if revoked:
        record(connection, Event.TOKEN_REVOKED, subject=token_id)
    return revoked


def remove_tokens(connection: Connection, user_id: str, label: str) -> None:
    """Remove all tokens of a user that have this label, as if they had never been."""
    connection.execute(delete(TOKEN).where(TOKEN.c.user_id == user_id, TOKEN.c.label == label))


def set_roles(connection: Connection, user_id: str, roles: Iterable[str]) -> None:
    """Give a user exactly these roles."""
    connection.execute(delete(USER_ROLE).where(USER_ROLE.c.user_id == user_id))
    rows = [{"user_id": user_id, "role": role} for role in sorted(set(roles))]
    if rows:
        connection.execute(insert(USER_ROLE), rows)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose token it is: ids of the user and of the user's team, and the user's roles."""

    user_id: str
    team_id: str | None
    roles: frozenset[str]


def find(connection: Connection, token: str, users: Table) -> Bearer | None:
    """Whose token this is, if it is valid now, or None.

    Args:
        connection: where to look.
        token: as the client sent it.
        users: the table of the entity ``user``: the record must exist, and not have false in a field ``active`` (one
            of the type boolean). Its field ``team``, if it refers to the entity ``team``, says in which team the user
            is.
    """
    query = (
        select(TOKEN.c.user_id, TOKEN.c.expires_at, team_column(users).label("team_id"))
        .join(users, users.c.id == TOKEN.c.user_id)
        .where(TOKEN.c.token_hash == digest(token), TOKEN.c.revoked_at.is_(None))
    )
    if isinstance(active := users.c.get("active"), Column) and isinstance(active.type, Flag):
        query = query.where(or_(active.is_(None), active))
    row = connection.execute(query).first()
    if row is None or (row.expires_at and dt.datetime.fromisoformat(row.expires_at) <= dt.datetime.now(dt.UTC)):
        return None
    roles = connection.execute(select(USER_ROLE.c.role).where(USER_ROLE.c.user_id == row.user_id)).scalars()
    return Bearer(str(row.user_id), row.team_id, frozenset(roles))


def digest(token: str) -> str:
    """What is stored of a token: SHA-256 in hex digits. Tokens are random, so no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
