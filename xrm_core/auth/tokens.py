"""API tokens: made, found, revoked. Only a digest is stored, so a copy of the database opens nothing."""

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, Table, delete, insert, or_, select, update
from uuid_utils import uuid7

from xrm_core.auth.events import Event, record
from xrm_core.auth.networks import Network, networks_of
from xrm_core.permissions.token_scope import UNSCOPED, TokenScope, grants_of
from xrm_core.records.teams import team_column
from xrm_core.storage.columns import Flag
from xrm_core.storage.system import TOKEN, USER_ROLE

PREFIX = "xrm_"
"""Every token begins with it, so that secret scanners can find lost ones."""

NOTE_SECONDS = 60
"""How often it is noted at most that a token is used."""


@dataclass(frozen=True, slots=True)
class TokenLimits:
    """What a token is held to; None: to nothing.

    ``roles`` are some of its user's, or those of a service; ``grants`` are entity → actions, ``networks`` as
    :func:`~xrm_core.auth.networks.read_networks` gives them.
    """

    roles: Sequence[str] | None = None
    grants: Mapping[str, Sequence[str]] | None = None
    networks: Sequence[str] | None = None


UNLIMITED = TokenLimits()


def create_token(
    connection: Connection,
    user_id: str | None,
    label: str,
    *,
    expires_at: dt.datetime | None = None,
    limits: TokenLimits = UNLIMITED,
    created_by: str | None = None,
    address: str | None = None,
) -> str:
    """Make a token and return it; it can never be read again.

    Args:
        connection: in a write transaction.
        user_id: id of a user; None: of no person but of a service, which has just the roles of ``limits``.
        label: what it is for, for the list of tokens.
        expires_at: aware; None: never.
        limits: what it may at most.
        created_by: id of the user who makes it; None: the command line.
        address: from where.

    Raises:
        ValueError: a token of a service without roles.
    """
    if user_id is None and limits.roles is None:
        raise ValueError("a token of a service needs roles")
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
            roles=_text(limits.roles),
            grants=_text(limits.grants),
            networks=_text(limits.networks),
            created_by=created_by,
        )
    )
    details = {
        "label": label,
        "user": user_id,
        **{name: kept for name, kept in asdict(limits).items() if kept is not None},
    }
    record(connection, Event.TOKEN_CREATED, user_id=created_by, subject=token_id, address=address, details=details)
    return token


def revoke_token(
    connection: Connection, token_id: str, *, of: str | None = None, by: str | None = None, address: str | None = None
) -> bool:
    """End a token for good; False if there is none with this id that is not revoked already.

    Args:
        connection: in a write transaction.
        token_id: id of the token.
        of: id of a user; only if it is theirs. None: whosever it is.
        by: id of the user who does it; None: the command line.
        address: from where.
    """
    open_token = update(TOKEN).where(TOKEN.c.id == token_id, TOKEN.c.revoked_at.is_(None))
    if of is not None:
        open_token = open_token.where(TOKEN.c.user_id == of)
    revoked = open_token.values(revoked_at=dt.datetime.now(dt.UTC)).returning(TOKEN.c.label, TOKEN.c.user_id)
    row = connection.execute(revoked).first()
    if row is not None:
        details = {"label": row.label, "user": row.user_id}
        record(connection, Event.TOKEN_REVOKED, user_id=by, subject=token_id, address=address, details=details)
    return row is not None


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
    """Whose token it is: ids of the user and of the user's team, and the user's roles; and what the token is held to.

    ``user_id`` None: a service's. ``token_id`` and ``last_used_at`` are the token's.
    """

    user_id: str | None
    team_id: str | None
    roles: frozenset[str]
    scope: TokenScope = UNSCOPED
    networks: tuple[Network, ...] | None = None
    token_id: str = field(default="", compare=False)
    last_used_at: str | None = field(default=None, compare=False)


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
        select(TOKEN, team_column(users).label("team_id"))
        .select_from(TOKEN)
        .outerjoin(users, users.c.id == TOKEN.c.user_id)
        .where(TOKEN.c.token_hash == digest(token), TOKEN.c.revoked_at.is_(None))
        .where(or_(TOKEN.c.user_id.is_(None), users.c.id.is_not(None)))
    )
    if isinstance(active := users.c.get("active"), Column) and isinstance(active.type, Flag):
        query = query.where(or_(active.is_(None), active))
    row = connection.execute(query).first()
    if row is None or (row.expires_at and dt.datetime.fromisoformat(row.expires_at) <= dt.datetime.now(dt.UTC)):
        return None
    held = limits_of(row)
    networks, grants = networks_of(held.networks), grants_of(held.grants)
    if row.user_id is None:
        # With no roles in the scope, those that it has count in full.
        roles, scope = frozenset(held.roles or ()), TokenScope(None, grants, personal=False)
    else:
        asked = connection.execute(select(USER_ROLE.c.role).where(USER_ROLE.c.user_id == row.user_id)).scalars()
        roles = frozenset(asked)
        scoped = held.roles is not None or grants is not None or networks is not None
        scope = TokenScope(None if held.roles is None else frozenset(held.roles), grants, personal=not scoped)
    return Bearer(row.user_id, row.team_id, roles, scope, networks, str(row.id), row.last_used_at)


def limits_of(row: Any) -> TokenLimits:
    """What a row of the table of tokens holds its token to."""
    return TokenLimits(*(None if kept is None else json.loads(kept) for kept in (row.roles, row.grants, row.networks)))


def is_to_note(found: Bearer) -> bool:
    """Whether the last time that was noted is :data:`NOTE_SECONDS` ago."""
    if found.last_used_at is None:
        return True
    age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(found.last_used_at)
    return age >= dt.timedelta(seconds=NOTE_SECONDS)


def note_use(connection: Connection, token_id: str, address: str | None) -> None:
    """Note that a token was used now, if that was not noted by somebody else within :data:`NOTE_SECONDS`."""
    now = dt.datetime.now(dt.UTC)
    before = now - dt.timedelta(seconds=NOTE_SECONDS)
    unnoted = or_(TOKEN.c.last_used_at.is_(None), TOKEN.c.last_used_at <= before)
    noted = update(TOKEN).where(TOKEN.c.id == token_id, unnoted)
    connection.execute(noted.values(last_used_at=now, last_used_from=address))


def _text(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def digest(token: str) -> str:
    """What is stored of a token: SHA-256 in hex digits. Tokens are random, so no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
