"""Transactions in which somebody changes the accounts of others, who may do no more than themselves."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Table, select

from xrm_core.auth import attempts, events, people
from xrm_core.auth.account_changes import By
from xrm_core.auth.administrators import Administrators, Beyond
from xrm_core.auth.attempts import Counter, Kind, TooManyAttempts
from xrm_core.auth.own_changes import OwnChanges, owner_of
from xrm_core.auth.sign_in import TIMEOUT
from xrm_core.auth.user_lists import NAMES, known_id
from xrm_core.errors import BadQuery, Forbidden, NotFound, XrmError
from xrm_core.metadata.model import ACTIVE, EMAIL, USER
from xrm_core.permissions.access import Access
from xrm_core.permissions.caller import System, User
from xrm_core.permissions.policy import USERS, Action
from xrm_core.records.door import Records
from xrm_core.records.rights import names_known
from xrm_core.storage.policy_sets import require_current
from xrm_core.storage.system import SESSION

FRESH = dt.timedelta(hours=1)
"""How long ago a session may have begun in which accounts are opened to others."""

_MOST_ROLES = 200
_MOST_KEPT = 20  # of what is beyond somebody, in an event


class SignInAgain(XrmError):
    """Something takes a session that began a moment ago."""

    code = "SIGN_IN_AGAIN"
    http_status = 403


@dataclass(frozen=True)
class UserChange:
    """A change under way: who makes it, with what rights, and as whom records are written."""

    connection: Connection
    by: By
    rights: Access
    author: System
    administrators: Administrators
    records: Records

    @property
    def users(self) -> Table:
        """The table of the entity ``user``."""
        return self.records.tables[USER]

    def record(self, event: events.Event, user_id: str, **details: Any) -> None:
        """Keep an event about a user."""
        who = {"user_id": self.by.user_id, "subject": user_id, "address": self.by.address}
        events.record(self.connection, event, **who, details=details)

    def update(self, user_id: str, values: Mapping[str, Any]) -> None:
        """Change the record of the user. Raises ValidationFailed, RefusedByPlugin."""
        self.records.update(self.connection, self.author, USER, user_id, values)
        more = {ACTIVE: values[ACTIVE]} if ACTIVE in values else {}
        self.record(events.Event.USER_CHANGED, user_id, attributes=sorted(values), **more)

    def require_roles(self, roles: Sequence[str]) -> None:
        """Refuse to give roles that there are not, or that may do more than who gives them.

        Raises:
            BadQuery, Forbidden: they are such.
        """
        known = self.administrators.authority.policies.roles
        if len(roles) > _MOST_ROLES:
            raise BadQuery(f"A user has at most {_MOST_ROLES} roles.")
        if unknown := sorted(set(roles) - set(known)):
            raise BadQuery(
                f"There is no role {unknown[0][:100]!r}.", hint=f"The roles are: {', '.join(sorted(known))}."
            )
        self.administrators.require_within(self.rights, roles, "You cannot give roles that may do more than you.")


@dataclass(frozen=True)
class UserChanges:
    """Makes them.

    Args:
        changes: the transactions of callers.
        records: the door by which records of users are written.
        administrators: what roles mean here.
    """

    changes: OwnChanges
    records: Records
    administrators: Administrators

    @contextmanager
    def begin(
        self,
        caller: User,
        address: str | None,
        id_: str | None,
        *,
        fresh: bool = False,
        takes: bool = False,
        replaces: bool = False,
    ) -> Iterator[UserChange]:
        """A transaction in which the caller may do something to a user, whose record is held.

        Args:
            caller: who does it.
            address: from where.
            id_: id of the user, as it was sent; None: one who is to come.
            fresh: whether the session must be new.
            takes: whether a right to administer may go by it. Then the records of all who have it are held, so that
                two of them do not take it from each other.
            replaces: whether the user loses the roles that they have, and gets others.

        Raises:
            Forbidden: the caller has no session, may not, or the user may do more; the last is an event.
            SignInAgain: the session is not new enough.
            NotFound, BadQuery: there is no such user, or this is no id.
            Unauthenticated: the session has ended.
            PermissionsChanged, ModelOutOfDate: others hold by now.
        """
        owner = owner_of(caller)
        require(caller.access, Action.UPDATE)
        authority, others = self.administrators.authority, [] if id_ is None else [known_id(id_)]
        if takes:
            with self.changes.database.read(TIMEOUT) as connection:
                others += self.administrators.ids(connection, self.changes.users)
        try:
            with self.changes.begin(owner, others) as connection:
                require_current(connection, authority.model, authority.policies.version)
                # The caller may be remembered with rights that were taken away a moment ago.
                rights = authority.access(people.roles_of(connection, owner.user_id))
                require(rights, Action.UPDATE)
                if fresh:
                    _require_fresh(connection, owner.session)
                if id_ is not None:
                    # A role that is none gives nothing now, but again if one of its name comes: so it keeps others from
                    # opening the account, but nobody from taking away, itself or anything else.
                    self._require_user(connection, rights, known_id(id_), opens=fresh and not replaces)
                known = names_known(rights, self.records.model[USER]) | {ACTIVE, EMAIL, *NAMES}
                author = replace(
                    System(self.records.full_access, "user administration", actor=owner.user_id), names=frozenset(known)
                )
                by = By(owner.user_id, address)
                yield UserChange(connection, by, rights, author, self.administrators, self.records)
        except Beyond as error:
            self._keep(owner.user_id, address, id_, error)
            raise
        finally:
            self.changes.changed()

    def _keep(self, by: str, address: str | None, id_: str | None, error: Beyond) -> None:
        """Whoever reaches for more than they hold leaves a trace, though what they wanted is undone.

        Of somebody only so many are kept: each is refused as often as they like.
        """
        subject = None if id_ is None else known_id(id_)
        details = {"reason": error.message, "beyond": list(error.missing[:_MOST_KEPT])}
        counters = [Counter.of(Kind.USER_CHANGE, by)]
        with suppress(TooManyAttempts):
            with self.changes.database.read(TIMEOUT) as connection:
                attempts.require_free(connection, counters)
            with self.changes.database.begin(TIMEOUT) as connection:
                attempts.count(connection, counters)
                event = events.Event.USER_CHANGE_REFUSED
                events.record(connection, event, user_id=by, subject=subject, address=address, details=details)

    def _require_user(self, connection: Connection, rights: Access, user_id: str, *, opens: bool) -> None:
        users = self.changes.users
        if connection.scalar(select(users.c.id).where(users.c.id == user_id)) is None:
            raise NotFound("There is no such user.", hint="«userAccounts» lists them.")
        held = people.roles_of(connection, user_id)
        if not opens:
            held &= self.administrators.authority.policies.roles.keys()
        self.administrators.require_within(rights, held, "This user may do more than you.")


def require(rights: Access, action: Action) -> None:
    """Raise Forbidden unless somebody may see, or change, the accounts of others."""
    if not rights.may(USERS, action):
        raise Forbidden("You may not administer users.")


def _require_fresh(connection: Connection, session_id: str) -> None:
    began = connection.scalar(select(SESSION.c.created_at).where(SESSION.c.id == session_id))
    if began is None or dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(began) > FRESH:
        raise SignInAgain(
            "You signed in too long ago for this; nothing was changed.", hint="Sign in again, then repeat it."
        )
