"""Users as those see them who administer accounts: how they sign in and what roles they have, never a secret."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Select, String, Table, cast, exists, func, or_, select

from xrm_core.auth import people
from xrm_core.auth.one_time import Purpose
from xrm_core.errors import BadQuery
from xrm_core.metadata.model import ACTIVE, EMAIL
from xrm_core.records.pages import page_of, page_size
from xrm_core.storage.columns import Flag
from xrm_core.storage.folded_sql import folded
from xrm_core.storage.folding import fold_accents
from xrm_core.storage.system import IDENTITY, ONE_TIME_TOKEN, PASSKEY, PASSWORD, SESSION, TOKEN, TOTP, USER_ROLE

NAMES = ("first_name", "last_name", people.LANGUAGE)
"""Fields that are shown and set beside the address, if the entity has them."""

_MOST_TEXT = 200
_OF_TOKENS = ("id", "label", "created_at", "expires_at", "last_used_at", "last_used_from")


def page(
    connection: Connection, users: Table, where: Mapping[str, Any] | None, first: int | None, after: str | None
) -> dict[str, Any]:
    """Users, the newest first, in the shape of GraphQL's type ``UserAccountConnection``.

    Args:
        connection: where to look.
        users: the table of the entity ``user``.
        where: ``search`` (a part of address or name), ``role``, ``active``, ``invited``; None: all.
        first: at most so many.
        after: id of a user; only those that come after.

    Raises:
        BadQuery: an argument is not understood.
    """
    limit = page_size(first)
    query = _chosen(connection, users, where or {})
    if after is not None:
        query = query.where(users.c.id < known_id(after))
    rows = connection.execute(query.order_by(users.c.id.desc()).limit(limit + 1)).all()
    return page_of(_shown(connection, users, rows[:limit]), more=len(rows) > limit, after=after)


def one(connection: Connection, users: Table, user_id: str) -> dict[str, Any] | None:
    """A user in the shape of GraphQL's type ``UserAccount``; None if there is none."""
    rows = connection.execute(_columns(users).where(users.c.id == user_id)).all()
    return _shown(connection, users, rows)[0] if rows else None


def known_id(text: str) -> str:
    """An id as it is stored. Raises BadQuery: it is none."""
    try:
        return str(UUID(text))
    except ValueError:
        raise BadQuery("This is not the id of a user.", hint="«userAccounts» lists them.") from None


def known_token(text: str) -> str:
    """The id of a token as it is stored. Raises BadQuery: it is none."""
    try:
        return str(UUID(text))
    except ValueError:
        raise BadQuery("This is not the id of a token.", hint="«apiTokens» of a user lists them.") from None


def can_be_deactivated(users: Table) -> bool:
    """Whether the entity has a field ``active`` that says whether somebody may sign in."""
    return isinstance(column := users.c.get(ACTIVE), Column) and isinstance(column.type, Flag)


def _columns(users: Table) -> Select[Any]:
    return select(*(users.c[name] for name in ("id", EMAIL, ACTIVE, *NAMES) if name in users.c))


def _chosen(connection: Connection, users: Table, where: Mapping[str, Any]) -> Select[Any]:
    query, dialect = _columns(users), connection.dialect.name
    if search := (where.get("search") or "").strip():
        if len(search) > _MOST_TEXT:
            raise BadQuery(f"«search» has at most {_MOST_TEXT} characters.")
        part = fold_accents(search) or ""
        named = [users.c[name] for name in (EMAIL, "first_name", "last_name") if name in users.c]
        texts = (folded(dialect, cast(each, String), "CASE_AND_ACCENTS") for each in named)
        query = query.where(or_(*(each.contains(part, autoescape=True) for each in texts)))
    if (role := where.get("role")) is not None:
        held = select(USER_ROLE.c.user_id).where(USER_ROLE.c.role == role)
        query = query.where(users.c.id.in_(held))
    if (active := where.get("active")) is not None:
        condition = people.is_active(users)
        query = query.where(condition if active else ~condition)
    if (invited := where.get("invited")) is not None:
        waits = exists().where(ONE_TIME_TOKEN.c.user_id == users.c.id, *_open_invitation())
        query = query.where(waits if invited else ~waits)
    return query


def _open_invitation() -> tuple[Any, Any]:
    now = dt.datetime.now(dt.UTC)
    return ONE_TIME_TOKEN.c.purpose == Purpose.INVITATION.value, ONE_TIME_TOKEN.c.expires_at > now


def _shown(connection: Connection, users: Table, rows: Sequence[Any]) -> list[dict[str, Any]]:
    ids, now = [str(row.id) for row in rows], dt.datetime.now(dt.UTC)

    def of(table: Table, *columns: Any, **where: Any) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        query = select(table.c.user_id, *columns).where(table.c.user_id.in_(ids), *where.get("only", ()))
        for row in connection.execute(query):
            found.setdefault(str(row[0]), []).append(row)
        return found

    def count(table: Table, *only: Any) -> dict[str, int]:
        query = select(table.c.user_id, func.count()).where(table.c.user_id.in_(ids), *only).group_by(table.c.user_id)
        return {str(row[0]): int(row[1]) for row in connection.execute(query)}

    roles, identities = of(USER_ROLE, USER_ROLE.c.role), of(IDENTITY, *IDENTITY.c["issuer", "subject", "created_at"])
    invitations = of(ONE_TIME_TOKEN, ONE_TIME_TOKEN.c.created_at, ONE_TIME_TOKEN.c.expires_at, only=_open_invitation())
    passwords, passkeys = count(PASSWORD), count(PASSKEY)
    codes = count(TOTP, TOTP.c.confirmed_at.is_not(None))
    sessions = of(SESSION, SESSION.c.seen_at, SESSION.c.idle_seconds, only=(SESSION.c.expires_at > now,))
    valid = TOKEN.c.revoked_at.is_(None), or_(TOKEN.c.expires_at.is_(None), TOKEN.c.expires_at > now)
    tokens = of(TOKEN, *TOKEN.c[_OF_TOKENS], only=valid)
    has_active = can_be_deactivated(users)
    found = []
    for row in rows:
        id_, fields = str(row.id), row._mapping
        seen = [each.seen_at for each in sessions.get(id_, []) if _is_open(each, now)]
        invitation = next(iter(invitations.get(id_, [])), None)
        found.append(
            {
                "id": id_,
                "email": fields.get(EMAIL),
                "firstName": fields.get("first_name"),
                "lastName": fields.get("last_name"),
                "language": fields.get(people.LANGUAGE),
                "active": fields.get(ACTIVE) is not False if has_active else True,
                "roles": sorted(each.role for each in roles.get(id_, [])),
                "hasPassword": id_ in passwords,
                "hasTotp": id_ in codes,
                "passkeys": passkeys.get(id_, 0),
                "providers": sorted({each.issuer for each in identities.get(id_, [])}),
                "identities": [_identity(each) for each in sorted(identities.get(id_, []), key=_age)],
                "tokens": len(tokens.get(id_, [])),
                "apiTokens": [_token(each) for each in sorted(tokens.get(id_, []), key=_age)],
                "sessions": len(seen),
                "seenAt": max(seen, default=None),
                "invitation": invitation and {"createdAt": invitation.created_at, "expiresAt": invitation.expires_at},
            }
        )
    return found


def _age(row: Any) -> tuple[str, ...]:
    return row.created_at, *map(str, row)


def _identity(row: Any) -> dict[str, Any]:
    return {"issuer": row.issuer, "subject": row.subject, "createdAt": row.created_at}


def _token(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "label": row.label,
        "createdAt": row.created_at,
        "expiresAt": row.expires_at,
        "lastUsedAt": row.last_used_at,
        "lastUsedFrom": row.last_used_from,
    }


def _is_open(session: Any, now: dt.datetime) -> bool:
    return dt.datetime.fromisoformat(session.seen_at) + dt.timedelta(seconds=session.idle_seconds) > now
