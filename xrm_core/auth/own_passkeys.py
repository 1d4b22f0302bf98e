"""Passkeys that users register for themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from xrm_core.auth import events, passkey_challenges, passkeys
from xrm_core.auth.passkey_challenges import Challenge, Purpose
from xrm_core.auth.passkeys import Passkey
from xrm_core.auth.relying_party import NotVerified, RelyingParty, challenge_in
from xrm_core.auth.sessions import hold_session
from xrm_core.auth.sign_in import TIMEOUT
from xrm_core.errors import BadQuery, XrmError
from xrm_core.permissions.caller import User
from xrm_core.storage.engines import Database

_MAX_NAME = 100


class PasskeyNotTaken(XrmError):
    """What the browser has sent does not show that an authenticator has made a passkey for this user."""

    code = "PASSKEY_NOT_TAKEN"
    http_status = 422


@dataclass(frozen=True)
class OwnPasskeys:
    """Registers, lists and removes the passkeys of a caller. ``party`` is what they are bound to."""

    party: RelyingParty

    def listed(self, connection: Connection, user_id: str) -> list[dict[str, Any]]:
        """All of them, the oldest first."""
        return [_shown(each) for each in passkeys.passkeys_of(connection, user_id)]

    def begin(self, connection: Connection, caller: User, user_id: str, name: str) -> dict[str, Any]:
        """What the browser needs to make one. Raises BadQuery: the user has too many."""
        registered = passkeys.passkeys_of(connection, user_id)
        _require_room(len(registered))
        purpose = Challenge(Purpose.REGISTRATION, user_id, caller.session)
        challenge = passkey_challenges.create(connection, purpose, f"user {user_id}")
        return self.party.creation_options(challenge, user_id, name, registered)

    def add(
        self,
        database: Database,
        caller: User,
        user_id: str,
        address: str | None,
        name: str,
        answer: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Keep what the browser has made.

        Raises:
            PasskeyNotTaken: it is not for the challenge that this session got, or is registered already.
            PasskeysNotConfigured: there are no passkeys here.
            BadQuery: it cannot be called so, or the user has too many.
        """
        self.party.require()
        name = _name(name)
        challenge = challenge_in(answer)
        with database.begin(TIMEOUT) as connection:
            begun = passkey_challenges.consume(connection, challenge, Purpose.REGISTRATION)
        try:
            if begun != Challenge(Purpose.REGISTRATION, user_id, caller.session):
                raise NotVerified("nobody's challenge, or somebody else's")
            credential = self.party.registered(answer, challenge)
        except NotVerified as error:
            raise _not_taken() from error
        with database.begin(TIMEOUT) as connection:
            if not hold_session(connection, user_id, caller.session):  # it would outlive what has ended the session
                raise _not_taken()
            _require_room(passkeys.count_of(connection, user_id))
            made = passkeys.add(connection, user_id, name, credential)
            if made is None:
                raise _not_taken()
            details = {"passkey": made.id, "name": name, "aaguid": credential.aaguid}
            event = events.Event.PASSKEY_ADDED
            events.record(connection, event, user_id=user_id, subject=user_id, address=address, details=details)
            return _shown(made)

    def rename(self, connection: Connection, user_id: str, id_: str, name: str) -> bool:
        """Call one otherwise. Raises BadQuery: it cannot be called so."""
        name, known = _name(name), _uuid(id_)
        return known is not None and passkeys.rename(connection, user_id, known, name)

    def remove(self, connection: Connection, user_id: str, id_: str, address: str | None) -> bool:
        """Remove one; False if there is none with this id."""
        known = _uuid(id_)
        if known is None or not passkeys.remove(connection, user_id, known):
            return False
        event, details = events.Event.PASSKEY_REMOVED, {"passkey": known}
        events.record(connection, event, user_id=user_id, subject=user_id, address=address, details=details)
        return True


def _require_room(count: int) -> None:
    if count >= passkeys.MOST:
        raise BadQuery(f"You have {passkeys.MOST} passkeys already.", hint="Remove one first.")


def _name(name: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= _MAX_NAME or "\0" in name or name.encode("utf-8", "replace").decode() != name:
        raise BadQuery(f"The name of a passkey has 1 to {_MAX_NAME} characters.")
    return name


def _uuid(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None


def _not_taken() -> PasskeyNotTaken:
    return PasskeyNotTaken(
        "The passkey could not be registered.",
        hint="Begin again by enrolPasskey, in the same session and within five minutes; "
        "a passkey that is registered is not taken twice.",
    )


def _shown(passkey: Passkey) -> dict[str, Any]:
    return {
        "id": passkey.id,
        "name": passkey.name,
        "createdAt": passkey.created_at,
        "lastUsedAt": passkey.last_used_at,
        "backedUp": passkey.credential.backed_up,
        "aaguid": passkey.credential.aaguid,
        "transports": list(passkey.credential.transports),
    }
