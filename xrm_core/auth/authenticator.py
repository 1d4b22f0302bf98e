"""Credentials of a request → :class:`~xrm_core.permissions.caller.User`, remembered for a moment.

Credentials are an ``Authorization`` header, or ``Cookie <token>`` for a session in a cookie.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Dialect, Table

from xrm_core.auth import attempts, people, sessions, still_held, tokens
from xrm_core.auth.attempts import Counter, Kind, TooManyAttempts
from xrm_core.auth.events import Event, record
from xrm_core.auth.networks import is_within
from xrm_core.auth.still_held import require_still_held
from xrm_core.errors import Forbidden, Unauthenticated, XrmError
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.caller import User
from xrm_core.permissions.coverage import covers_reads
from xrm_core.permissions.policy import VIEW_AS, Action
from xrm_core.permissions.token_scope import UNSCOPED, TokenScope
from xrm_core.records.teams import team_of, teams_below
from xrm_core.storage.driver_statements import Call, Outcome
from xrm_core.storage.engines import Database
from xrm_core.storage.requirements import Requirement
from xrm_core.telemetry.threads import ThreadPool

REMEMBER_SECONDS = 2.0
"""What was taken away (a token, a session, a role, a team that a user was in) works on for at most so long."""

COOKIE = "Cookie"
"""Stands before the token of a session that came in a cookie."""

THREADS = 2
_TIMEOUT = 5.0
_MAX_REMEMBERED = 10_000
_MAX_NAME = 320
_MAX_TOKEN_LENGTH, _MAX_HEADER_LENGTH = 200, 256


class Authenticator:
    """Finds out who is asking.

    Args:
        database: has the tokens and who has which role.
        users: the table of the entity ``user``.
        authority: what roles may do.
        threads: to look in; by default its own.
        notes: threads to note in when a session or a token was last used; None: it is not noted.
        zone: IANA name of the time zone that says which day it is.
        clock: seconds that only go up.
    """

    def __init__(
        self,
        database: Database,
        users: Table,
        authority: Authority,
        clock: Callable[[], float] = time.monotonic,
        threads: ThreadPoolExecutor | None = None,
        notes: ThreadPoolExecutor | None = None,
        zone: str = "UTC",
    ) -> None:
        self._zone = zone
        self._database = database
        self._users = users
        # Threads of its own: who is asking must be found out also while writes wait for each other.
        self._threads = threads or ThreadPool(THREADS, "xrm-auth")
        self._notes = notes
        self._noting: set[str] = set()
        self._authority = authority
        self._clock = clock
        self._first_roles: dict[frozenset[str], list[str]] = {}
        self._known: OrderedDict[str, tuple[float, User]] = OrderedDict()
        self._asking: dict[str, asyncio.Future[User | None]] = {}

    def known(self, header: str | None, address: str | None = None) -> User | None:
        """The user of an ``Authorization`` header if somebody asked a moment ago.

        Args:
            header: as it came.
            address: of the client.

        Raises:
            Unauthenticated: the token may not be used from there.
        """
        known = self._known.get(header or "")
        if known is None or self._clock() >= known[0]:
            return None
        user = known[1]
        if user.networks is not None:
            _require_within(user, address)
        return user

    async def user(self, header: str | None, address: str | None = None, *, within: float | None = None) -> User:
        """The user of an ``Authorization`` header.

        Args:
            header: as it came.
            address: of the client; None: unknown, so that tokens for certain networks only are refused.
            within: seconds that may have passed since it was looked up, if fewer than usual.

        Raises:
            Unauthenticated: there is no header, or no valid token in it; which of the two is not told apart
                from a token that expired, was revoked or is for other networks.
        """
        known = self.known(header, address)
        if known is not None and (within is None or self._age(header) < within):
            return known
        token = _bearer(header)
        now = self._clock()
        remembered, under_way = self._known, self._asking  # those of before, if meanwhile all is forgotten
        asking = under_way.get(token)
        if asking is None:  # requests that come at the same moment ask once
            asking = asyncio.get_running_loop().run_in_executor(self._threads, self._find, token, address)
            under_way[token] = asking
            asking.add_done_callback(lambda _done: under_way.pop(token, None))
        found = await asyncio.shield(asking)
        if found is None:
            remembered.pop(header or "", None)
            raise _not_valid()
        if header is not None and len(header) <= _MAX_HEADER_LENGTH:
            if len(remembered) >= _MAX_REMEMBERED:
                remembered.popitem(last=False)
            remembered[header] = (now + REMEMBER_SECONDS, found)
        if found.networks is not None:
            _require_within(found, address)
        return found

    def _age(self, header: str | None) -> float:
        """Seconds since somebody who is remembered was looked up."""
        return self._clock() - (self._known[header or ""][0] - REMEMBER_SECONDS)

    async def view_as(self, viewer: User, whom: str, address: str | None, *, again: bool = False) -> User:
        """Another user, as whom somebody sees things; each time is kept as an event.

        Args:
            viewer: who asks.
            whom: id or e-mail address of the other.
            address: of the client.
            again: the request has met another model; that it was let through is kept already.

        Raises:
            Forbidden: the viewer may not view as others, or there is no such user, or that one may see more.
        """
        return await asyncio.get_running_loop().run_in_executor(
            self._notes or self._threads, self._view_as, viewer, whom, address, again
        )

    def require_still_held(self, connection: Connection, caller: User) -> None:
        """As :func:`xrm_core.auth.still_held.require_still_held`; who is refused is looked up anew the next time."""
        try:
            require_still_held(connection, caller, self._users, self._authority.policies)
        except (Unauthenticated, Forbidden):
            self.forget()
            raise

    def asking(self, dialect: Dialect, caller: User) -> Call:
        """What asks whether a caller still has what they were let in with, to be run together with other statements."""
        return still_held.asking(dialect, caller, self._users)

    def required(self, caller: User) -> Requirement:
        """That :meth:`require` would not refuse a caller; perhaps it would not either where this does not hold."""
        roles = self._first_roles.get(caller.access.roles)
        if roles is None:
            roles = still_held.first_of(caller.access.roles, self._authority.policies)
            self._first_roles[caller.access.roles] = roles
        return still_held.required(caller, self._users, [] if caller.id is None else roles)

    def require(self, outcome: Outcome, caller: User) -> None:
        """As :meth:`require_still_held`, when it was asked already."""
        try:
            still_held.require(outcome, caller, self._authority.policies)
        except (Unauthenticated, Forbidden):
            self.forget()
            raise

    def forget(self) -> None:
        """Remember nobody: who asks next is looked up, and what is being looked up at this moment is not remembered."""
        self._known, self._asking = OrderedDict(), {}

    def close(self) -> None:
        """End its threads."""
        self._threads.shutdown(wait=False)

    def _find(self, token: str, address: str | None) -> User | None:
        if sessions.is_session(token):
            return self._find_session(token)
        with self._database.read(_TIMEOUT) as connection:
            found = tokens.find(connection, token, self._users)
            if found is None:
                return None
            user = self._made(connection, found.user_id, found.team_id, found.roles, found.scope)
        if tokens.is_to_note(found) and (found.networks is None or is_within(address, found.networks)):
            self._note(found.token_id, tokens.note_use, address)
        return replace(user, token=found.token_id, networks=found.networks)

    def _find_session(self, token: str) -> User | None:
        with self._database.read(_TIMEOUT) as connection:
            found = sessions.find_session(connection, token, self._users)
            if found is None:
                return None
            user = self._made(connection, found.user_id, found.team_id, found.roles)
        if found.stale:
            self._note(found.id, sessions.touch)
        return replace(user, session=found.id)

    def _view_as(self, viewer: User, whom: str, address: str | None, again: bool) -> User:
        with self._database.begin(_TIMEOUT) as connection:
            found = self._viewed(connection, viewer, whom)
            if found is not None and not again:
                _keep_viewing(connection, Event.VIEW_AS, viewer, found.id, address)
        if found is None:
            self._keep_refusal(viewer, whom, address)
            raise Forbidden(
                "You may not view as this user.",
                hint="There is no such user, you may not view as others, or that user may see more than you.",
            )
        return replace(found, viewer=viewer.id, token=viewer.token)

    def _keep_refusal(self, viewer: User, whom: str, address: str | None) -> None:
        """Of somebody only so many are kept: everybody who is signed in can have that refused as often as they like."""
        counters = [Counter.of(Kind.VIEW_AS, viewer.actor or "")]
        with contextlib.suppress(TooManyAttempts):
            with self._database.read(_TIMEOUT) as connection:
                attempts.require_free(connection, counters)
            with self._database.begin(_TIMEOUT) as connection:
                attempts.count(connection, counters)
                _keep_viewing(connection, Event.VIEW_AS_REFUSED, viewer, whom, address)

    def _viewed(self, connection: Connection, viewer: User, whom: str) -> User | None:
        if viewer.id is None or not viewer.access.may(VIEW_AS, Action.READ) or len(whom) > _MAX_NAME or "\0" in whom:
            return None
        try:
            person = people.by_id(connection, self._users, str(UUID(whom)))
        except ValueError:
            person = people.by_email(connection, self._users, whom)
        if person is None:
            return None
        roles = people.roles_of(connection, person.id)
        user = self._made(connection, person.id, team_of(connection, person.id, self._users), roles)
        return user if covers_reads(self._authority.model, viewer.access, user.access) else None

    def _made(
        self,
        connection: Connection,
        id_: str | None,
        team: str | None,
        roles: frozenset[str],
        scope: TokenScope = UNSCOPED,
    ) -> User:
        teams = teams_below(connection, team, self._users)
        language = None if id_ is None else people.language_of(connection, self._users, id_)
        access = self._authority.access(roles, scope)
        return User(id_, access, team, teams=teams, zone=self._zone, language=language)

    def _note(self, id_: str, write: Callable[..., None], *more: Any) -> None:
        """Note that a token or session is used, but not in the request's way: a write may have to wait."""
        if self._notes is not None and id_ not in self._noting:
            self._noting.add(id_)
            self._notes.submit(self._write_note, id_, write, *more)

    def _write_note(self, id_: str, write: Callable[..., None], *more: Any) -> None:
        try:
            with contextlib.suppress(XrmError), self._database.begin(_TIMEOUT) as connection:
                write(connection, id_, *more)
        finally:
            self._noting.discard(id_)


def _keep_viewing(connection: Connection, event: Event, viewer: User, whom: str | None, address: str | None) -> None:
    details = {} if viewer.token is None else {"token": viewer.token}
    record(connection, event, user_id=viewer.id, subject=whom, address=address, details=details)


def _require_within(user: User, address: str | None) -> None:
    if user.networks is not None and not is_within(address, user.networks):
        raise _not_valid()


def _not_valid() -> Unauthenticated:
    return Unauthenticated(
        "The token is not valid.",
        hint="It may have expired, been revoked, or be for another network; ask for a new one.",
    )


def _bearer(header: str | None) -> str:
    scheme, _, token = (header or "").partition(" ")
    token = token.strip()
    if scheme == COOKIE and token.startswith(sessions.COOKIE):
        return token[:_MAX_TOKEN_LENGTH]
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated(
            "Sign in: the request has no API token.", hint="Send the header «Authorization: Bearer <token>»."
        )
    # What was made for a cookie counts in a cookie only, where requests from other sites are refused.
    if len(token) > _MAX_TOKEN_LENGTH or not token.isascii() or token.startswith(sessions.COOKIE):
        raise Unauthenticated("The token is not valid.", hint="Copy it again, without anything around it.")
    return token
