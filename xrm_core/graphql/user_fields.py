"""Root fields about the accounts of all users, for roles that may see or change them.

What they do stands outside this room, behind :class:`UserAdministration`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import strawberry

from xrm_core.graphql import builder
from xrm_core.graphql.builder import Argument, ObjectType
from xrm_core.graphql.scalars import DateTime
from xrm_core.graphql.types import Types
from xrm_core.metadata.model import ACTIVE, EMAIL, USER
from xrm_core.metadata.types import FieldType
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import USERS, Action

_NAMED = {
    "firstName": ("first_name", "First name."),
    "lastName": ("last_name", "Last name."),
    "language": ("language", "In which they get mail, such as de."),
}


class UserAdministration(Protocol):
    """Sees and changes the accounts of all users, as far as a caller may. Blocking.

    Answers have the shape of the GraphQL types below. Those that change something raise Forbidden, NotFound, BadQuery,
    PermissionsChanged, and what is named.
    """

    def user_accounts(
        self,
        caller: User,
        address: str | None,
        where: Mapping[str, Any] | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> dict[str, Any]:
        """A page of users."""

    def user_account(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """A user; None if there is none."""

    def invite_user(
        self, caller: User, address: str | None, input: Mapping[str, Any], roles: Sequence[str]
    ) -> dict[str, Any]:
        """Make a user and an invitation. Raises SignInAgain, ValidationFailed, TooManyAttempts, Busy."""

    def renew_invitation(self, caller: User, address: str | None, id: str) -> dict[str, Any]:
        """Invite a user again. Raises SignInAgain, TooManyAttempts, Busy."""

    def withdraw_invitation(self, caller: User, address: str | None, id: str) -> bool:
        """Let the invitation of a user be void; False if there is none."""

    def update_user_account(
        self, caller: User, address: str | None, id: str, input: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Change address, name, language. Raises SignInAgain, ValidationFailed."""

    def set_user_roles(self, caller: User, address: str | None, id: str, roles: Sequence[str]) -> dict[str, Any] | None:
        """Let a user have exactly these roles. Raises SignInAgain, LastAdministrator."""

    def deactivate_user(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """Let a user in no more. Raises LastAdministrator."""

    def reactivate_user(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """Let a user in again. Raises SignInAgain."""

    def reset_user_password(self, caller: User, address: str | None, id: str) -> dict[str, Any]:
        """Offer a link for another password. Raises SignInAgain, TooManyAttempts, Busy."""

    def end_user_sessions(self, caller: User, address: str | None, id: str) -> int:
        """End all sessions of a user; answers how many."""

    def remove_user_second_factors(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """Take second factor and passkeys away. Raises SignInAgain, LastAdministrator."""

    def revoke_user_tokens(
        self, caller: User, address: str | None, id: str, tokens: Sequence[str] | None = None
    ) -> int:
        """End API tokens, all if none are named; answers how many."""

    def unlink_user_identity(self, caller: User, address: str | None, id: str, issuer: str, subject: str) -> bool:
        """Let an account of a provider not sign in any more; False if it did not. Raises LastAdministrator."""


def add_user_fields(types: Types) -> None:
    """The fields, as far as the role has the right."""
    may = [action for action in (Action.READ, Action.UPDATE) if types.access.may(USERS, action)]
    fields = types.model[USER].fields if USER in types.model else {}
    if Action.READ not in may or EMAIL not in fields:
        return
    named = {name: text for name, (field_, text) in _NAMED.items() if field_ in fields}
    account = _account(types, named)
    chosen = builder.input_type("UserAccountFilter", "Only users for which all of this is so.")
    builder.add(chosen, "search", str | None, "This is a part of address or name, whatever the case and accents.")
    builder.add(chosen, "role", str | None, "They have this role.")
    builder.add(chosen, "active", bool | None, "They may sign in, or not.")
    builder.add(chosen, "invited", bool | None, "An invitation of theirs is open, or none is.")
    page = builder.object_type("UserAccountConnection", "A page of users.")
    builder.add(page, "nodes", builder.list_of(account))
    builder.add(page, "pageInfo", types.page_info)
    types.know(account, chosen, page)

    field = types.beside_records
    id_ = Argument("id", strawberry.ID, "Of the user.")
    field(
        types.query,
        "userAccounts",
        "user_accounts",
        page,
        "The accounts of all users, the newest first.",
        *builder.page_arguments(chosen),
    )
    text = "The account of a user; null if there is none."
    field(types.query, "userAccount", "user_account", builder.optional(account), text, id_)
    if Action.UPDATE in may:
        _add_changes(types, field, account, named, id_, has_active=_is_flag(fields.get(ACTIVE)))


def _add_changes(
    types: Types, field: Any, account: ObjectType, named: Mapping[str, str], id_: Argument, *, has_active: bool
) -> None:
    link = builder.object_type("UserLink", "A link by which a user sets a password.")
    builder.add(link, "user", account)
    builder.add(link, "mailed", bool, "Whether it goes to the user by mail.")
    builder.add(link, "token", str | None, "Of the link, this once, if there is no mail; else null.")
    invited = builder.input_type("InviteUserInput", "A user who is to come.")
    builder.add(invited, "email", str, "E-mail address, by which they sign in.")
    changes = builder.input_type("UserAccountInput", "What is changed; what is left out stays.")
    builder.add(changes, "email", str | None, "E-mail address, by which they sign in.")
    for name, text in named.items():
        for each in (invited, changes):
            builder.add(each, name, str | None, text)
    types.know(link, invited, changes)
    change, roles = (
        types.mutation,
        Argument("roles", builder.list_of(str), "Names; none may do more than you."),
    )
    text = "Make a user, who sets a password by a link that is good for seven days."
    field(change, "inviteUser", "invite_user", link, text, Argument("input", invited), roles)
    text = "Invite a user again who has no password yet; the link before is void."
    field(change, "renewInvitation", "renew_invitation", link, text, id_)
    text = "Let the invitation of a user be void; false if there is none."
    field(change, "withdrawInvitation", "withdraw_invitation", bool, text, id_)
    text = "Change the address, name or language of a user."
    field(change, "updateUserAccount", "update_user_account", account, text, id_, Argument("input", changes))
    text = "Let a user have exactly these roles."
    field(change, "setUserRoles", "set_user_roles", account, text, id_, roles)
    if has_active:
        text = "Let a user in no more: sessions end, tokens open nothing."
        field(change, "deactivateUser", "deactivate_user", account, text, id_)
        field(change, "reactivateUser", "reactivate_user", account, "Let a user in again.", id_)
    text = "Offer a user a link for another password, good for a day; until it is used nothing changes."
    field(change, "resetUserPassword", "reset_user_password", link, text, id_)
    text = "End all sessions of a user; answers how many there were."
    field(change, "endUserSessions", "end_user_sessions", int, text, id_)
    text = "Take second factor, recovery codes and passkeys from a user who has lost them; sessions end."
    field(change, "removeUserSecondFactors", "remove_user_second_factors", account, text, id_)
    text = "End API tokens of a user for good; answers how many."
    which = Argument("tokens", builder.optional(builder.list_of(strawberry.ID)), "Their ids; all if absent.")
    field(change, "revokeUserTokens", "revoke_user_tokens", int, text, id_, which)
    text = "Let an account of an OpenID provider not sign in as a user any more; false if it did not."
    account_there = (Argument("issuer", str, "The provider."), Argument("subject", str, "The account there."))
    field(change, "unlinkUserIdentity", "unlink_user_identity", bool, text, id_, *account_there)


def _account(types: Types, named: Mapping[str, str]) -> ObjectType:
    invitation = builder.object_type("UserInvitation", "A link that was offered and not used.")
    builder.add(invitation, "createdAt", DateTime)
    builder.add(invitation, "expiresAt", DateTime)
    token = builder.object_type("UserAccountToken", "An API token of a user that is valid.")
    builder.add(token, "id", strawberry.ID)
    builder.add(token, "label", str, "What it is for.")
    builder.add(token, "createdAt", DateTime)
    for name, text in (("expiresAt", "When it ends."), ("lastUsedAt", "When it was last used, to the minute.")):
        builder.add(token, name, builder.optional(DateTime), text)
    builder.add(token, "lastUsedFrom", str | None, "From where.")
    identity = builder.object_type("UserAccountIdentity", "An account of an OpenID provider that signs in as a user.")
    builder.add(identity, "issuer", str, "The provider.")
    builder.add(identity, "subject", str, "The account there.")
    builder.add(identity, "createdAt", DateTime, "Since when it does.")
    types.know(invitation, token, identity)
    found = builder.object_type("UserAccount", "How a user signs in, and with what roles.")
    builder.add(found, "id", strawberry.ID, "Id of the record of the entity user.")
    builder.add(found, "email", str | None)
    for name, text in named.items():
        builder.add(found, name, str | None, text)
    builder.add(found, "active", bool, "Whether they may sign in.")
    builder.add(found, "roles", builder.list_of(str))
    builder.add(found, "hasPassword", bool)
    builder.add(found, "hasTotp", bool, "Whether they have a second factor.")
    builder.add(found, "passkeys", int, "How many they have.")
    builder.add(found, "providers", builder.list_of(str), "Issuers of their accounts of OpenID providers.")
    builder.add(found, "identities", builder.list_of(identity), "These accounts, the oldest first.")
    builder.add(found, "tokens", int, "How many valid API tokens they have.")
    builder.add(found, "apiTokens", builder.list_of(token), "These tokens, the oldest first.")
    builder.add(found, "sessions", int, "In how many sessions they are signed in.")
    builder.add(found, "seenAt", builder.optional(DateTime), "When one of these was last used.")
    builder.add(found, "invitation", builder.optional(invitation), "The invitation that is open.")
    return found


def _is_flag(field: Any) -> bool:
    return field is not None and field.type is FieldType.BOOLEAN
