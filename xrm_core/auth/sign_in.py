"""E-mail address, password and, for who has a second factor, its code → session.

All are sent together, so there is no state between them that could open anything. Each attempt is counted before it is
made.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection, Table

from xrm_core.auth import attempts, devices, events, notices, people, recovery_codes, totp
from xrm_core.auth.attempts import Counter, Kind
from xrm_core.auth.passwords import Passwords
from xrm_core.auth.people import Person
from xrm_core.auth.secret_box import SecretBox
from xrm_core.auth.sessions import Lifetimes, SessionInfo, create_session, end_replaced
from xrm_core.auth.stored_passwords import is_unchanged, keep_better, kept_hash
from xrm_core.errors import Unauthenticated
from xrm_core.storage.engines import Database

TIMEOUT = 5.0
"""Seconds that a statement may take."""

_NOBODY = str(UUID(int=0))


class SignInFailed(Unauthenticated):
    """Address or password is wrong; which of them, and whether there is such a user, is not told."""

    code = "SIGN_IN_FAILED"


class CodeRequired(Unauthenticated):
    """The password is right, and the user has a second factor. This opens nothing: both are sent together."""

    code = "CODE_REQUIRED"


@dataclass(frozen=True)
class Attempt:
    """What somebody sends to sign in. ``device_token``: of a device that may be known; ``device``: its name.

    ``former`` is the token of a session that the new one replaces.
    """

    email: str
    password: str = field(repr=False)
    address: str | None = None
    device: str = "unknown"
    device_token: str | None = field(default=None, repr=False)
    cookie: bool = False
    code: str | None = field(default=None, repr=False)
    former: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SignedIn:
    """A new session with its token, and the token by which the device is known from now on."""

    person: Person
    session: SessionInfo
    token: str = field(repr=False)
    device_token: str = field(repr=False)


@dataclass(frozen=True)
class _Known:
    """What the database says of who wants to sign in; ``counters`` are those that the attempt counts by,
    ``codes`` that of the code, if one is needed.
    """

    person: Person | None
    kept: str | None
    counters: tuple[Counter, ...]
    has_totp: bool
    codes: Counter

    def tell(self, connection: Connection, users: Table, attempt: Attempt, held_up: Iterable[Kind]) -> None:
        """Let the user know that attempts have to wait from now on."""
        user_id, name = (_NOBODY, attempt.email.lower()) if self.person is None else (self.person.id, self.person.id)
        notices.queue_blocked(connection, users, user_id, name, held_up, attempt.address)


@dataclass(frozen=True)
class SignIn:
    """Signs users in. Blocking: call it from a worker thread."""

    passwords: Passwords
    lifetimes: Lifetimes
    box: SecretBox

    def __call__(self, database: Database, users: Table, attempt: Attempt) -> SignedIn:
        """Make a session of an attempt.

        Args:
            database: has the users.
            users: the table of the entity ``user``.
            attempt: what was sent.

        Raises:
            SignInFailed: it is wrong.
            CodeRequired: the password is right, and a code is needed beside it.
            SecretKeyNeeded: the code cannot be checked.
            TooManyAttempts: it comes too early after wrong ones.
        """
        with database.read(TIMEOUT) as connection:
            known = _look_up(connection, users, attempt)
            attempts.require_free(connection, known.counters)
        with database.begin(TIMEOUT) as connection:
            held_up = attempts.count(connection, known.counters)
            known.tell(connection, users, attempt, held_up)
        right, better = self.passwords.verify(attempt.password, known.kept)
        if not right or known.person is None or known.kept is None:
            raise self._refused(database, attempt, "password")
        with database.begin(TIMEOUT) as connection:
            was_right(connection, known.counters)
        if known.has_totp:
            if attempt.code is None:
                raise CodeRequired(
                    "A code is needed, too.",
                    hint="Send «code» along: what your authenticator app shows, or a recovery code.",
                )
            with database.begin(TIMEOUT) as connection:
                held_up = attempts.count(connection, [known.codes])
                known.tell(connection, users, attempt, held_up)
        with database.begin(TIMEOUT) as connection:
            # Password and second factor may have changed, and the user may have gone; from here on they cannot.
            people.hold(connection, users, [known.person.id])
            is_there = people.by_id(connection, users, known.person.id) is not None
            if is_there and is_unchanged(connection, known.person.id, known.kept):
                second = self._second_factor(connection, known, attempt)
                if second is not None:
                    if better is not None:
                        keep_better(connection, known.person.id, better)
                    attempts.forget(connection, known.codes)
                    return open_session(
                        connection,
                        self.lifetimes,
                        known.person,
                        cookie=attempt.cookie,
                        device=attempt.device,
                        address=attempt.address,
                        device_token=attempt.device_token,
                        former=attempt.former,
                        how={"second factor": second},
                    )
        raise self._refused(database, attempt, "code" if known.has_totp else "password")

    def _second_factor(self, connection: Connection, known: _Known, attempt: Attempt) -> str | None:
        """What has shown that it is the user, beside the password: «none» if none is needed; None: nothing has."""
        user_id = known.person.id if known.person is not None else ""
        if not totp.is_on(connection, user_id):
            return "none"
        if not known.has_totp or attempt.code is None:
            return None
        if totp.check(connection, self.box, user_id, attempt.code):
            return "totp"
        if not recovery_codes.use_code(connection, user_id, attempt.code):
            return None
        events.record(
            connection, events.Event.RECOVERY_CODE_USED, user_id=user_id, subject=user_id, address=attempt.address
        )
        return "recovery code"

    def _refused(self, database: Database, attempt: Attempt, wrong: str) -> SignInFailed:
        with database.begin(TIMEOUT) as connection:
            event, details = events.Event.SIGN_IN_FAILED, {"wrong": wrong}
            events.record(connection, event, subject=attempt.email, address=attempt.address, details=details)
        if wrong == "code":
            return SignInFailed(
                "The code is not right.", hint="Each code works once; enter the one that is shown next."
            )
        return SignInFailed(
            "E-mail address or password is not right.",
            hint="Enter both again. Who administers the users can give you a new password.",
        )


def open_session(
    connection: Connection,
    lifetimes: Lifetimes,
    person: Person,
    *,
    cookie: bool,
    device: str,
    address: str | None,
    device_token: str | None,
    former: str | None,
    how: Mapping[str, str],
) -> SignedIn:
    """Let somebody in who has shown who it is: a session in place of the browser's former one, and a known device.

    Args:
        connection: in a write transaction.
        lifetimes: how long the session lasts.
        person: who it is.
        cookie: whether the session is a browser's.
        device: its name.
        address: of the client.
        device_token: of a device that may be known.
        former: token of a session that the new one replaces.
        how: for the event: what has shown it.
    """
    if former is not None:
        end_replaced(connection, former)
    token, session = create_session(connection, person.id, lifetimes, cookie=cookie, device=device, address=address)
    known = devices.remember(connection, person.id, device_token)
    details = {"device": device, "session": session.id, **how}
    event = events.Event.SIGN_IN
    events.record(connection, event, user_id=person.id, subject=person.id, address=address, details=details)
    return SignedIn(person, session, token, known)


def was_right(connection: Connection, counters: tuple[Counter, ...]) -> None:
    """An attempt that was counted was right."""
    for each in counters:
        # Who has an account of their own must not wipe out by it what they have tried at others.
        attempts.take_back(connection, each) if each.kind is Kind.ADDRESS else attempts.forget(connection, each)


def _look_up(connection: Connection, users: Table, attempt: Attempt) -> _Known:
    person = people.by_email(connection, users, attempt.email)
    user_id = _NOBODY if person is None else person.id  # nobody is looked up as everybody is: it takes as long
    kept = kept_hash(connection, user_id)
    has_totp = totp.is_on(connection, user_id)
    if devices.is_known(connection, attempt.device_token, user_id):
        name = f"{user_id} {attempt.device_token}"
        codes = Counter.of(Kind.CODE, name)
        return _Known(person, kept, (Counter.of(Kind.DEVICE, name),), has_totp, codes)
    counters = (Counter.of(Kind.ACCOUNT, attempt.email.lower()), attempts.of_address(attempt.address))
    return _Known(person, kept, counters, has_totp, Counter.of(Kind.CODE, user_id))
