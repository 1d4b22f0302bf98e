"""Passkeys that users have registered: what is kept of them. Their private keys never leave the authenticator."""

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from uuid_utils import uuid7

from xrm_core.storage.system import PASSKEY

MOST = 20
"""Passkeys of a user."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What an authenticator has made. ``id`` and ``public_key`` are base64url; ``aaguid`` says what kind it is."""

    id: str
    public_key: str = field(repr=False)
    sign_count: int
    transports: tuple[str, ...]
    aaguid: str
    backup_eligible: bool
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey with whose it is and what it is called. Times are RFC 3339 in UTC."""

    id: str
    user_id: str
    name: str
    created_at: str
    last_used_at: str | None
    credential: Credential


def add(connection: Connection, user_id: str, name: str, credential: Credential) -> Passkey | None:
    """Keep a passkey; None if its credential is registered already, for whomever.

    Args:
        connection: in a write transaction.
        user_id: whose it is.
        name: by which the user knows it.
        credential: what the authenticator has made.
    """
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = make(PASSKEY).values(
        id=str(uuid7()),
        credential_id=credential.id,
        user_id=user_id,
        name=name,
        public_key=credential.public_key,
        sign_count=credential.sign_count,
        transports=json.dumps(credential.transports),
        aaguid=credential.aaguid,
        backup_eligible=credential.backup_eligible,
        backed_up=credential.backed_up,
        created_at=dt.datetime.now(dt.UTC),
    )
    once = statement.on_conflict_do_nothing(index_elements=["credential_id"]).returning(PASSKEY.c.id)
    return None if connection.execute(once).first() is None else by_credential(connection, credential.id)


def passkeys_of(connection: Connection, user_id: str) -> list[Passkey]:
    """The passkeys of a user, the oldest first."""
    mine = select(PASSKEY).where(PASSKEY.c.user_id == user_id).order_by(PASSKEY.c.id)
    return [_passkey(row) for row in connection.execute(mine)]


def count_of(connection: Connection, user_id: str) -> int:
    """How many passkeys a user has."""
    mine = select(func.count()).select_from(PASSKEY).where(PASSKEY.c.user_id == user_id)
    return int(connection.scalar(mine) or 0)


def by_credential(connection: Connection, credential_id: str) -> Passkey | None:
    """The passkey with the id that the authenticator has given it, in base64url."""
    row = connection.execute(select(PASSKEY).where(PASSKEY.c.credential_id == credential_id)).first()
    return None if row is None else _passkey(row)


def note_use(connection: Connection, passkey: Passkey, sign_count: int, *, backed_up: bool) -> bool:
    """Note that a passkey has signed somebody in; False if it is gone, or its count has not grown.

    An authenticator that does not count says 0 each time. One that has counted must go on, by at least one: that is
    looked at in the statement that writes, so of two who come with the same count one succeeds.
    """
    grown = PASSKEY.c.sign_count < sign_count if sign_count else PASSKEY.c.sign_count == 0
    mine = update(PASSKEY).where(PASSKEY.c.id == passkey.id, PASSKEY.c.user_id == passkey.user_id, grown)
    values = {"sign_count": sign_count, "backed_up": backed_up, "last_used_at": dt.datetime.now(dt.UTC)}
    return connection.execute(mine.values(values)).rowcount == 1


def rename(connection: Connection, user_id: str, passkey_id: str, name: str) -> bool:
    """Give a user's passkey another name; False if the user has none with this id."""
    mine = update(PASSKEY).where(PASSKEY.c.id == passkey_id, PASSKEY.c.user_id == user_id)
    return connection.execute(mine.values(name=name)).rowcount == 1


def remove(connection: Connection, user_id: str, passkey_id: str) -> bool:
    """Remove a user's passkey; False if the user has none with this id."""
    mine = delete(PASSKEY).where(PASSKEY.c.id == passkey_id, PASSKEY.c.user_id == user_id)
    return connection.execute(mine).rowcount == 1


def _passkey(row: Any) -> Passkey:
    credential = Credential(
        row.credential_id,
        row.public_key,
        row.sign_count,
        tuple(json.loads(row.transports)),
        row.aaguid,
        row.backup_eligible,
        row.backed_up,
    )
    return Passkey(str(row.id), str(row.user_id), row.name, row.created_at, row.last_used_at, credential)
