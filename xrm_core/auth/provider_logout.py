"""A provider signs somebody out: a logout token → the end of sessions, once."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from xrm_core.auth import attempts, events, oidc_sessions, people
from xrm_core.auth.attempts import Kind
from xrm_core.auth.logout_tokens import LONGEST, LogoutToken
from xrm_core.auth.oidc_providers import Provider
from xrm_core.auth.oidc_tokens import LEEWAY_SECONDS, TokenInvalid
from xrm_core.auth.sign_in import TIMEOUT
from xrm_core.auth.tokens import digest
from xrm_core.storage.engines import Database
from xrm_core.storage.system import IDENTITY, LOGOUT_TOKEN

KEPT = LONGEST + dt.timedelta(seconds=2 * LEEWAY_SECONDS)
"""How long it is kept that a token was used: longer than it could be used."""

_ADVISORY_LOCK = 0x78726D04  # «xrm» 4


def sign_out(
    database: Database, users: Table, provider: Provider, token: LogoutToken, address: str | None
) -> Mapping[str, list[str]]:
    """End the sessions that a logout token is about (blocking); answers their ids by user.

    Args:
        database: has the sessions.
        users: the table of the entity ``user``.
        provider: whose token it is.
        token: checked.
        address: of the provider, for the event.

    Raises:
        TokenInvalid: it was used before.
    """
    with database.begin(TIMEOUT) as connection:
        # Whoever is just being signed in is held by that; here we wait for it, and end what it has begun.
        hold(connection, provider, token.subject, token.sid)
        _use(connection, provider, token)
        linked = select(IDENTITY.c.user_id).where(
            IDENTITY.c.issuer == provider.issuer, IDENTITY.c.subject == token.subject
        )
        people.hold(connection, users, [str(each) for each in connection.scalars(linked)])
        ended = oidc_sessions.end(connection, provider, token)
        for user_id, ids in ended.items():
            details = {"everywhere": token.sid is None, "by": "provider", "provider": provider.name, "sessions": ids}
            events.record(connection, events.Event.SIGN_OUT, subject=user_id, address=address, details=details)
    return ended


def hold(connection: Connection, provider: Provider, subject: str | None, sid: str | None) -> None:
    """Let nobody else sign an account of a provider in or out until the transaction ends; the first thing that it does.

    There may be no row yet by which it could be held: of who comes for the first time, or of the session.

    Args:
        connection: in a write transaction.
        provider: whose account.
        subject: the account; None: it is not said.
        sid: the session there; None: it is not said.
    """
    if connection.dialect.name != "postgresql":  # SQLite lets one write at a time
        return
    names = [
        f"{kind} {provider.name} {provider.issuer} {name}" for kind, name in (("sub", subject), ("sid", sid)) if name
    ]
    # In one order for everybody: who waits for one of them has none for which the other waits.
    for number in sorted({_number(name) for name in names}):
        connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK, number)))


def keep_refusal(database: Database, provider: Provider, reason: str, address: str | None) -> None:
    """Count that somebody has sent what is no logout token, and keep it as an event (blocking).

    Only these are held up: whoever shares an address with the provider cannot keep its tokens away.

    Raises:
        TooManyAttempts: there were too many of them already; it is not kept.
    """
    counters = [attempts.of_address(address, Kind.LOGOUT_TOKEN)]
    with database.read(TIMEOUT) as connection:
        attempts.require_free(connection, counters)
    with database.begin(TIMEOUT) as connection:
        attempts.count(connection, counters)
        details = {"provider": provider.name, "reason": reason}
        events.record(connection, events.Event.PROVIDER_LOGOUT_REFUSED, address=address, details=details)


def has_ended(connection: Connection, provider: Provider, claims: Mapping[str, Any]) -> bool:
    """Whether the provider has signed out whom an ID token is about, after it and before there was a session."""
    table, sid = LOGOUT_TOKEN, oidc_sessions.sid_in(claims)
    issued_at = dt.datetime.fromtimestamp(claims.get("iat", 0), dt.UTC)
    everywhere = and_(table.c.subject == claims["sub"], table.c.issued_at >= issued_at)
    by_user = everywhere if sid is None else and_(everywhere, table.c.sid.is_(None))
    by_session = and_(table.c.sid == sid, or_(table.c.subject == claims["sub"], table.c.subject.is_(None)))
    query = select(table.c.token_hash).where(
        table.c.provider == provider.name,
        table.c.issuer == provider.issuer,
        by_user if sid is None else or_(by_user, by_session),
    )
    return connection.execute(query.limit(1)).first() is not None


def remove_expired(connection: Connection) -> int:
    """Forget tokens that nobody could use again; answers how many."""
    old = LOGOUT_TOKEN.c.expires_at <= dt.datetime.now(dt.UTC)
    return connection.execute(delete(LOGOUT_TOKEN).where(old)).rowcount


def _use(connection: Connection, provider: Provider, token: LogoutToken) -> None:
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {
        "token_hash": digest(f"{provider.name} {provider.issuer} {token.jti}"),
        "provider": provider.name,
        "issuer": provider.issuer,
        "subject": token.subject,
        "sid": token.sid,
        "issued_at": token.issued_at,
        "expires_at": dt.datetime.now(dt.UTC) + KEPT,
    }
    new = make(LOGOUT_TOKEN).values(row).on_conflict_do_nothing().returning(LOGOUT_TOKEN.c.token_hash)
    if connection.scalar(new) is None:
        raise TokenInvalid("token was used before.")


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big", signed=True)
