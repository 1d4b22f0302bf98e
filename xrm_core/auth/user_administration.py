"""How those administer users who may: invite and deactivate them, give roles, help who cannot sign in.

Nobody changes somebody who may do more than themselves, nor gives a role that does, and somebody is always left
who may. What opens an account to others takes a session that began a moment ago, so a stolen one is no use for it.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, delete, select

from xrm_core.auth import account_changes, attempts, events, oidc_people, people, user_lists
from xrm_core.auth.account_changes import INVITED_FOR, RESET_WITHIN, OfferedLink
from xrm_core.auth.attempts import Counter, Kind
from xrm_core.auth.link_post import LinkPost
from xrm_core.auth.one_time import Purpose
from xrm_core.auth.own_changes import owner_of
from xrm_core.auth.sign_in import TIMEOUT
from xrm_core.auth.stored_passwords import kept_hash
from xrm_core.auth.user_changes import UserChange, UserChanges, require
from xrm_core.auth.user_lists import can_be_deactivated, known_id, known_token
from xrm_core.auth.user_reads import UserReads
from xrm_core.errors import BadQuery, ValidationFailed
from xrm_core.metadata.model import ACTIVE, EMAIL, USER
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import Action
from xrm_core.storage.folding import fold
from xrm_core.storage.system import ONE_TIME_TOKEN

_FIELDS = {"email": EMAIL, "firstName": "first_name", "lastName": "last_name", "language": people.LANGUAGE}


@dataclass(frozen=True)
class UserAdministration:
    """The accounts of all users of a database. Blocking.

    All that changes something raises, beside its own errors, those of :meth:`UserChanges.begin`. Then nothing was
    changed.

    Args:
        changes: the transactions.
        post: sends links; None: there is no mail, so they are told.
        reads: keeps who sees which users.
    """

    changes: UserChanges
    post: LinkPost | None
    reads: UserReads

    def user_accounts(
        self,
        caller: User,
        address: str | None,
        where: Mapping[str, Any] | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> dict[str, Any]:
        """A page of users; see :func:`~xrm_core.auth.user_lists.page`. Raises Forbidden, BadQuery."""
        require(caller.access, Action.READ)
        with self.changes.changes.database.read(TIMEOUT) as connection:
            found = user_lists.page(connection, self._users, where, first, after)
        self.reads.keep(caller, address, [each["id"] for each in found["nodes"]])
        return found

    def user_account(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """A user; None if there is none. Raises Forbidden, BadQuery."""
        require(caller.access, Action.READ)
        with self.changes.changes.database.read(TIMEOUT) as connection:
            found = user_lists.one(connection, self._users, known_id(id))
        self.reads.keep(caller, address, [] if found is None else [found["id"]])
        return found

    def invite_user(
        self, caller: User, address: str | None, input: Mapping[str, Any], roles: Sequence[str]
    ) -> dict[str, Any]:
        """Make a user with roles, and a link by which a password is set.

        Raises:
            SignInAgain: the session is not new enough.
            ValidationFailed, RefusedByPlugin: there is such a user already, or the record is not valid.
            TooManyAttempts, Busy: there were too many links a moment ago.
        """

        def invite(work: UserChange) -> OfferedLink:
            work.require_roles(roles)
            values = self._values(work, {"firstName": None, "lastName": None, **input}, None)
            if can_be_deactivated(self._users):
                values[ACTIVE] = True
            made = work.records.create(work.connection, work.author, USER, values)
            account_changes.give_roles(work.connection, made, roles, work.by)
            work.record(events.Event.USER_CREATED, made, roles=sorted(set(roles)))
            return self._link(work, made, Purpose.INVITATION, INVITED_FOR)

        return self._offered(caller, address, None, invite)

    def renew_invitation(self, caller: User, address: str | None, id: str) -> dict[str, Any]:
        """Invite a user again, who has no password yet; the link before is void.

        Raises:
            BadQuery: the user has one.
            SignInAgain, TooManyAttempts, Busy: as :meth:`invite_user`.
        """

        def renew(work: UserChange) -> OfferedLink:
            if kept_hash(work.connection, known_id(id)) is not None:
                raise BadQuery("This user has a password already.", hint="Use resetUserPassword.")
            return self._link(work, known_id(id), Purpose.INVITATION, INVITED_FOR)

        return self._offered(caller, address, id, renew)

    def withdraw_invitation(self, caller: User, address: str | None, id: str) -> bool:
        """Let the invitation of a user be void; false if there is none."""
        with self.changes.begin(caller, address, id) as work:
            mine = delete(ONE_TIME_TOKEN).where(
                ONE_TIME_TOKEN.c.user_id == known_id(id), ONE_TIME_TOKEN.c.purpose == Purpose.INVITATION.value
            )
            withdrawn = work.connection.execute(mine).rowcount > 0
            if withdrawn:
                work.record(events.Event.INVITATION_WITHDRAWN, known_id(id))
            return withdrawn

    def reset_user_password(self, caller: User, address: str | None, id: str) -> dict[str, Any]:
        """Offer a user a link by which another password is set; until then nothing changes.

        Raises SignInAgain, TooManyAttempts, Busy as :meth:`invite_user`.
        """
        return self._offered(
            caller, address, id, lambda work: self._link(work, known_id(id), Purpose.RESET, RESET_WITHIN)
        )

    def update_user_account(
        self, caller: User, address: str | None, id: str, input: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Give a user another address, name or language.

        Raises:
            SignInAgain: it is the address, and the session is not new enough.
            ValidationFailed, RefusedByPlugin: somebody has this address, or the record is not valid.
        """
        with self.changes.begin(caller, address, id, fresh=EMAIL in input) as work:
            values = self._values(work, input, known_id(id))
            work.update(known_id(id), values)
            return self._shown(work, caller, known_id(id))

    def set_user_roles(self, caller: User, address: str | None, id: str, roles: Sequence[str]) -> dict[str, Any] | None:
        """Let a user have exactly these roles.

        Raises:
            SignInAgain: the session is not new enough.
            LastAdministrator: nobody would be left who may administer users.
        """
        with self.changes.begin(caller, address, id, fresh=True, takes=True, replaces=True) as work:
            work.require_roles(roles)
            account_changes.give_roles(work.connection, known_id(id), roles, work.by)
            work.administrators.require_one_left(work.connection, work.users)
            return self._shown(work, caller, known_id(id))

    def deactivate_user(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """Let a user in no more: sessions end, tokens open nothing.

        Raises:
            BadQuery: the entity has no field for it.
            LastAdministrator: nobody would be left who may administer users.
        """
        return self._set_active(caller, address, id, active=False)

    def reactivate_user(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """Let a user in again. Raises SignInAgain, and BadQuery as :meth:`deactivate_user`."""
        return self._set_active(caller, address, id, active=True)

    def end_user_sessions(self, caller: User, address: str | None, id: str) -> int:
        """End all sessions of a user; answers how many there were."""
        with self.changes.begin(caller, address, id) as work:
            return account_changes.sign_out_everywhere(work.connection, known_id(id), work.by)

    def remove_user_second_factors(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """Take second factor, recovery codes and passkeys from who has lost them; sessions end. Raises SignInAgain."""
        with self.changes.begin(caller, address, id, fresh=True, takes=True) as work:
            account_changes.remove_totp(work.connection, known_id(id), work.by)
            account_changes.remove_passkeys(work.connection, known_id(id), by=work.by)
            work.administrators.require_one_left(work.connection, work.users)
            return self._shown(work, caller, known_id(id))

    def revoke_user_tokens(
        self, caller: User, address: str | None, id: str, tokens: Sequence[str] | None = None
    ) -> int:
        """End API tokens of a user, by their ids, or all; answers how many. Raises BadQuery: an id is none."""
        chosen = None if tokens is None else {known_token(each) for each in tokens}
        with self.changes.begin(caller, address, id) as work:
            return account_changes.revoke_tokens(work.connection, known_id(id), chosen, work.by)

    def unlink_user_identity(self, caller: User, address: str | None, id: str, issuer: str, subject: str) -> bool:
        """Let an account of an OpenID provider not sign in as a user any more; false if it did not.

        Raises:
            LastAdministrator: nobody would be left who may administer users.
        """
        with self.changes.begin(caller, address, id, takes=True) as work:
            unlinked = oidc_people.unlink(work.connection, known_id(id), (issuer, subject)) > 0
            if unlinked:
                work.record(events.Event.IDENTITY_UNLINKED, known_id(id), issuer=issuer, account=subject)
                work.administrators.require_one_left(work.connection, work.users)
            return unlinked

    @property
    def _users(self) -> Table:
        return self.changes.changes.users

    def _shown(self, work: UserChange, caller: User, user_id: str) -> dict[str, Any] | None:
        """What a change answers with."""
        self.reads.keep_along(work.connection, caller, work.by.address, [user_id])
        return user_lists.one(work.connection, self._users, user_id)

    def _set_active(self, caller: User, address: str | None, id: str, *, active: bool) -> dict[str, Any] | None:
        if not can_be_deactivated(self._users):
            raise BadQuery("Users have no boolean field «active».", hint="Take all roles from who has left.")
        with self.changes.begin(caller, address, id, fresh=active, takes=not active) as work:
            work.update(known_id(id), {ACTIVE: active})
            if not active:
                work.administrators.require_one_left(work.connection, work.users)
            return self._shown(work, caller, known_id(id))

    def _offered(
        self, caller: User, address: str | None, id: str | None, offer: Callable[[UserChange], OfferedLink]
    ) -> dict[str, Any]:
        """Make a link; it is sent when it is certain that it is there, or told if there is no mail."""
        require(caller.access, Action.UPDATE)
        counter = Counter.of(Kind.LINKS, owner_of(caller).user_id)
        take = None if self.post is None else self.post.reserve()
        link = None
        try:
            with self.changes.begin(caller, address, id, fresh=True) as work:
                attempts.count(work.connection, [counter])
                made = offer(work)
                shown = self._shown(work, caller, made.user_id)
            link = made
        finally:
            if take is not None:
                take(link)
        return {"user": shown, "mailed": take is not None, "token": link.token if take is None else None}

    def _link(self, work: UserChange, user_id: str, purpose: Purpose, valid: dt.timedelta) -> OfferedLink:
        person = people.by_id(work.connection, self._users, user_id)
        if person is None or not person.email:
            raise BadQuery("This user is not active, or has no e-mail address.", hint="Change that first.")
        mailed = self.post is not None
        return account_changes.offer_link(
            work.connection, self._users, person, purpose, valid, by=work.by, mailed=mailed
        )

    def _values(self, work: UserChange, input: Mapping[str, Any], user_id: str | None) -> dict[str, Any]:
        """Fields of the record. Who has no last name though everybody must is called by the beginning of the address.

        Raises:
            ValidationFailed: another user signs in by this address.
        """
        fields, users = work.records.model[USER].fields, work.users
        values = {_FIELDS[name]: value for name, value in input.items() if _FIELDS[name] in fields}
        if EMAIL in values:
            email = values[EMAIL] = fold((values[EMAIL] or "").strip())
            taken = work.connection.scalars(select(users.c.id).where(people.is_addressed(users, email or "")))
            if email and set(map(str, taken)) - {user_id}:
                problem = {"field": EMAIL, "rule": "unique", "message": "another user has this address"}
                raise ValidationFailed([problem], entity=USER)
        if user_id is None and "last_name" in fields and fields["last_name"].required and not values.get("last_name"):
            values["last_name"] = (values.get(EMAIL) or "").partition("@")[0]
        return values
