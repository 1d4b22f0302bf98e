"""E-mail address and password → session. Each attempt is counted before it is made."""

from dataclasses import dataclass, field

from sqlalchemy import Connection, Table

from xrm_core.auth import attempts, devices, events, people
from xrm_core.auth.attempts import Counter, Kind
from xrm_core.auth.passwords import Passwords
from xrm_core.auth.people import Person
from xrm_core.auth.sessions import Lifetimes, SessionInfo, create_session
from xrm_core.auth.stored_passwords import is_unchanged, keep_better, kept_hash
from xrm_core.errors import Unauthenticated
from xrm_core.storage.engines import Database

TIMEOUT = 5.0
"""Seconds that a statement may take."""


class SignInFailed(Unauthenticated):
    """Address or password is wrong; which of them, and whether there is such a user, is not told."""

    code = "SIGN_IN_FAILED"


@dataclass(frozen=True)
class Attempt:
    """What somebody sends to sign in. ``device_token``: of a device that may be known; ``device``: its name."""

    email: str
    password: str = field(repr=False)
    address: str | None = None
    device: str = "unknown"
    device_token: str | None = field(default=None, repr=False)
    cookie: bool = False


@dataclass(frozen=True)
class SignedIn:
    """A new session with its token, and the token by which the device is known from now on."""

    person: Person
    session: SessionInfo
    token: str = field(repr=False)
    device_token: str = field(repr=False)


@dataclass(frozen=True)
class _Known:
    """What the database says of who wants to sign in; ``counters`` are those that the attempt counts by."""

    person: Person | None
    kept: str | None
    counters: tuple[Counter, ...]


@dataclass(frozen=True)
class SignIn:
    """Signs users in. Blocking: call it from a worker thread."""

    passwords: Passwords
    lifetimes: Lifetimes

    def __call__(self, database: Database, users: Table, attempt: Attempt) -> SignedIn:
        """Make a session of an attempt.

        Args:
            database: has the users.
            users: the table of the entity ``user``.
            attempt: what was sent.

        Raises:
            SignInFailed: it is wrong.
            TooManyAttempts: it comes too early after wrong ones.
        """
        with database.read(TIMEOUT) as connection:
            known = _look_up(connection, users, attempt)
            attempts.require_free(connection, known.counters)
        with database.begin(TIMEOUT) as connection:
            attempts.count(connection, known.counters)
        right, better = self.passwords.verify(attempt.password, known.kept)
        if right and known.person is not None and known.kept is not None:
            with database.begin(TIMEOUT) as connection:
                if is_unchanged(connection, known.person.id, known.kept):  # it may have changed meanwhile
                    if better is not None:
                        keep_better(connection, known.person.id, better)
                    return self._signed_in(connection, known.person, known.counters, attempt)
        with database.begin(TIMEOUT) as connection:
            event = events.Event.SIGN_IN_FAILED
            events.record(connection, event, subject=attempt.email, address=attempt.address)
        raise _failed()

    def _signed_in(
        self, connection: Connection, person: Person, counters: tuple[Counter, ...], attempt: Attempt
    ) -> SignedIn:
        for each in counters:
            # Who has an account of their own must not wipe out by it what they have tried at others.
            attempts.take_back(connection, each) if each.kind is Kind.ADDRESS else attempts.forget(connection, each)
        token, session = create_session(
            connection,
            person.id,
            self.lifetimes,
            cookie=attempt.cookie,
            device=attempt.device,
            address=attempt.address,
        )
        device_token = devices.remember(connection, person.id, attempt.device_token)
        details = {"device": attempt.device, "session": session.id}
        event = events.Event.SIGN_IN
        events.record(connection, event, user_id=person.id, subject=person.id, address=attempt.address, details=details)
        return SignedIn(person, session, token, device_token)


def _look_up(connection: Connection, users: Table, attempt: Attempt) -> _Known:
    person = people.by_email(connection, users, attempt.email)
    user_id = "" if person is None else person.id
    kept = kept_hash(connection, user_id) if user_id else None
    if user_id and devices.is_known(connection, attempt.device_token, user_id):
        return _Known(person, kept, (Counter.of(Kind.DEVICE, f"{user_id} {attempt.device_token}"),))
    account = Counter.of(Kind.ACCOUNT, attempt.email.lower())
    return _Known(person, kept, (account, attempts.of_address(attempt.address)))


def _failed() -> SignInFailed:
    return SignInFailed(
        "E-mail address or password is not right.",
        hint="Enter both again. Who administers the users can give you a new password.",
    )
