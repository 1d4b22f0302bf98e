"""How users change their own accounts: in a session that has not ended, and by a password that is shown once more."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection, Table

from xrm_core.auth import attempts, events, notices, people
from xrm_core.auth.attempts import Counter, Kind
from xrm_core.auth.passwords import Passwords
from xrm_core.auth.sessions import hold_session
from xrm_core.auth.sign_in import TIMEOUT
from xrm_core.auth.stored_passwords import is_unchanged, kept_hash
from xrm_core.errors import Forbidden, Unauthenticated, XrmError
from xrm_core.permissions.caller import User
from xrm_core.storage.engines import Database


class PasswordWrong(XrmError):
    """The password that was asked for once more is not the caller's."""

    code = "PASSWORD_WRONG"
    http_status = 422


@dataclass(frozen=True, slots=True)
class Owner:
    """Who changes their own account, and in which session. ``kept``: hash of the password that they have shown."""

    user_id: str
    session: str
    kept: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class OwnChanges:
    """Transactions in which the owners of accounts change them. Blocking.

    Args:
        database: has the accounts.
        users: the table of the entity ``user``.
        passwords: checks and makes hashes.
        changed: called when sessions or tokens have ended, or turn out to have.
    """

    database: Database
    users: Table
    passwords: Passwords
    changed: Callable[[], None] = lambda: None

    def proven(self, caller: User, address: str | None, password: str) -> Owner:
        """Who has shown their password once more. The attempt is counted before it is made.

        Raises:
            PasswordWrong: it is not theirs.
            TooManyAttempts: it was asked for too often; nothing was looked at.
            Forbidden: the caller has no session.
        """
        owner = owner_of(caller)
        counter = Counter.of(Kind.DEVICE, f"own {owner.user_id}")
        with self.database.begin(TIMEOUT) as connection:
            held_up = attempts.count(connection, [counter])
            notices.queue_blocked(connection, self.users, owner.user_id, owner.user_id, held_up, address)
            kept = kept_hash(connection, owner.user_id)
        right, _ = self.passwords.verify(password, kept)
        with self.database.begin(TIMEOUT) as connection:
            if right and kept is not None:
                attempts.forget(connection, counter)
                return Owner(owner.user_id, owner.session, kept)
            event, details = events.Event.SIGN_IN_FAILED, {"wrong": "password asked once more"}
            who = {"user_id": owner.user_id, "subject": owner.user_id}
            events.record(connection, event, **who, address=address, details=details)
        raise _wrong()

    @contextmanager
    def begin(self, owner: Owner, others: Iterable[str] = ()) -> Iterator[Connection]:
        """A write transaction in which the session has not ended, and the password is still the one that was shown.

        A server remembers for a moment who asks: what is done here would outlive what has ended the session.

        Args:
            owner: who does it.
            others: ids of users whose records are held, too.

        Raises:
            Unauthenticated: the session has ended.
            PasswordWrong: the password is another one by now.
        """
        with self.database.begin(TIMEOUT) as connection:
            # In this order everywhere: the record, the password, the sessions. So nobody waits for who waits for them.
            people.hold(connection, self.users, {owner.user_id, *others})
            if owner.kept is not None and not is_unchanged(connection, owner.user_id, owner.kept):
                raise _wrong()
            if not hold_session(connection, owner.user_id, owner.session):
                self.changed()
                raise Unauthenticated("Your session has ended; nothing was changed.", hint="Sign in again.")
            yield connection


def owner_of(caller: User) -> Owner:
    """A caller who is signed in by a session: a token that got lost must not be able to change an account.

    Raises:
        Forbidden: the caller has none.
    """
    if caller.id is None or caller.session is None:
        raise Forbidden("An API token cannot change an account.", hint="Sign in with e-mail address and password.")
    return Owner(caller.id, caller.session)


def _wrong() -> PasswordWrong:
    return PasswordWrong("The password is not right.", hint="Enter the one by which you sign in.")
