"""What users see and change of their own account. A password or a code that is asked for counts as an attempt."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from xrm_core.auth import events, people, sessions
from xrm_core.auth.event_lists import listed, listed_reads
from xrm_core.auth.own_changes import OwnChanges, owner_of
from xrm_core.auth.own_passkeys import OwnPasskeys
from xrm_core.auth.own_tokens import OwnTokens
from xrm_core.auth.own_totp import OwnTotp
from xrm_core.auth.passwords import check_new
from xrm_core.auth.sign_in import TIMEOUT
from xrm_core.auth.stored_passwords import set_password
from xrm_core.auth.user_administration import UserAdministration
from xrm_core.errors import Forbidden
from xrm_core.events.webhook_administration import WebhookAdministration
from xrm_core.jobs.administration import JobAdministration
from xrm_core.messages.administration import MessageAdministration
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import LOG, Action
from xrm_core.workflows.administration import WorkflowAdministration


@dataclass(frozen=True)
class OwnAccount:
    """The accounts of one database, each for its owner only; but for ``users``. Blocking.

    Every change raises Forbidden for who has no session, and Unauthenticated where it has ended; one that asks for the
    password PasswordWrong and TooManyAttempts.

    Args:
        changes: the transactions in which they are changed.
        totp: second factors.
        tokens: makes, lists and revokes API tokens.
        passkeys: registers, lists and removes passkeys.
        users: what those ask for who administer the accounts of others.
        jobs: shows and changes jobs.
        webhooks: shows and changes webhooks.
        messages: shows and changes the outbox.
        workflows: shows workflows, and changes their runs.
    """

    changes: OwnChanges
    totp: OwnTotp
    tokens: OwnTokens
    passkeys: OwnPasskeys
    users: UserAdministration
    jobs: JobAdministration
    webhooks: WebhookAdministration
    messages: MessageAdministration
    workflows: WorkflowAdministration

    def me(self, caller: User) -> dict[str, Any] | None:
        """The caller's account."""
        with self.changes.database.read(TIMEOUT) as connection:
            person = None if caller.id is None else people.by_id(connection, self.changes.users, caller.id)
            if person is None:
                return None
            # Where somebody is signed in is for who is signed in so: neither for tokens nor for who views as them.
            mine = sessions.sessions_of(connection, person.id) if caller.session is not None else []
            return {
                "id": person.id,
                "email": person.email or None,
                "roles": sorted(people.roles_of(connection, person.id)),
                "tokens": self.tokens.listed(connection, person.id),
                "passkeys": self.passkeys.listed(connection, person.id),
                "sessions": [_shown(session, caller.session) for session in mine],
                "totp": self.totp.shown(connection, person.id),
            }

    def change_password(self, caller: User, address: str | None, current: str, new: str) -> bool:
        """Change the password; all sessions end. Raises PasswordRefused: the new one is no good."""
        owner = self.changes.proven(caller, address, current)
        with self.changes.database.read(TIMEOUT) as connection:
            person = people.by_id(connection, self.changes.users, owner.user_id)
        check_new(new, "" if person is None else person.email)
        made = self.changes.passwords.hash(new)
        with self.changes.begin(owner) as connection:
            set_password(connection, owner.user_id, made, by=owner.user_id, address=address)
        self.changes.changed()
        return True

    def enrol_totp(self, caller: User, address: str | None, password: str) -> dict[str, Any]:
        """Begin with a second factor; as :meth:`OwnTotp.enrol`."""
        return self.totp.enrol(caller, address, password)

    def confirm_totp(self, caller: User, address: str | None, code: str) -> list[str]:
        """Let the second factor count; as :meth:`OwnTotp.confirm`."""
        return self.totp.confirm(caller, address, code)

    def renew_recovery_codes(self, caller: User, address: str | None, password: str) -> list[str]:
        """New recovery codes in place of the old; as :meth:`OwnTotp.renew_codes`."""
        return self.totp.renew_codes(caller, address, password)

    def disable_totp(self, caller: User, address: str | None, password: str) -> bool:
        """Do without a second factor; False if there was none."""
        return self.totp.disable(caller, address, password)

    def enrol_passkey(self, caller: User, address: str | None, password: str) -> dict[str, Any]:
        """Begin with a passkey; answers what the browser's authenticator needs.

        Raises:
            PasskeysNotConfigured, BadQuery: there are none here, or the user has too many.
        """
        self.passkeys.party().require()
        owner = self.changes.proven(caller, address, password)
        with self.changes.begin(owner) as connection:
            person = people.by_id(connection, self.changes.users, owner.user_id)
            name = person.email if person is not None else ""
            return self.passkeys.begin(connection, owner, name or owner.user_id)

    def confirm_passkey(
        self, caller: User, address: str | None, name: str, credential: dict[str, Any]
    ) -> dict[str, Any]:
        """Keep the passkey that the authenticator has made; as :meth:`OwnPasskeys.add`."""
        return self.passkeys.add(self.changes, owner_of(caller), address, name, credential)

    def rename_passkey(self, caller: User, address: str | None, id: str, name: str) -> bool:  # noqa: ARG002
        """Give one of the caller's passkeys another name; False if there is none with this id.

        Raises:
            BadQuery: it cannot be called so.
        """
        owner = owner_of(caller)
        with self.changes.begin(owner) as connection:
            return self.passkeys.rename(connection, owner.user_id, id, name)

    def remove_passkey(self, caller: User, address: str | None, id: str, password: str) -> bool:
        """Remove one of the caller's passkeys; False if there is none with this id."""
        owner = self.changes.proven(caller, address, password)
        with self.changes.begin(owner) as connection:
            return self.passkeys.remove(connection, owner.user_id, id, address)

    def end_session(self, caller: User, address: str | None, id: str) -> bool:
        """End one of the caller's sessions; False if there is none with this id."""
        owner = owner_of(caller)
        try:
            session_id = str(UUID(id))
        except ValueError:
            return False
        with self.changes.begin(owner) as connection:
            ended = sessions.end_session(connection, owner.user_id, session_id)
            if ended:
                who, details = {"user_id": owner.user_id, "subject": owner.user_id}, {"session": session_id}
                events.record(connection, events.Event.SESSION_ENDED, **who, address=address, details=details)
        self.changes.changed()
        return ended

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
        """Make an API token, of which this once the text is told.

        Raises:
            BadQuery: it would be wider than what the caller holds, or something is not understood.
        """
        owner = owner_of(caller)
        with self.changes.begin(owner) as connection:
            return self.tokens.create(
                connection,
                caller,
                owner.user_id,
                address,
                label=label,
                days=days,
                roles=roles,
                only=only,
                networks=networks,
            )

    def revoke_token(self, caller: User, address: str | None, id: str) -> bool:
        """End one of the caller's tokens; False if there is none with this id."""
        owner = owner_of(caller)
        with self.changes.begin(owner) as connection:
            ended = self.tokens.revoke(connection, owner.user_id, id, address)
        self.changes.changed()
        return ended

    def auth_events(self, caller: User, address: str | None, **asked: Any) -> list[dict[str, Any]]:  # noqa: ARG002
        """What happened to all accounts, the newest first; ``asked`` as in :func:`~xrm_core.auth.event_lists.listed`.

        Raises:
            Forbidden: the caller may not read the log.
            BadQuery: an argument is not understood.
        """
        if not caller.access.may(LOG, Action.READ):
            raise Forbidden("You may not read the log.")
        with self.changes.database.read(TIMEOUT) as connection:
            return listed(connection, self.changes.users, **asked)

    def read_log(self, caller: User, address: str | None, **asked: Any) -> list[dict[str, Any]]:  # noqa: ARG002
        """Who read which record, the newest first; ``asked`` as in :func:`~xrm_core.auth.event_lists.listed_reads`.

        Raises:
            Forbidden: the caller may not read the log.
            BadQuery: an argument is not understood.
        """
        if not caller.access.may(LOG, Action.READ):
            raise Forbidden("You may not read the log.")
        with self.changes.database.read(TIMEOUT) as connection:
            return listed_reads(connection, **asked)


def _shown(session: sessions.SessionInfo, current: str | None) -> dict[str, Any]:
    return {
        "id": session.id,
        "device": session.device,
        "address": session.address,
        "createdAt": session.created_at,
        "seenAt": session.seen_at,
        "expiresAt": session.expires_at,
        "current": session.id == current,
    }
