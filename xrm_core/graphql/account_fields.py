"""Root fields about whoever asks: ``me``, and changes of one's own password, second factor and sessions.

Everybody has them, whatever their roles allow. What they do stands outside this room, behind :class:`OwnAccount`.
"""

from typing import Any, Protocol

import strawberry

from xrm_core.graphql import builder
from xrm_core.graphql.builder import Argument, ObjectType
from xrm_core.graphql.job_fields import JobAdministration
from xrm_core.graphql.meanings import AccountField, AccountPart
from xrm_core.graphql.message_fields import MessageAdministration
from xrm_core.graphql.scalars import DateTime, Json
from xrm_core.graphql.types import Types
from xrm_core.graphql.user_fields import UserAdministration
from xrm_core.graphql.webhook_fields import WebhookAdministration
from xrm_core.graphql.workflow_fields import WorkflowAdministration
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import LOG, Action

MAX_DAYS = 366
"""So long is a token valid that somebody makes for themselves, at most."""

_PARTS: dict[str, AccountPart] = {
    "me": "me",
    "changePassword": "change_password",
    "enrolTotp": "enrol_totp",
    "confirmTotp": "confirm_totp",
    "renewRecoveryCodes": "renew_recovery_codes",
    "disableTotp": "disable_totp",
    "enrolPasskey": "enrol_passkey",
    "confirmPasskey": "confirm_passkey",
    "renamePasskey": "rename_passkey",
    "removePasskey": "remove_passkey",
    "endSession": "end_session",
    "createToken": "create_token",
    "revokeToken": "revoke_token",
    "authEvents": "auth_events",
    "readLog": "read_log",
}


class OwnAccount(Protocol):
    """Sees and changes the account of a caller; those of others are behind ``users``. Blocking.

    Answers have the shape of the GraphQL types below; ``address`` is that of the client, if it is known.
    """

    @property
    def users(self) -> UserAdministration:
        """What those ask for who administer the accounts of others."""

    @property
    def jobs(self) -> JobAdministration:
        """Jobs, as far as a caller may see them."""

    @property
    def webhooks(self) -> WebhookAdministration:
        """Webhooks, as far as a caller may see them."""

    @property
    def messages(self) -> MessageAdministration:
        """The outbox, as far as a caller may see it."""

    @property
    def workflows(self) -> WorkflowAdministration:
        """Workflows, as far as a caller may see them."""

    def me(self, caller: User) -> dict[str, Any] | None:
        """The account; None if the caller is no user."""

    def change_password(self, caller: User, address: str | None, current: str, new: str) -> bool:
        """Change the password. Raises PasswordWrong, PasswordRefused, TooManyAttempts."""

    def enrol_totp(self, caller: User, address: str | None, password: str) -> dict[str, Any]:
        """Begin with a second factor. Raises PasswordWrong, TooManyAttempts, SecretKeyNeeded, BadQuery."""

    def confirm_totp(self, caller: User, address: str | None, code: str) -> list[str]:
        """Let it count; answers recovery codes. Raises CodeWrong, TooManyAttempts, SecretKeyNeeded, BadQuery."""

    def renew_recovery_codes(self, caller: User, address: str | None, password: str) -> list[str]:
        """New recovery codes in place of the old. Raises PasswordWrong, TooManyAttempts, BadQuery."""

    def disable_totp(self, caller: User, address: str | None, password: str) -> bool:
        """Do without. Raises PasswordWrong, TooManyAttempts."""

    def enrol_passkey(self, caller: User, address: str | None, password: str) -> dict[str, Any]:
        """Begin with a passkey. Raises PasswordWrong, TooManyAttempts, PasskeysNotConfigured, BadQuery."""

    def confirm_passkey(
        self, caller: User, address: str | None, name: str, credential: dict[str, Any]
    ) -> dict[str, Any]:
        """Keep it. Raises PasskeyNotTaken, PasskeysNotConfigured, BadQuery."""

    def rename_passkey(self, caller: User, address: str | None, id: str, name: str) -> bool:
        """Call it otherwise; False if the caller has none with this id. Raises BadQuery."""

    def remove_passkey(self, caller: User, address: str | None, id: str, password: str) -> bool:
        """Remove it; False if the caller has none with this id. Raises PasswordWrong, TooManyAttempts."""

    def end_session(self, caller: User, address: str | None, id: str) -> bool:
        """End a session; False if the caller has none with this id."""

    def create_token(
        self,
        caller: User,
        address: str | None,
        label: str,
        days: int | None = None,
        roles: list[str] | None = None,
        only: list[str] | None = None,
        networks: list[str] | None = None,
    ) -> dict[str, Any]:
        """Make an API token. Raises BadQuery: it would be wider than what the caller holds."""

    def revoke_token(self, caller: User, address: str | None, id: str) -> bool:
        """End an API token; False if the caller has none with this id."""

    def auth_events(self, caller: User, address: str | None, **asked: Any) -> list[dict[str, Any]]:
        """What happened to all accounts, for those who may read the log. Raises Forbidden."""

    def read_log(self, caller: User, address: str | None, **asked: Any) -> list[dict[str, Any]]:
        """Who read which record, for those who may read the log. Raises Forbidden."""


def add_account_fields(types: Types) -> None:
    """The fields."""
    session = builder.object_type("MySession", "A session in which you are signed in.")
    builder.add(session, "id", strawberry.ID)
    builder.add(session, "device", str, "From what.")
    for name, text in (
        ("createdAt", "When you signed in."),
        ("seenAt", "When it was last used, to the minute."),
        ("expiresAt", "When it ends in any case."),
    ):
        builder.add(session, name, DateTime, text)
    builder.add(session, "address", str | None, "From where.")
    builder.add(session, "current", bool, "Whether this request belongs to it.")
    totp = builder.object_type("MyTotp", "Your second factor.")
    builder.add(totp, "enabled", bool, "Whether you need a code to sign in.")
    builder.add(totp, "recoveryCodesLeft", int)
    me = builder.object_type("Me", "Your account.")
    builder.add(me, "id", strawberry.ID, "Id of your record of the entity user.")
    builder.add(me, "email", str | None)
    builder.add(me, "roles", builder.list_of(str))
    builder.add(
        me, "sessions", builder.list_of(session), "Where you are signed in, the one used last first; empty for tokens."
    )
    builder.add(me, "totp", totp)
    passkey = _passkey()
    builder.add(me, "passkeys", builder.list_of(passkey), "Your passkeys, the oldest first.")
    token = _token()
    builder.add(me, "tokens", builder.list_of(token), "Your API tokens, the oldest first.")
    enrolment = builder.object_type("TotpEnrolment", "What an authenticator app needs.")
    builder.add(enrolment, "key", str, "To type in; it can never be read again.")
    builder.add(enrolment, "uri", str, "The same for the camera, as the text of a QR code.")
    types.know(session, totp, me, enrolment, token, passkey)

    def field(owner: Any, name: str, type_: Any, description: str, *arguments: Argument) -> None:
        builder.add(owner, name, type_, description, arguments)
        types.meanings.add(owner.name, name, AccountField(_PARTS[name]))

    password = Argument("password", str, "Your password, once more.")
    field(types.query, "me", builder.optional(me), "Your account; null for a token that belongs to nobody.")
    change = types.mutation
    field(
        change,
        "changePassword",
        bool,
        "Change your password. All of your sessions end, this one too.",
        Argument("current", str, "The password that you have."),
        Argument("new", str, "The one that you shall have."),
    )
    text = "Begin with a second factor: an app that shows codes. It counts once it is confirmed."
    field(change, "enrolTotp", enrolment, text, password)
    text = "Confirm the second factor by a code of the app; answers ten recovery codes, this once."
    field(change, "confirmTotp", builder.list_of(str), text, Argument("code", str, "As the app shows it now."))
    text = "Get ten new recovery codes, this once; those before are void."
    field(change, "renewRecoveryCodes", builder.list_of(str), text, password)
    field(change, "disableTotp", bool, "Sign in without a second factor again.", password)
    text = "Begin with a passkey: answers what navigator.credentials.create takes as publicKey, good for five minutes."
    field(change, "enrolPasskey", Json, text, password)
    named = Argument("name", str, "By which you know it.")
    field(
        change,
        "confirmPasskey",
        passkey,
        "Keep the passkey that the browser has made.",
        named,
        Argument("credential", Json, "The credential, as its toJSON() tells it."),
    )
    text = "Give one of your passkeys another name; false if you have none with this id."
    field(change, "renamePasskey", bool, text, Argument("id", strawberry.ID), named)
    text = "Remove one of your passkeys; false if you have none with this id."
    field(change, "removePasskey", bool, text, Argument("id", strawberry.ID), password)
    text = "End one of your sessions; false if you have none with this id."
    field(change, "endSession", bool, text, Argument("id", strawberry.ID))
    if types.access.personal:
        made = builder.object_type("NewToken", "A token that was just made.")
        builder.add(made, "token", str, "The token itself; it can never be read again.")
        builder.add(made, "details", token)
        types.know(made)
        field(
            change,
            "createToken",
            made,
            "Make an API token for yourself. It may never do more than you may.",
            Argument("label", str, "What it is for."),
            Argument("days", int | None, f"Days that it is valid, at most {MAX_DAYS}; 90 if left out."),
            Argument("roles", builder.optional(builder.list_of(str)), "Only these of your roles."),
            Argument("only", builder.optional(builder.list_of(str)), "Only this, as customer:read,update or *:read."),
            Argument("networks", builder.optional(builder.list_of(str)), "Only from these networks or addresses."),
        )
        text = "End one of your API tokens; false if you have none with this id."
        field(change, "revokeToken", bool, text, Argument("id", strawberry.ID))
    if types.access.may(LOG, Action.READ):
        event = _event()
        types.know(event)
        field(
            types.query,
            "authEvents",
            builder.list_of(event),
            "What happened to accounts and rights, the newest first.",
            Argument("first", int | None, "At most so many; 50 if left out, 1000 at most."),
            Argument("before", builder.optional(strawberry.ID), "Id of an event; only older ones."),
            Argument("user", builder.optional(strawberry.ID), "Only what this user did, or what is about them."),
            Argument("event", str | None, "Only events of this kind."),
            Argument("since", builder.optional(DateTime), "Only from this moment on."),
        )
        read = _read()
        types.know(read)
        field(
            types.query,
            "readLog",
            builder.list_of(read),
            "Who read which record of entities whose reads are kept, the newest first.",
            Argument("first", int | None, "At most so many; 50 if left out, 200 at most."),
            Argument("before", builder.optional(strawberry.ID), "Id of a line; only older ones."),
            Argument("record", builder.optional(strawberry.ID), "Only reads that showed the record with this id."),
            Argument("entity", str | None, "Only reads of this entity, as its file calls it."),
            Argument("user", builder.optional(strawberry.ID), "Only what this user read."),
            Argument("since", builder.optional(DateTime), "Only from this moment on."),
        )


def _passkey() -> ObjectType:
    passkey = builder.object_type("MyPasskey", "One of your passkeys.")
    builder.add(passkey, "id", strawberry.ID)
    builder.add(passkey, "name", str, "By which you know it.")
    builder.add(passkey, "createdAt", DateTime)
    builder.add(passkey, "lastUsedAt", builder.optional(DateTime), "When you last signed in by it.")
    builder.add(passkey, "backedUp", bool, "Whether it is on more devices than one.")
    builder.add(passkey, "aaguid", str, "The kind of authenticator; zeros: it does not say.")
    builder.add(passkey, "transports", builder.list_of(str), "How browsers reach it: internal, hybrid, usb …")
    return passkey


def _token() -> ObjectType:
    token = builder.object_type("MyToken", "One of your API tokens.")
    builder.add(token, "id", strawberry.ID)
    builder.add(token, "label", str, "What it is for.")
    builder.add(token, "createdAt", DateTime)
    for name, text in (("expiresAt", "When it ends."), ("lastUsedAt", "When it was last used, to the minute.")):
        builder.add(token, name, builder.optional(DateTime), text)
    builder.add(token, "lastUsedFrom", str | None, "From where.")
    for name, text in (
        ("roles", "Only these of your roles; null: all."),
        ("only", "Only this; null: all that you may."),
        ("networks", "Only from these networks; null: from everywhere."),
    ):
        builder.add(token, name, builder.optional(builder.list_of(str)), text)
    return token


def _event() -> ObjectType:
    event = builder.object_type("AuthEvent", "Something that happened to an account or to rights.")
    builder.add(event, "id", strawberry.ID)
    builder.add(event, "at", DateTime)
    builder.add(event, "event", str, "What: sign_in, token_created …")
    builder.add(event, "userId", builder.optional(strawberry.ID), "Who did it; null: a stranger, or the command line.")
    builder.add(event, "subject", str | None, "Whom or what it is about.")
    builder.add(event, "address", str | None, "From where.")
    builder.add(event, "details", Json, "More.")
    return event


def _read() -> ObjectType:
    read = builder.object_type("LoggedRead", "That somebody has read records.")
    builder.add(read, "id", strawberry.ID)
    builder.add(read, "at", DateTime)
    builder.add(read, "requestId", strawberry.ID, "The same for all that one request read.")
    builder.add(read, "userId", builder.optional(strawberry.ID), "Who; null: a service.")
    builder.add(read, "tokenId", builder.optional(strawberry.ID), "By which API token; null: in a session.")
    builder.add(read, "address", str | None, "From where.")
    builder.add(read, "entity", str, "Of what kind the records are.")
    builder.add(read, "fields", builder.list_of(str), "Which fields, by their names in entity files.")
    builder.add(read, "recordIds", builder.list_of(strawberry.ID), "The records that were shown.")
    return read
