"""What users see and change of their own account. A password or a code that is asked for counts as an attempt."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Table

from xrm_core.auth import attempts, events, people, recovery_codes, sessions, totp
from xrm_core.auth.attempts import Counter, Kind
from xrm_core.auth.event_lists import listed, listed_reads
from xrm_core.auth.own_passkeys import OwnPasskeys
from xrm_core.auth.own_tokens import OwnTokens
from xrm_core.auth.passwords import Passwords, check_new
from xrm_core.auth.secret_box import SecretBox
from xrm_core.auth.sign_in import TIMEOUT
from xrm_core.auth.stored_passwords import is_unchanged, kept_hash, set_password
from xrm_core.errors import BadQuery, Forbidden, XrmError
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import LOG, Action
from xrm_core.storage.engines import Database

Result = TypeVar("Result")

DAYS_VALID = 90


class PasswordWrong(XrmError):
    """The password that was asked for once more is not the caller's."""

    code = "PASSWORD_WRONG"
    http_status = 422


class CodeWrong(XrmError):
    """The code is not the one that the app shows now, or was used already."""

    code = "CODE_WRONG"
    http_status = 422


@dataclass(frozen=True)
class OwnAccount:
    """The accounts of one database, each for its owner only. Blocking.

    Args:
        database: has the accounts.
        users: the table of the entity ``user``.
        passwords: checks and makes hashes.
        box: reads and encrypts secrets of second factors.
        tokens: makes, lists and revokes API tokens.
        passkeys: registers, lists and removes passkeys.
        changed: called when sessions or tokens have ended.
    """

    database: Database
    users: Table
    passwords: Passwords
    box: SecretBox
    tokens: OwnTokens
    passkeys: OwnPasskeys
    changed: Callable[[], None] = lambda: None

    def me(self, caller: User) -> dict[str, Any] | None:
        """The caller's account."""
        with self.database.read(TIMEOUT) as connection:
            person = None if caller.id is None else people.by_id(connection, self.users, caller.id)
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
                "totp": {
                    "enabled": totp.is_on(connection, person.id),
                    "recoveryCodesLeft": recovery_codes.codes_left(connection, person.id),
                },
            }

    def change_password(self, caller: User, address: str | None, current: str, new: str) -> bool:
        """Change the password; all sessions end.

        Raises:
            PasswordWrong, TooManyAttempts: nothing was changed.
            Forbidden: the caller has no session.
            PasswordRefused: the new one is no good.
        """
        user_id, kept = self._checked(caller, address, current)
        with self.database.read(TIMEOUT) as connection:
            person = people.by_id(connection, self.users, user_id)
        check_new(new, "" if person is None else person.email)
        made = self.passwords.hash(new)

        def change(connection: Connection) -> bool:
            set_password(connection, user_id, made, by=user_id, address=address)
            return True

        done = self._with_password(user_id, kept, change)
        self.changed()
        return done

    def enrol_totp(self, caller: User, address: str | None, password: str) -> dict[str, Any]:
        """Begin with a second factor.

        Raises:
            PasswordWrong, TooManyAttempts, SecretKeyNeeded, BadQuery: nothing was changed.
            Forbidden: the caller has no session.
        """
        user_id, kept = self._checked(caller, address, password)

        def enrol(connection: Connection) -> dict[str, Any]:
            person = people.by_id(connection, self.users, user_id)
            name = person.email if person is not None else ""
            secret, uri = totp.enrol(connection, self.box, user_id, name or user_id)
            return {"key": secret, "uri": uri}

        return self._with_password(user_id, kept, enrol)

    def confirm_totp(self, caller: User, address: str | None, code: str) -> list[str]:
        """Let the second factor count; answers recovery codes.

        Raises:
            CodeWrong, TooManyAttempts, SecretKeyNeeded, BadQuery: nothing was changed.
            Forbidden: the caller has no session.
        """
        user_id = _user(caller)
        counter = Counter.of(Kind.CODE, f"own {user_id}")
        with self.database.begin(TIMEOUT) as connection:
            attempts.count(connection, [counter])
        with self.database.begin(TIMEOUT) as connection:
            codes = totp.confirm(connection, self.box, user_id, code)
            if codes is not None:
                attempts.forget(connection, counter)
                _record(connection, events.Event.TOTP_ENABLED, user_id, address)
                return codes
        raise CodeWrong("The code is not the one that the app shows now.", hint="Enter the one that it shows next.")

    def renew_recovery_codes(self, caller: User, address: str | None, password: str) -> list[str]:
        """New recovery codes in place of the old.

        Raises:
            PasswordWrong, TooManyAttempts, BadQuery: nothing was changed.
            Forbidden: the caller has no session.
        """
        user_id, kept = self._checked(caller, address, password)

        def renew(connection: Connection) -> list[str]:
            if not totp.is_on(connection, user_id):
                raise BadQuery("There is no second factor, so there are no recovery codes.", hint="Enrol one first.")
            _record(connection, events.Event.TOTP_ENABLED, user_id, address, recovery_codes="renewed")
            return recovery_codes.make_codes(connection, user_id)

        return self._with_password(user_id, kept, renew)

    def disable_totp(self, caller: User, address: str | None, password: str) -> bool:
        """Do without a second factor; false if there was none.

        Raises:
            PasswordWrong, TooManyAttempts: nothing was changed.
            Forbidden: the caller has no session.
        """
        user_id, kept = self._checked(caller, address, password)

        def disable(connection: Connection) -> bool:
            gone = totp.disable(connection, user_id)
            if gone:
                _record(connection, events.Event.TOTP_DISABLED, user_id, address)
            return gone

        return self._with_password(user_id, kept, disable)

    def enrol_passkey(self, caller: User, address: str | None, password: str) -> dict[str, Any]:
        """Begin with a passkey; answers what the browser's authenticator needs.

        Raises:
            PasswordWrong, TooManyAttempts, PasskeysNotConfigured, BadQuery: nothing was changed.
            Forbidden: the caller has no session.
        """
        self.passkeys.party.require()
        user_id, kept = self._checked(caller, address, password)

        def enrol(connection: Connection) -> dict[str, Any]:
            person = people.by_id(connection, self.users, user_id)
            name = person.email if person is not None else ""
            return self.passkeys.begin(connection, caller, user_id, name or user_id)

        return self._with_password(user_id, kept, enrol)

    def confirm_passkey(
        self, caller: User, address: str | None, name: str, credential: dict[str, Any]
    ) -> dict[str, Any]:
        """Keep the passkey that the authenticator has made.

        Raises:
            PasskeyNotTaken, PasskeysNotConfigured, BadQuery: nothing was changed.
            Forbidden: the caller has no session.
        """
        return self.passkeys.add(self.database, caller, _user(caller), address, name, credential)

    def rename_passkey(self, caller: User, address: str | None, id: str, name: str) -> bool:  # noqa: ARG002
        """Give one of the caller's passkeys another name; false if there is none with this id.

        Raises:
            BadQuery: it cannot be called so.
            Forbidden: the caller has no session.
        """
        user_id = _user(caller)
        with self.database.begin(TIMEOUT) as connection:
            return self.passkeys.rename(connection, user_id, id, name)

    def remove_passkey(self, caller: User, address: str | None, id: str, password: str) -> bool:
        """Remove one of the caller's passkeys; false if there is none with this id.

        Raises:
            PasswordWrong, TooManyAttempts: nothing was changed.
            Forbidden: the caller has no session.
        """
        user_id, kept = self._checked(caller, address, password)
        return self._with_password(
            user_id, kept, lambda connection: self.passkeys.remove(connection, user_id, id, address)
        )

    def end_session(self, caller: User, address: str | None, id: str) -> bool:
        """End one of the caller's sessions; false if there is none with this id."""
        user_id = _user(caller)
        try:
            session_id = str(UUID(id))
        except ValueError:
            return False
        with self.database.begin(TIMEOUT) as connection:
            ended = sessions.end_session(connection, user_id, session_id)
            if ended:
                _record(connection, events.Event.SESSION_ENDED, user_id, address, session=session_id)
        self.changed()
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
            Forbidden: the caller has no session.
        """
        user_id = _user(caller)
        with self.database.begin(TIMEOUT) as connection:
            return self.tokens.create(
                connection,
                caller,
                user_id,
                address,
                label=label,
                days=DAYS_VALID if days is None else days,
                roles=roles,
                only=only,
                networks=networks,
            )

    def revoke_token(self, caller: User, address: str | None, id: str) -> bool:
        """End one of the caller's tokens; false if there is none with this id.

        Raises:
            Forbidden: the caller has no session.
        """
        user_id = _user(caller)
        with self.database.begin(TIMEOUT) as connection:
            ended = self.tokens.revoke(connection, user_id, id, address)
        self.changed()
        return ended

    def auth_events(self, caller: User, address: str | None, **asked: Any) -> list[dict[str, Any]]:  # noqa: ARG002
        """What happened to all accounts, the newest first; ``asked`` as in :func:`~xrm_core.auth.event_lists.listed`.

        Raises:
            Forbidden: the caller may not read the log.
            BadQuery: an argument is not understood.
        """
        if not caller.access.may(LOG, Action.READ):
            raise Forbidden("You may not read the log.")
        with self.database.read(TIMEOUT) as connection:
            return listed(connection, self.users, **asked)

    def read_log(self, caller: User, address: str | None, **asked: Any) -> list[dict[str, Any]]:  # noqa: ARG002
        """Who read which record, the newest first; ``asked`` as in :func:`~xrm_core.auth.event_lists.listed_reads`.

        Raises:
            Forbidden: the caller may not read the log.
            BadQuery: an argument is not understood.
        """
        if not caller.access.may(LOG, Action.READ):
            raise Forbidden("You may not read the log.")
        with self.database.read(TIMEOUT) as connection:
            return listed_reads(connection, **asked)

    def _checked(self, caller: User, address: str | None, password: str) -> tuple[str, str]:
        """Id of the caller and hash of the password, if this is it. The attempt is counted before it is made."""
        user_id = _user(caller)
        counter = Counter.of(Kind.DEVICE, f"own {user_id}")
        with self.database.begin(TIMEOUT) as connection:
            attempts.count(connection, [counter])
            kept = kept_hash(connection, user_id)
        right, _ = self.passwords.verify(password, kept)
        with self.database.begin(TIMEOUT) as connection:
            if right and kept is not None:
                attempts.forget(connection, counter)
                return user_id, kept
            _record(connection, events.Event.SIGN_IN_FAILED, user_id, address, wrong="password asked once more")
        raise _wrong()

    def _with_password(self, user_id: str, kept: str, change: Callable[[Connection], Result]) -> Result:
        """Do something in a transaction in which the password is still the one that was checked."""
        with self.database.begin(TIMEOUT) as connection:
            if not is_unchanged(connection, user_id, kept):
                raise _wrong()
            return change(connection)


def _user(caller: User) -> str:
    """The id of a caller who is signed in by a session: a token that got lost must not be able to change an account."""
    if caller.id is None or caller.session is None:
        raise Forbidden("An API token cannot change an account.", hint="Sign in with e-mail address and password.")
    return caller.id


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


def _record(connection: Connection, event: events.Event, user_id: str, address: str | None, **details: str) -> None:
    events.record(connection, event, user_id=user_id, subject=user_id, address=address, details=details)


def _wrong() -> PasswordWrong:
    return PasswordWrong("The password is not right.", hint="Enter the one by which you sign in.")
