"""Passkeys that users register for themselves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from xrm_core.auth import attempts, events, passkeys
from xrm_core.auth.attempts import Counter, Kind
from xrm_core.auth.own_changes import OwnChanges, Owner
from xrm_core.auth.passkey_challenges import Challenge, Challenges, Purpose
from xrm_core.auth.passkeys import Credential, Passkey
from xrm_core.auth.relying_party import NotVerified, RelyingParty, challenge_in
from xrm_core.auth.sign_in import TIMEOUT
from xrm_core.errors import BadQuery, Unauthenticated, XrmError

_MAX_NAME = 100


class PasskeyNotTaken(XrmError):
    """What the browser has sent does not show that an authenticator has made a passkey for this user."""

    code = "PASSKEY_NOT_TAKEN"
    http_status = 422


@dataclass(frozen=True)
class OwnPasskeys:
    """Registers, lists and removes the passkeys of a caller.

    Args:
        party: gives what they are bound to at the moment; host names come to tenants and go.
        challenges: makes what authenticators sign.
    """

    party: Callable[[], RelyingParty]
    challenges: Challenges

    def listed(self, connection: Connection, user_id: str) -> list[dict[str, Any]]:
        """All of them, the oldest first."""
        return [_shown(each) for each in passkeys.passkeys_of(connection, user_id)]

    def begin(self, connection: Connection, owner: Owner, name: str) -> dict[str, Any]:
        """What the browser needs to make one. Raises BadQuery, SecretKeyNeeded: the user has too many."""
        registered = passkeys.passkeys_of(connection, owner.user_id)
        _require_room(len(registered))
        challenge = self.challenges.make(Challenge(Purpose.REGISTRATION, owner.user_id, owner.session))
        return self.party().creation_options(challenge, owner.user_id, name, registered)

    def add(
        self, changes: OwnChanges, owner: Owner, address: str | None, name: str, answer: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Keep what the browser has made. What is refused is counted, and kept as an event.

        Raises:
            PasskeyNotTaken: it is not for the challenge that this session got, or is registered already.
            PasskeysNotConfigured: there are no passkeys here.
            Unauthenticated: the session has ended.
            TooManyAttempts: too much was refused a moment ago.
            BadQuery: it cannot be called so, or the user has too many.
        """
        party = self.party()
        party.require()
        name = _name(name)
        challenge, counter = challenge_in(answer), Counter.of(Kind.DEVICE, f"own passkey {owner.user_id}")
        with changes.database.begin(TIMEOUT) as connection:
            attempts.count(connection, [counter])
            begun = self.challenges.use(connection, challenge, Purpose.REGISTRATION)
        try:
            if begun != Challenge(Purpose.REGISTRATION, owner.user_id, owner.session):
                raise NotVerified("nobody's challenge, or somebody else's")
            credential = party.registered(answer, challenge)
            with changes.begin(owner) as connection:
                made = _kept(connection, owner.user_id, address, name, credential)
                attempts.forget(connection, counter)
                return _shown(made)
        except (NotVerified, Unauthenticated) as error:
            with changes.database.begin(TIMEOUT) as connection:
                who, event = {"user_id": owner.user_id, "subject": owner.user_id}, events.Event.PASSKEY_NOT_ADDED
                events.record(connection, event, **who, address=address, details={"reason": str(error)})
            if isinstance(error, Unauthenticated):
                raise
            raise _not_taken() from error

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


def _kept(connection: Connection, user_id: str, address: str | None, name: str, credential: Credential) -> Passkey:
    _require_room(passkeys.count_of(connection, user_id))
    made = passkeys.add(connection, user_id, name, credential)
    if made is None:
        raise NotVerified("registered already")
    details = {"passkey": made.id, "name": name, "aaguid": credential.aaguid}
    event = events.Event.PASSKEY_ADDED
    events.record(connection, event, user_id=user_id, subject=user_id, address=address, details=details)
    return made


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
