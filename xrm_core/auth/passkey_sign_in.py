"""What an authenticator has signed → session. A passkey counts as both factors: it asks for a PIN or a finger."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table

from xrm_core.auth import attempts, devices, events, passkeys, people
from xrm_core.auth.attempts import Counter, Kind
from xrm_core.auth.passkey_challenges import Challenge, Challenges, Purpose, of_address
from xrm_core.auth.passkeys import Passkey
from xrm_core.auth.relying_party import NotVerified, RelyingParty, challenge_in
from xrm_core.auth.sessions import Lifetimes
from xrm_core.auth.sign_in import TIMEOUT, SignedIn, open_session, was_right
from xrm_core.errors import Unauthenticated
from xrm_core.storage.engines import Database


class PasskeyRefused(Unauthenticated):
    """The passkey does not sign anybody in; why not, and whether it is known at all, is not told."""

    code = "PASSKEY_REFUSED"


@dataclass(frozen=True)
class PasskeyAttempt:
    """What somebody sends to sign in by a passkey; the rest is as in :class:`~xrm_core.auth.sign_in.Attempt`."""

    answer: Mapping[str, Any] = field(repr=False)
    address: str | None = None
    device: str = "unknown"
    device_token: str | None = field(default=None, repr=False)
    cookie: bool = False
    former: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class PasskeySignIn:
    """Signs users in by passkeys. Blocking: call it from a worker thread."""

    party: RelyingParty
    challenges: Challenges
    lifetimes: Lifetimes

    def options(self, email: str | None) -> dict[str, Any]:
        """What the browser needs to ask an authenticator. Nobody looks whether there is a user with the address.

        Args:
            email: only this user's passkeys are then taken; None: anybody's.

        Raises:
            PasskeysNotConfigured: there are no passkeys here.
            SecretKeyNeeded: a challenge cannot be sealed.
        """
        self.party.require()
        whom = None if email is None else of_address(email)
        return self.party.request_options(self.challenges.make(Challenge(Purpose.SIGN_IN, whom)))

    def __call__(self, database: Database, users: Table, attempt: PasskeyAttempt) -> SignedIn:
        """Make a session of an attempt, which is counted before it is made.

        Args:
            database: has the users.
            users: the table of the entity ``user``.
            attempt: what was sent.

        Raises:
            PasskeyRefused: it signs nobody in.
            PasskeysNotConfigured, SecretKeyNeeded: there are no passkeys here.
            TooManyAttempts: it comes too early after wrong ones.
        """
        self.party.require()
        with database.read(TIMEOUT) as connection:
            passkey = passkeys.by_credential(connection, _credential_id(attempt.answer))
            counters = _counters(connection, passkey, attempt)
            attempts.require_free(connection, counters)
        challenge = challenge_in(attempt.answer)
        with database.begin(TIMEOUT) as connection:  # committed before anything is looked at: a failure uses it up, too
            attempts.count(connection, counters)
            begun = self.challenges.use(connection, challenge, Purpose.SIGN_IN)
        try:
            if begun is None or passkey is None:
                raise NotVerified("no such challenge or passkey")
            said = self.party.asserted(attempt.answer, challenge, passkey)
        except NotVerified as error:
            raise self._refused(database, attempt, passkey) from error
        with database.begin(TIMEOUT) as connection:
            people.hold(connection, users, [passkey.user_id])
            person = people.by_id(connection, users, passkey.user_id)
            if person is not None and begun.whom not in (None, of_address(person.email)):
                person = None  # it was for somebody else
            if person is not None and passkeys.note_use(connection, passkey, said.sign_count, backed_up=said.backed_up):
                was_right(connection, counters)
                return open_session(
                    connection,
                    self.lifetimes,
                    person,
                    cookie=attempt.cookie,
                    device=attempt.device,
                    address=attempt.address,
                    device_token=attempt.device_token,
                    former=attempt.former,
                    how={"passkey": passkey.id},
                )
        went_back = person is not None
        raise self._refused(database, attempt, passkey, said.sign_count if went_back else None)

    def _refused(
        self, database: Database, attempt: PasskeyAttempt, passkey: Passkey | None, sign_count: int | None = None
    ) -> PasskeyRefused:
        """The error, after the event. ``sign_count``: one that has not grown."""
        subject, details = (None, {}) if passkey is None else (passkey.user_id, {"passkey": passkey.id})
        with database.begin(TIMEOUT) as connection:
            if sign_count is not None and passkey is not None:
                known = passkeys.by_credential(connection, passkey.credential.id)
                if known is not None:
                    counts = {"known": known.credential.sign_count, "given": sign_count, "passkey": passkey.id}
                    event = events.Event.PASSKEY_COUNT_WENT_BACK
                    events.record(connection, event, subject=subject, address=attempt.address, details=counts)
            event = events.Event.SIGN_IN_FAILED
            more = {"wrong": "passkey", **details}
            events.record(connection, event, subject=subject, address=attempt.address, details=more)
        return PasskeyRefused(
            "This passkey does not sign you in here.",
            hint="Try again; if it stays so, sign in otherwise and register a passkey anew.",
        )


def _credential_id(answer: Mapping[str, Any]) -> str:
    given = answer.get("id")
    return given if isinstance(given, str) and given.isascii() and "\0" not in given else ""


def _counters(connection: Connection, passkey: Passkey | None, attempt: PasskeyAttempt) -> tuple[Counter, ...]:
    """By what an attempt counts. Not by account: nobody can guess what only an authenticator can sign."""
    if passkey is not None and devices.is_known(connection, attempt.device_token, passkey.user_id):
        return (Counter.of(Kind.DEVICE, f"{passkey.user_id} {attempt.device_token}"),)
    return (attempts.of_address(attempt.address),)
