"""One database that is served. It follows the model and the policies that are applied there, without a restart or a
failed request.
"""

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import structlog

from xrm_core.auth.administrators import Administrators
from xrm_core.auth.authenticator import THREADS, Authenticator
from xrm_core.auth.link_post import LinkPost
from xrm_core.auth.mail import Mail
from xrm_core.auth.own_account import OwnAccount
from xrm_core.auth.own_changes import OwnChanges
from xrm_core.auth.own_passkeys import OwnPasskeys
from xrm_core.auth.own_tokens import OwnTokens
from xrm_core.auth.own_totp import OwnTotp
from xrm_core.auth.passkey_challenges import Challenges
from xrm_core.auth.passwords import Passwords
from xrm_core.auth.relying_party import RelyingParty
from xrm_core.auth.secret_box import SecretBox
from xrm_core.auth.user_administration import UserAdministration
from xrm_core.auth.user_changes import UserChanges
from xrm_core.auth.user_reads import UserReads
from xrm_core.changes.opening import remember
from xrm_core.errors import (
    ModelOutOfDate,
    PermissionsChanged,
    PermissionsUnavailable,
    PolicyInvalid,
    TablesChanged,
    Unauthenticated,
    XrmError,
)
from xrm_core.events.webhook_administration import WebhookAdministration
from xrm_core.graphql import answers
from xrm_core.graphql.administration import Administration
from xrm_core.graphql.answers import Answer
from xrm_core.graphql.engine import Engine, Request, Threads
from xrm_core.graphql.quick_writes import QuickWrites
from xrm_core.graphql.repeats import Repeats
from xrm_core.jobs.administration import JobAdministration
from xrm_core.jobs.replaying import ReplayPending, catch_up, replays_of
from xrm_core.messages.administration import MessageAdministration
from xrm_core.metadata.model import USER
from xrm_core.permissions.caller import User
from xrm_core.records.feed.cursors import Cursors
from xrm_core.records.files import Files
from xrm_core.server.blueprints import LOOK_SECONDS, Blueprint, Blueprints, blueprint_of
from xrm_core.server.policy_administration import PolicyAdministration, usual_limits
from xrm_core.server.tenant_layer import TenantLayer
from xrm_core.server.traced_reader import TracedReader
from xrm_core.server.workflow_files import workflows_of
from xrm_core.settings import Settings
from xrm_core.storage.applied import tables_version
from xrm_core.storage.engines import Database
from xrm_core.storage.policy_sets import applied_versions
from xrm_core.storage.pq_reader import PostgresReader
from xrm_core.storage.pq_writer import PostgresWriter
from xrm_core.storage.readers import Reader
from xrm_core.storage.sqlite_reader import SqliteReader
from xrm_core.storage.statistics import renew_statistics
from xrm_core.storage.tenants import State
from xrm_core.telemetry import tracing
from xrm_core.telemetry.pool_use import PoolUse
from xrm_core.telemetry.threads import ThreadPool
from xrm_core.translation import say
from xrm_core.workflows.administration import WorkflowAdministration

WATCH_SECONDS = 0.5
"""How often a server looks whether its database has another model or other policies."""

STATISTICS_SECONDS = 300.0
"""How often a server lets SQLite count what its indexes have."""

_FILE_THREADS = 4
_ATTEMPTS = 20  # of one request, each on a newer model than the one before: somebody applies one after the other
_LOOKS, _LOOK_SECONDS = 4, 0.2  # for a model whose tables are there before it is
_BEHIND_SECONDS = 5.0  # between attempts to do again what a restore has taken back
_LATER_SECONDS = 1.0  # between attempts to take a model that could not be taken

_log = structlog.get_logger(__name__)
Result = TypeVar("Result")


class TenantReadonly(XrmError):
    """The tenant is in a state that refuses writes."""

    code = "TENANT_READONLY"
    http_status = 503


@dataclass(frozen=True)
class Serving:
    """What answers requests as long as the database has this model and these policies.

    A request holds one from authentication to answer, so that it never mixes old and new.
    """

    blueprint: Blueprint
    engine: Engine
    authenticator: Authenticator

    @property
    def files(self) -> Files:
        """The door for files."""
        return self.blueprint.records.files

    @property
    def fingerprint(self) -> str:
        """Of the model."""
        return self.blueprint.model.fingerprint

    @property
    def policies(self) -> str:
        """Digest of the policies under which everybody is authorised here."""
        return self.blueprint.authority.policies.version


class Site:
    """A database with all that serves it. Connections and threads stay while models come and go.

    Args:
        settings: limits.
        database: what is served; closed with the site.
        blueprints: makes what follows from a model.
        blueprint: of the model that the database has now.
        tables: version of its tables.
        name: of the tenant; empty for the main database.
        url: under which the catalogue has it.
        whose: the tenant that a host name belongs to at the moment, if it is one's.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        blueprints: Blueprints,
        blueprint: Blueprint,
        tables: int | None = None,
        name: str = "",
        url: str = "",
        *,
        whose: Callable[[str], str | None],
    ) -> None:
        self.name = name
        self._whose = whose
        self.url = url
        self.state = State.ACTIVE
        self.busy = 0  # requests under way
        self.followers = 0  # subscriptions under way, or sockets that have none yet
        self.leaving = False  # subscriptions are to end: this server serves it no more
        self.database = database
        remember(database.engine, blueprint.records.key_store)
        self._settings = settings
        self._blueprints = blueprints
        self._reader = made = make_reader(database, settings.statement_timeout)
        tracer = tracing.tracer()
        self._reading: Reader = made if tracer is None else TracedReader(made, tracer)
        # Spans are made for each statement, as SQLAlchemy runs it.
        self._writer = None if database.is_sqlite or tracer else PostgresWriter(database, settings.statement_timeout)
        self._threads = Threads()
        self._passwords = Passwords(settings.password_memory, settings.password_passes)
        self._box = SecretBox(settings.secret_key)
        mail = Mail.of(settings)
        self._post = None if mail is None else LinkPost(mail, database, name)
        self._usual = usual_limits(settings)
        self._asking = ThreadPool(THREADS, "xrm-auth")
        self._looking = ThreadPool(1, "xrm-look")  # whether it is ready is known also while all others wait
        self._noting = ThreadPool(1, "xrm-seen")
        self._repeats = Repeats(dt.timedelta(hours=settings.idempotency_hours))
        # Not ended when the site is closed: somebody may still be reading a long file. It goes with the site.
        self._filing = ThreadPool(_FILE_THREADS, "xrm-files")
        self._watching: asyncio.Task[None] | None = None
        self._refreshing = asyncio.Lock()
        self._trouble: XrmError | None = None
        self._refused: tuple[str, float] | None = None
        self._counts_at = 0.0
        layer = TenantLayer(settings, blueprints.plugins, database, self.refresh)
        self._administration = Administration(layer, PolicyAdministration(settings, database), layer.follow)
        self.serving = self._serving(blueprint, tables)
        self.caught_up = not replays_of(blueprints.plugins)
        """Whether nothing is left that a restore has taken back."""
        self._behind_until = 0.0  # what could not be done is not tried again before
        self._behind: XrmError = ReplayPending("It is not known yet whether a restore has taken anything back.")

    def require_caught_up(self) -> None:
        """Raise what stands in the way of serving data as they should be, if anything does."""
        if not self.caught_up:
            raise self._behind

    def catch_up(self) -> None:
        """Do again what a restore has taken back. Blocking. Raises XrmError: it cannot be done; nothing is served."""
        if not self.caught_up:
            if time.monotonic() < self._behind_until:
                raise self._behind
            try:
                catch_up(self.database, self.serving.blueprint.records, self.name)
            except XrmError as error:
                self._behind, self._behind_until = error, time.monotonic() + _BEHIND_SECONDS
                raise
            self.caught_up = True

    async def answer(self, authorization: str | None, request: Request) -> Answer:
        """Answer a request; one that meets another model in the database is asked again on that model.

        Args:
            authorization: the credentials, as :class:`~xrm_core.auth.authenticator.Authenticator` takes them.
            request: what is asked.

        Raises:
            Unauthenticated: they are not valid.
        """
        try:
            self.require_policies()
            caller = None if request.view_as is not None else self._known(authorization, request)
            if caller is not None:
                return await self.serving.engine.execute(request, caller)
        except (ModelOutOfDate, TablesChanged):
            pass  # there is a newer one
        except XrmError as error:
            if isinstance(error, Unauthenticated):
                raise
            return answers.refused(error)
        return await self._answer(authorization, request)

    def at_hand(
        self,
        host: str,
        authorization: str,
        address: str | None,
        query: str,
        operation_name: str | None,
        variables: Mapping[str, Any],
    ) -> bytes | None:
        """The body of the answer to a query if nothing has to be waited for, and the caller asked a moment ago.

        Args:
            host: the name that the main site was asked by; it may have become a tenant's since.
            authorization: see :meth:`answer`.
            address: of the client.
            query: the document.
            operation_name: which of its operations.
            variables: as they came.

        Returns:
            None: it has to be asked by :meth:`answer`, which also says what is wrong, if anything is.

        Raises:
            XrmError: likewise.
        """
        if self._whose(host) is not None:
            return None
        self.require_policies()
        serving = self.serving
        caller = serving.authenticator.known(authorization, address)
        return None if caller is None else serving.engine.at_hand(query, operation_name, variables, caller)

    def _known(self, authorization: str | None, request: Request) -> User | None:
        """The caller, if they asked a moment ago."""
        caller = self.serving.authenticator.known(authorization, request.address)
        return replace(caller, base=request.base) if caller is not None and request.base else caller

    async def _answer(self, authorization: str | None, request: Request) -> Answer:
        again = False

        async def ask(serving: Serving) -> Answer:
            nonlocal again
            authenticator = serving.authenticator
            caller = authenticator.known(authorization, request.address) or await authenticator.user(
                authorization, request.address
            )
            if request.view_as is not None:
                caller = await self.viewing(serving, caller, request.view_as, request.address, again=again)
                again = True
            return await serving.engine.execute(request, replace(caller, base=request.base) if request.base else caller)

        try:
            return await self.on_newest(ask)
        except XrmError as error:
            if isinstance(error, Unauthenticated):
                raise
            return answers.refused(error)

    async def viewing(
        self, serving: Serving, viewer: User, whom: str, address: str | None, *, again: bool = False
    ) -> User:
        """The user as whom somebody sees things. Raises Forbidden: they may not."""
        self.require_writable()  # it is kept who did
        return await serving.authenticator.view_as(viewer, whom, address, again=again)

    async def user(self, authorization: str | None, address: str | None = None) -> User:
        """Who is asking.

        Raises:
            Unauthenticated: the credentials are not valid.
            PermissionsUnavailable: nobody may do anything at the moment.
        """
        self.require_policies()
        known = self.serving.authenticator.known(authorization, address)
        if known is not None:
            return known
        return await self.on_newest(lambda serving: serving.authenticator.user(authorization, address))

    async def on_newest(self, work: Callable[[Serving], Awaitable[Result]]) -> Result:
        """Do something with what serves now; if it meets another model in the database, again with that one.

        Args:
            work: must have done nothing if it raises ModelOutOfDate or TablesChanged.

        Raises:
            ModelOutOfDate: there is another model or policy set, but it cannot be taken.
            PermissionsUnavailable: there are no policies that can be taken.
            InternalError: the tables do not fit the model that the database says it has.
        """
        serving = self.serving
        for _ in range(_ATTEMPTS):
            self.require_policies()
            try:
                return await work(serving)
            except (ModelOutOfDate, TablesChanged) as error:
                refused = error
            newer = await self._newer(serving, refused)
            if newer is None:
                break
            serving = newer
        self.require_policies()
        raise answers.unexpected(refused) if isinstance(refused, TablesChanged) else refused

    async def on_files(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Do something that blocks with files, in threads for that: a slow database holds up its own files only."""
        return await asyncio.get_running_loop().run_in_executor(self._filing, work, *arguments)

    @property
    def pools(self) -> tuple[ThreadPool, ...]:
        """Its threads, by what they do."""
        return (*self._threads.pools, self._asking, self._filing)

    def connections(self) -> Mapping[str, PoolUse]:
        """Its connections, those for reads and those for writes."""
        written = self.database.use()
        return {"read": self._reader.use(), "write": written if self._writer is None else written + self._writer.use()}

    def require_writable(self) -> None:
        """Raise :class:`TenantReadonly` if nothing may be changed at the moment."""
        if self.state is not State.ACTIVE:
            raise TenantReadonly(
                say("Nothing can be changed here at the moment: the data is being moved or looked after."),
                hint=say("Reading works. Try the change again later."),
            )

    def relying_party(self) -> RelyingParty:
        """What passkeys are bound to: no page on the host of another tenant, which could have visitors sign for us."""
        return RelyingParty.of(self._settings, self.name).where(lambda host: self._whose(host) in (None, self.name))

    async def refresh(self) -> bool:
        """Take the model and the policies that the database has now; True if they are others than before.

        Raises:
            XrmError: they cannot be taken, or the database does not answer. A model that cannot be taken leaves reads
                to the former; policies that cannot be leave nothing.
        """
        taken = await self._refreshed()
        if not self.caught_up:
            async with self._refreshing:
                await asyncio.get_running_loop().run_in_executor(self._looking, self.catch_up)
        return taken

    async def _refreshed(self) -> bool:
        async with self._refreshing:
            try:
                applied, policies, tables = await asyncio.get_running_loop().run_in_executor(
                    self._looking, self._applied
                )
            except TablesChanged as error:
                raise self._close_to_all(PolicyInvalid("The database has lost its system tables.")) from error
            if policies is None:
                raise self._close_to_all(PolicyInvalid("The database has no policies."))
            if (applied, policies) == (self.serving.fingerprint, self.serving.policies):
                self._trouble = self._refused = None
                if tables == self.serving.engine.tables:
                    return False
                self.serving = self._serving(
                    self.serving.blueprint, tables
                )  # an index, say, that somebody made by hand
                return True
            self._be_patient(f"{applied} {policies}")
            try:
                await self._take()
            except PolicyInvalid as error:
                self._refused = (f"{applied} {policies}", time.monotonic())
                raise self._close_to_all(error) from error
            except XrmError as error:
                self._refused = (f"{applied} {policies}", time.monotonic())
                if self._trouble is None or self._trouble.message != error.message:
                    _log.error("model_not_taken", tenant=self.name, code=error.code, reason=error.message)
                self._trouble = error
                if self.serving.engine.tables is not None:  # what the former model can still read shall be read
                    self.serving = self._serving(self.serving.blueprint, None)
                raise
            self._trouble = self._refused = None
            return True

    def watch(self) -> None:
        """Look for another model again and again, until :meth:`close`."""
        # Not in the name of the request for which a tenant is opened.
        self._watching = asyncio.get_running_loop().create_task(self._watch(), context=Context())

    async def close(self) -> None:
        """Give connections and threads back."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        self._threads.close()
        if self._post is not None:
            self._post.close()
        await self._reader.close()
        if self._writer is not None:
            self._writer.close()
        # A look at the database that is under way would else leave its connection to nobody.
        for threads in (self._asking, self._looking, self._noting):
            await asyncio.get_running_loop().run_in_executor(None, threads.shutdown)
        self.database.close()

    async def _watch(self) -> None:
        failing = False
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await self.refresh()
                await self._keep_statistics()
                failing = False
            except Exception as error:
                if not isinstance(error, XrmError) and not failing:
                    _log.error("watching_failed", tenant=self.name, exc_info=error)
                failing = True

    async def _keep_statistics(self) -> None:
        """Now and then, let SQLite count what its indexes have, and read by that."""
        if not isinstance(self._reader, SqliteReader) or self.state is not State.ACTIVE:
            return
        if time.monotonic() < self._counts_at:
            return
        self._counts_at = time.monotonic() + STATISTICS_SECONDS
        if await self._apart(renew_statistics, self.database):
            self._reader.renew()

    async def _newer(self, than: Serving, refused: XrmError) -> Serving | None:
        """What serves a newer model or newer policies, or None if there are none.

        Where tables have changed, a model may be about to come; policies may have been changed and changed back.
        """
        for look in range(_LOOKS if isinstance(refused, TablesChanged) else 1):
            if look:
                await asyncio.sleep(_LOOK_SECONDS)
            if self.serving is than:
                with contextlib.suppress(XrmError):
                    if not await self.refresh() and isinstance(refused, PermissionsChanged):
                        return than
            if self.serving is not than:
                return self.serving
        return None

    def _close_to_all(self, error: PolicyInvalid) -> PolicyInvalid:
        """Nobody may do anything until policies can be taken: what they would forbid is not known."""
        if self._trouble is None or self._trouble.message != error.message:
            _log.error("policies_not_taken", tenant=self.name, code=error.code, reason=error.message)
        self._trouble = error
        return error

    def require_policies(self) -> None:
        """Raise PermissionsUnavailable if nobody may do anything at the moment."""
        if isinstance(self._trouble, PolicyInvalid):
            raise PermissionsUnavailable(
                "Who may do what cannot be read at the moment, so nobody may do anything.",
                hint="Try again later. Whoever runs the server finds the reason in its log.",
            )

    def _be_patient(self, applied: str) -> None:
        """What could not be taken is looked at again only after a while: that is not cheap."""
        if self._refused is None or self._trouble is None or self._refused[0] != applied:
            return
        if time.monotonic() - self._refused[1] < _LATER_SECONDS:
            raise self._trouble

    async def _take(self) -> None:
        before = self.serving
        serving = self._serving(*await self._apart(blueprint_of, self.database, self._blueprints))
        if serving.policies == before.policies:
            for roles in before.blueprint.authority.known():
                # Whoever asked before will ask again: what they need is made before the first of them waits for it.
                if before.blueprint.authority.access(roles).shape in before.engine.roles.shapes:
                    await serving.engine.warm(serving.blueprint.authority.access(roles))
        # Else it cannot wait: a right that was taken away is gone as soon as that is known.
        self.serving = serving  # requests under way finish on the former; nothing of it has to be closed
        _log.info("model_taken", tenant=self.name, model=serving.fingerprint, policies=serving.policies)

    def _applied(self) -> tuple[str | None, str | None, int | None]:
        with self.database.read(LOOK_SECONDS) as connection:
            return *applied_versions(connection), tables_version(connection)

    def _serving(self, blueprint: Blueprint, tables: int | None) -> Serving:
        records = blueprint.records
        users, authority = records.tables[USER], blueprint.authority
        authenticator = Authenticator(
            self.database,
            users,
            authority,
            threads=self._asking,
            notes=self._noting,
            zone=self._settings.time_zone,
        )
        administrators = Administrators(authority, self._usual)
        changes = OwnChanges(self.database, users, self._passwords, authenticator.forget)
        account = OwnAccount(
            changes,
            OwnTotp(changes, self._box),
            OwnTokens(authority),
            OwnPasskeys(self.relying_party, Challenges(self._box, self.name)),
            UserAdministration(
                UserChanges(changes, records, administrators),
                self._post,
                UserReads(self.database, records.model[USER], self.require_writable),
            ),
            JobAdministration(
                self.database, records.model, authority.policies.version, authenticator.require_still_held
            ),
            WebhookAdministration(
                self.database, authority, self._box, administrators.beyond, authenticator.require_still_held
            ),
            MessageAdministration(
                self.database, records, authority.policies.version, self.name, authenticator.require_still_held
            ),
            WorkflowAdministration(
                self.database,
                records,
                authority.policies.version,
                partial(workflows_of, self._settings, records.plugins),
                authenticator.require_still_held,
            ),
        )
        policies = authority.policies.version
        writer, dialect = self._writer, self.database.dialect
        quick = None if writer is None else QuickWrites(writer, records, dialect, policies, authenticator)
        engine = Engine(
            records,
            self.database,
            self._reading,
            roles=blueprint.roles,
            threads=self._threads,
            administration=self._administration,
            account=account,
            held=authenticator,
            gate=self.require_writable,
            repeats=self._repeats,
            tables=tables,
            policies=policies,
            quick=quick,
            cursors=Cursors(self._settings.secret_key, self.name),
            tenant=self.name,
        )
        return Serving(blueprint, engine, authenticator)

    async def _apart(self, work: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._asking, work, *arguments)


def make_reader(database: Database, timeout: float) -> Reader:
    """The reader for a kind of database; ``timeout`` is in seconds."""
    return SqliteReader(database, timeout) if database.is_sqlite else PostgresReader(database, timeout)
