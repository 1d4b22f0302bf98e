"""Links that set a password once: for a new user, or for one who has forgotten it. Only a digest is stored."""

import datetime as dt
import secrets
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select

from xrm_core.auth.tokens import digest
from xrm_core.errors import NotFound
from xrm_core.storage.system import ONE_TIME_TOKEN

PREFIX = "xrmo_"


class Purpose(StrEnum):
    """What a link is for, and who has made it: the first two whoever administers users, the last who was asked to by
    mail.
    """

    INVITATION = "invitation"
    RESET = "password_reset"
    FORGOTTEN = "forgotten_password"


def create_link(connection: Connection, user_id: str, purpose: Purpose, valid: dt.timedelta) -> str:
    """Make the token of a link; earlier ones of the user for the same purpose are void, if it was given by somebody.

    What is asked for by mail voids nothing: anybody who knows the address can ask. How many there are is bounded by
    how often that can be.

    Args:
        connection: in a write transaction.
        user_id: whose password it sets.
        purpose: what it is for.
        valid: for how long.
    """
    if purpose is not Purpose.FORGOTTEN:
        mine = (ONE_TIME_TOKEN.c.user_id == user_id, ONE_TIME_TOKEN.c.purpose == purpose.value)
        connection.execute(delete(ONE_TIME_TOKEN).where(*mine))
    token, now = PREFIX + secrets.token_urlsafe(32), dt.datetime.now(dt.UTC)
    connection.execute(
        insert(ONE_TIME_TOKEN).values(
            token_hash=digest(token), user_id=user_id, purpose=purpose.value, created_at=now, expires_at=now + valid
        )
    )
    return token


def owner(connection: Connection, token: str) -> str:
    """The id of the user whose password a link sets; it stays good.

    Raises:
        NotFound: it was used, has expired or was never there.
    """
    now = dt.datetime.now(dt.UTC)
    mine = select(ONE_TIME_TOKEN.c.user_id).where(
        ONE_TIME_TOKEN.c.token_hash == digest(token), ONE_TIME_TOKEN.c.expires_at > now
    )
    found = connection.scalar(mine)
    if found is None:
        raise link_void()
    return str(found)


def use(connection: Connection, token: str, user_id: str) -> None:
    """Use a link up, in the transaction of what it is for. Of twenty who do it at once, one succeeds.

    Raises:
        NotFound: it was used, has expired, was never there, or is another user's.
    """
    now = dt.datetime.now(dt.UTC)
    mine = delete(ONE_TIME_TOKEN).where(
        ONE_TIME_TOKEN.c.token_hash == digest(token),
        ONE_TIME_TOKEN.c.user_id == user_id,
        ONE_TIME_TOKEN.c.expires_at > now,
    )
    if connection.execute(mine).rowcount != 1:
        raise link_void()


def remove_expired(connection: Connection) -> int:
    """Remove links that have expired; answers how many."""
    return connection.execute(
        delete(ONE_TIME_TOKEN).where(ONE_TIME_TOKEN.c.expires_at <= dt.datetime.now(dt.UTC))
    ).rowcount


def link_void() -> NotFound:
    """The error for a link that is not good, for whatever reason."""
    return NotFound(
        "This link is not valid, or not any more.", hint="It works once and for some days; ask for a new one."
    )
