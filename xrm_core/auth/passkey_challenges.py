"""Challenges that authenticators sign: each is good once, for one purpose, for minutes. Only a digest is stored."""

import datetime as dt
import secrets
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select

from xrm_core.auth.tokens import digest
from xrm_core.storage.system import PASSKEY_CHALLENGE

VALID = dt.timedelta(minutes=5)

MOST = 200
"""Of one client that wait to be used; the oldest are void when there is one more: strangers may ask for any number."""


class Purpose(StrEnum):
    """What a challenge is for; it is good for that only."""

    REGISTRATION = "registration"
    SIGN_IN = "sign_in"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What was known when a challenge was made: who may use it (None: anybody), and in which session."""

    purpose: Purpose
    user_id: str | None = None
    session_id: str | None = None


def create(connection: Connection, challenge: Challenge, client: str) -> bytes:
    """Make a challenge; answers its bytes.

    Args:
        connection: in a write transaction.
        challenge: what it is for.
        client: key of who asks, for the bound.
    """
    now = dt.datetime.now(dt.UTC)
    table, made = PASSKEY_CHALLENGE, secrets.token_bytes(32)
    connection.execute(
        insert(table).values(
            challenge_hash=digest(made.hex()),
            purpose=challenge.purpose.value,
            user_id=challenge.user_id,
            session_id=challenge.session_id,
            client=client,
            expires_at=now + VALID,
        )
    )
    theirs = select(table.c.challenge_hash).where(table.c.client == client).order_by(table.c.expires_at.desc())
    surplus = list(connection.scalars(theirs.offset(MOST)))
    if surplus:
        connection.execute(delete(table).where(table.c.challenge_hash.in_(surplus)))
    return made


def consume(connection: Connection, challenge: bytes, purpose: Purpose) -> Challenge | None:
    """Use a challenge up: of twenty who do it at once, one gets it. None: it is not good, whatever the reason.

    Commit before anything is decided by what it was for: an attempt that fails uses it up, too.
    """
    table = PASSKEY_CHALLENGE
    row = connection.execute(
        delete(table)
        .where(
            table.c.challenge_hash == digest(challenge.hex()),
            table.c.purpose == purpose.value,
            table.c.expires_at > dt.datetime.now(dt.UTC),
        )
        .returning(table.c.user_id, table.c.session_id)
    ).first()
    if row is None:
        return None
    user_id, session_id = (None if each is None else str(each) for each in row)
    return Challenge(purpose, user_id, session_id)


def remove_expired(connection: Connection) -> int:
    """Remove challenges that nobody has used in time; answers how many."""
    old = PASSKEY_CHALLENGE.c.expires_at <= dt.datetime.now(dt.UTC)
    return connection.execute(delete(PASSKEY_CHALLENGE).where(old)).rowcount
