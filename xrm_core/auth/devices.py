"""Devices from which a user has signed in before, by a random token that stays on the device (a cookie, say)."""

import datetime as dt
import secrets

from sqlalchemy import Connection, delete, insert, select, update

from xrm_core.auth.tokens import digest
from xrm_core.storage.system import KNOWN_DEVICE

PREFIX = "xrmd_"

VALID = dt.timedelta(days=180)
"""A device is known for so long after the last sign-in from it."""


def is_known(connection: Connection, token: str | None, user_id: str) -> bool:
    """Whether a user has signed in from the device with this token."""
    if not token or not token.startswith(PREFIX):
        return False
    since = dt.datetime.now(dt.UTC) - VALID
    mine = select(KNOWN_DEVICE.c.user_id).where(
        KNOWN_DEVICE.c.token_hash == digest(token), KNOWN_DEVICE.c.user_id == user_id, KNOWN_DEVICE.c.seen_at > since
    )
    return connection.scalar(mine) is not None


def remember(connection: Connection, user_id: str, token: str | None) -> str:
    """Know a device from now on; answers its token: the one that it has, if it was known, or a new one."""
    now = dt.datetime.now(dt.UTC)
    if token and is_known(connection, token, user_id):
        connection.execute(update(KNOWN_DEVICE).where(KNOWN_DEVICE.c.token_hash == digest(token)).values(seen_at=now))
        return token
    made = PREFIX + secrets.token_urlsafe(32)
    connection.execute(insert(KNOWN_DEVICE).values(token_hash=digest(made), user_id=user_id, seen_at=now))
    return made


def remove_old(connection: Connection) -> int:
    """Remove devices that are not known any more; answers how many."""
    return connection.execute(
        delete(KNOWN_DEVICE).where(KNOWN_DEVICE.c.seen_at <= dt.datetime.now(dt.UTC) - VALID)
    ).rowcount


def forget_all(connection: Connection, user_id: str) -> None:
    """Know none of a user's devices any more."""
    connection.execute(delete(KNOWN_DEVICE).where(KNOWN_DEVICE.c.user_id == user_id))
