"""Sessions that an OpenID provider has opened: what they are called there, so that both can be ended together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select

from xrm_core.auth.logout_tokens import LogoutToken
from xrm_core.auth.oidc_providers import Provider
from xrm_core.auth.oidc_tokens import is_name
from xrm_core.storage.system import OIDC_SESSION, SESSION

MAX_ID_TOKEN = 3000
"""Signs of an ID token that is kept: it goes into a URL, of which some web servers read 4096 bytes. Without it the
provider may ask the user before it signs them out."""


@dataclass(frozen=True)
class OidcSession:
    """What is kept of a session; ``id_token`` is encrypted, for :func:`owner`."""

    provider: str
    issuer: str
    subject: str
    id_token: str | None = field(repr=False)


def owner(issuer: str, subject: str) -> str:
    """For whom an ID token is encrypted."""
    return f"id token {issuer} {subject}"


def sid_in(claims: Mapping[str, Any]) -> str | None:
    """What a session is called in an ID token; None: it is not said, or not so that it could be kept."""
    sid = claims.get("sid")
    return sid if is_name(sid) else None


def keep(
    connection: Connection, session_id: str, provider: Provider, claims: Mapping[str, Any], id_token: str | None
) -> None:
    """Keep what a new session is called at the provider.

    Args:
        connection: in the transaction that makes the session.
        session_id: ours.
        provider: which.
        claims: of the ID token.
        id_token: encrypted; None: it is not kept.
    """
    connection.execute(
        insert(OIDC_SESSION).values(
            session_id=session_id,
            provider=provider.name,
            issuer=provider.issuer,
            subject=claims["sub"],
            sid=sid_in(claims),
            id_token=id_token,
        )
    )


def of_session(connection: Connection, session_id: str) -> OidcSession | None:
    """What is kept of a session; None: no provider has opened it."""
    table = OIDC_SESSION
    query = select(table.c.provider, table.c.issuer, table.c.subject, table.c.id_token)
    row = connection.execute(query.where(table.c.session_id == session_id)).first()
    return None if row is None else OidcSession(*row)


def end(connection: Connection, provider: Provider, token: LogoutToken) -> dict[str, list[str]]:
    """End the sessions that a logout token is about; answers their ids by user.

    They are held in the one order in which everybody does who ends several, so that none waits for the other in turn.
    """
    query = (
        select(SESSION.c.id, SESSION.c.user_id)
        .join(OIDC_SESSION, OIDC_SESSION.c.session_id == SESSION.c.id)
        .where(*_of(provider), _meant(token))
        .order_by(SESSION.c.id)
        .with_for_update(of=SESSION)
    )
    ended: dict[str, list[str]] = {}
    for session_id, user_id in connection.execute(query):
        ended.setdefault(str(user_id), []).append(str(session_id))
    connection.execute(delete(SESSION).where(SESSION.c.id.in_([each for ids in ended.values() for each in ids])))
    return ended


def _of(provider: Provider) -> tuple[ColumnElement[bool], ...]:
    # By name and issuer: the operator may let the name mean another provider, whose subjects are other people.
    return OIDC_SESSION.c.provider == provider.name, OIDC_SESSION.c.issuer == provider.issuer


def _meant(token: LogoutToken) -> ColumnElement[bool]:
    """Both must be right if both are named. A session whose ``sid`` was never told is known by its user only."""
    subject, sid = OIDC_SESSION.c.subject == token.subject, OIDC_SESSION.c.sid == token.sid
    if token.sid is None:
        return subject
    return sid if token.subject is None else and_(subject, or_(sid, OIDC_SESSION.c.sid.is_(None)))
