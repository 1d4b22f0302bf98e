"""API tokens: made, found, revoked. Only a digest is stored, so a copy of the database opens nothing."""

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select
from uuid_utils import uuid7

from xrm_core.storage.system import TOKEN, USER_ROLE

PREFIX = "xrm_"
"""Every token begins with it, so that secret scanners can find lost ones."""


def create_token(connection: Connection, user_id: str, label: str, *, expires_at: dt.datetime | None = None) -> str:
    """Make a token for a user and return it; it can never be read again.

    Args:
        connection: in a write transaction.
        user_id: id of a user.
        label: what it is for, for the list of tokens.
        expires_at: aware; None: never.
    """
    token = PREFIX + secrets.token_urlsafe(32)
    connection.execute(
        insert(TOKEN).values(
            id=str(uuid7()),
            token_hash=digest(token),
            user_id=user_id,
            label=label,
            created_at=dt.datetime.now(dt.UTC),
            expires_at=expires_at,
            revoked_at=None,
        )
    )
    return token


def set_roles(connection: Connection, user_id: str, roles: Iterable[str]) -> None:
    """Give a user exactly these roles."""
    connection.execute(delete(USER_ROLE).where(USER_ROLE.c.user_id == user_id))
    rows = [{"user_id": user_id, "role": role} for role in sorted(set(roles))]
    if rows:
        connection.execute(insert(USER_ROLE), rows)


def find(connection: Connection, token: str) -> tuple[str, frozenset[str]] | None:
    """User and roles of a token that is valid now, or None."""
    query = select(TOKEN.c.user_id, TOKEN.c.expires_at).where(
        TOKEN.c.token_hash == digest(token), TOKEN.c.revoked_at.is_(None)
    )
    row = connection.execute(query).first()
    if row is None or (row.expires_at and dt.datetime.fromisoformat(row.expires_at) <= dt.datetime.now(dt.UTC)):
        return None
    roles = connection.execute(select(USER_ROLE.c.role).where(USER_ROLE.c.user_id == row.user_id)).scalars()
    return str(row.user_id), frozenset(roles)


def digest(token: str) -> str:
    """What is stored of a token: SHA-256 in hex digits. Tokens are random, so no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
