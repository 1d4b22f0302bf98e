"""Tokens that users make for themselves: never wider than what they hold."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, or_, select

from xrm_core.auth import people, tokens
from xrm_core.auth.networks import read_networks
from xrm_core.auth.token_lists import TokenInfo, tokens_of
from xrm_core.auth.tokens import TokenLimits
from xrm_core.errors import BadQuery, SettingsError
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import ALL, OBJECTS, Action, is_action
from xrm_core.permissions.token_scope import read_grants
from xrm_core.storage.system import TOKEN

MAX_TOKENS = 100
"""Valid tokens that a user may have before they can make no more themselves."""

DAYS_VALID = 90
"""Of a token for which nobody says how many."""

MAX_DAYS = 366
"""The same as the description of the field says."""

_MAX_LABEL, _MAX_WORDS = 200, 200


@dataclass(frozen=True)
class OwnTokens:
    """Makes, lists and revokes the tokens of a caller. ``authority`` says what they hold."""

    authority: Authority

    def listed(self, connection: Connection, user_id: str) -> list[dict[str, Any]]:
        """Those that are not revoked, the oldest first."""
        return [_shown(each) for each in tokens_of(connection, user_id) if each.revoked_at is None]

    def create(
        self,
        connection: Connection,
        caller: User,
        user_id: str,
        address: str | None,
        *,
        label: str,
        days: int | None = None,
        roles: Sequence[str] | None = None,
        only: Sequence[str] | None = None,
        networks: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Make a token. ``days``: :data:`DAYS_VALID` if it is not said.

        Raises:
            BadQuery: it would be wider than what the caller holds, or something is not understood.
        """
        if not 0 < len(label.strip()) <= _MAX_LABEL:
            raise BadQuery(f"A label has 1 to {_MAX_LABEL} characters.")
        days = DAYS_VALID if days is None else days
        if not 1 <= days <= MAX_DAYS:
            raise BadQuery(f"A token is valid for 1 to {MAX_DAYS} days, not {days}.")
        if max(map(len, (roles or (), only or (), networks or ()))) > _MAX_WORDS:
            raise BadQuery(f"A list has at most {_MAX_WORDS} entries.")
        now = dt.datetime.now(dt.UTC)
        valid = TOKEN.c.revoked_at.is_(None), or_(TOKEN.c.expires_at.is_(None), TOKEN.c.expires_at > now)
        query = select(func.count()).select_from(TOKEN).where(TOKEN.c.user_id == user_id, *valid)
        if (connection.scalar(query) or 0) >= MAX_TOKENS:
            raise BadQuery(f"You have {MAX_TOKENS} tokens already.", hint="Revoke those that you do not need.")
        limits = TokenLimits(
            roles=None if roles is None else self._held(connection, user_id, roles),
            grants=None if only is None else self._granted(caller, only),
            networks=None if networks is None else _networks(networks),
        )
        text = tokens.create_token(
            connection,
            user_id,
            label.strip(),
            expires_at=now + dt.timedelta(days=days),
            limits=limits,
            created_by=user_id,
            address=address,
        )
        made = tokens_of(connection, user_id)[-1]
        return {"token": text, "details": _shown(made)}

    def revoke(self, connection: Connection, user_id: str, token_id: str, address: str | None) -> bool:
        """End one; False if the user has none with this id that is not revoked already."""
        try:
            id_ = str(UUID(token_id))
        except ValueError:
            return False
        return tokens.revoke_token(connection, id_, of=user_id, by=user_id, address=address)

    def _held(self, connection: Connection, user_id: str, roles: Sequence[str]) -> list[str]:
        held = self.authority.roles_within(people.roles_of(connection, user_id))
        if missing := sorted(set(roles) - held):
            raise BadQuery(f"You do not have the role {', '.join(missing)}.", hint="Leave it out.")
        return sorted(set(roles))

    def _granted(self, caller: User, only: Sequence[str]) -> dict[str, list[str]]:
        """The grants, each of which the caller has; what they may not see is unknown to them."""
        every = (*(entity.name for entity in self.authority.model), *OBJECTS)
        known = [name for name in every if any(caller.access.may(name, action) for action in Action)]
        try:
            grants = read_grants((self._spelt_out(caller, word, known) for word in only), known, objects=())
        except SettingsError as error:
            raise BadQuery(error.message, hint=error.hint) from None
        for name, actions in grants.items():
            held = caller.access.may_run(name) if is_action(name) else None
            missing = [each for each in actions if name != ALL and not (held or caller.access.may(name, Action(each)))]
            if missing:
                raise BadQuery(f"You may not {missing[0]} {name}, so no token of yours may.", hint="Leave it out.")
        return grants

    @staticmethod
    def _spelt_out(caller: User, word: str, known: Sequence[str]) -> str:
        """``customer:*`` as what the caller may do with customers."""
        name, _, actions = word.partition(":")
        if actions != ALL or name not in known:
            return word
        return f"{name}:{','.join(action for action in Action if caller.access.may(name, action))}"


def _networks(words: Sequence[str]) -> list[str]:
    try:
        return read_networks(words)
    except SettingsError as error:
        raise BadQuery(error.message, hint=error.hint) from None


def _shown(token: TokenInfo) -> dict[str, Any]:
    grants = token.limits.grants
    return {
        "id": token.id,
        "label": token.label,
        "createdAt": token.created_at,
        "expiresAt": token.expires_at,
        "lastUsedAt": token.last_used_at,
        "lastUsedFrom": token.last_used_from,
        "roles": token.limits.roles,
        "only": None if grants is None else [f"{name}:{','.join(actions)}" for name, actions in grants.items()],
        "networks": token.limits.networks,
    }
