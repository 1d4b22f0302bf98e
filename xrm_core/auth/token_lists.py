"""Lists of tokens: what is told about them, which is never the tokens themselves."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from xrm_core.auth.tokens import TokenLimits, limits_of
from xrm_core.storage.system import TOKEN


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What a list of tokens shows. Times are RFC 3339 in UTC; None: never, or nobody. ``user_id`` None: a service's."""

    id: str
    user_id: str | None
    label: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    last_used_from: str | None
    created_by: str | None
    limits: TokenLimits


def tokens_of(connection: Connection, user_id: str | None = None) -> list[TokenInfo]:
    """The tokens of a user, or all: the oldest first, with those that were revoked, expired or lost their user."""
    query = select(TOKEN).order_by(TOKEN.c.id)
    if user_id is not None:
        query = query.where(TOKEN.c.user_id == user_id)
    return [
        TokenInfo(
            str(row.id),
            row.user_id,
            row.label,
            row.created_at,
            row.expires_at,
            row.revoked_at,
            row.last_used_at,
            row.last_used_from,
            row.created_by,
            limits_of(row),
        )
        for row in connection.execute(query)
    ]
