"""The way of a GraphQL request: schema of the role → document → variables → plan → statements → bytes."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from graphql import OperationDefinitionNode, OperationType

from xrm_core.errors import (
    BadQuery,
    BadRequest,
    Busy,
    Forbidden,
    ModelOutOfDate,
    QueryTooLarge,
    TablesChanged,
    Timeout,
    XrmError,
)
from xrm_core.graphql import answers, introspection
from xrm_core.graphql.account_fields import OwnAccount
from xrm_core.graphql.account_operations import AccountOperations, is_about_account
from xrm_core.graphql.administration import Administration
from xrm_core.graphql.answers import Answer
from xrm_core.graphql.asking import Asking
from xrm_core.graphql.costs import CostTooHigh
from xrm_core.graphql.demands import Limits
from xrm_core.graphql.departure import ClientGone, Departure
from xrm_core.graphql.documents import Document
from xrm_core.graphql.dry_runs import is_dry_run
from xrm_core.graphql.executor import Executor, Held
from xrm_core.graphql.feed_operations import FeedOperations
from xrm_core.graphql.feed_plans import feed_plan, is_about_feed
from xrm_core.graphql.limits import DocumentLimits
from xrm_core.graphql.patience import Patience
from xrm_core.graphql.plans import Plan
from xrm_core.graphql.query_fields import QueryFields
from xrm_core.graphql.query_fields.operations import QueryFieldOperations
from xrm_core.graphql.quick_plans import QuickPlan, quick_plan
from xrm_core.graphql.quick_writes import QuickWrites
from xrm_core.graphql.repeats import Repeats
from xrm_core.graphql.roles import Role, Roles
from xrm_core.graphql.schema_operations import SchemaOperations, is_about_schema
from xrm_core.graphql.subscription_operations import Batch, SubscriptionOperations
from xrm_core.graphql.subscription_plans import subscription_plan
from xrm_core.graphql.variables import are_many
from xrm_core.permissions.access import Access
from xrm_core.permissions.caller import User
from xrm_core.query.context import ContextValues
from xrm_core.records import read_log
from xrm_core.records.door import Records
from xrm_core.records.feed.cursors import Cursor, Cursors
from xrm_core.records.idempotency import IdempotencyKeyInvalid, Repeatable, key_of
from xrm_core.storage.engines import Database
from xrm_core.storage.pq_writer import StillHeld
from xrm_core.storage.readers import Reader
from xrm_core.telemetry import tracing
from xrm_core.telemetry.request import note_operation, request_id
from xrm_core.telemetry.threads import ThreadPool
from xrm_core.translation import say, speaking

MAX_WRITES = 100
"""Changes that may be under way or wait at a time; and as many requests about accounts."""

WRITERS = 8
"""Threads in which they are made."""

_AROUND_SECONDS = 0.5  # for what is done before and after functions of plugins
_MOMENT_SECONDS = 0.1

Result = TypeVar("Result")


@dataclass(slots=True)
class Request:
    """A GraphQL request. ``read_only`` refuses mutations (HTTP GET); ``base`` is as in User.

    ``departure`` ends a query when its client has gone. ``tells_cost``: the answer says what it may have cost.
    ``address`` is the client's, for logs. ``view_as`` names another user as whom the caller wants to see things.
    ``idempotency_key`` is the header of this name; queries do not look at it. ``files`` came along: id →
    what is the same when they are sent once more.
    """

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None = None
    read_only: bool = False
    base: str = ""
    departure: Departure | None = None
    tells_cost: bool = False
    address: str | None = None
    view_as: str | None = None
    idempotency_key: str | None = None
    files: Mapping[str, str] | None = None


class MutationByGet(BadRequest):
    """A mutation was sent by GET."""

    code = "MUTATION_BY_GET"
    http_status = 405


class SubscriptionInvalid(Exception):
    """A subscription that cannot be told anything; ``answer`` says why."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class Threads:
    """Threads for the work that blocks, kinds apart: one kind that is held up does not hold up the other."""

    def __init__(self) -> None:
        self.planning = ThreadPool(2, "xrm-plan")
        self.writing = ThreadPool(WRITERS, "xrm-write")
        self.administering = ThreadPool(2, "xrm-schema")
        self.accounts = ThreadPool(4, "xrm-account")  # passwords that are checked take long
        self.following = ThreadPool(4, "xrm-feed")
        self.asking = ThreadPool(4, "xrm-plugin")  # which may take long, or never end

    @property
    def pools(self) -> tuple[ThreadPool, ...]:
        """All of them."""
        return self.planning, self.writing, self.administering, self.accounts, self.following, self.asking

    def close(self) -> None:
        """End them."""
        self.planning.shutdown(wait=False)
        self.writing.shutdown(wait=False)
        self.administering.shutdown(wait=False)
        self.accounts.shutdown(wait=False)
        self.following.shutdown(wait=False)
        self.asking.shutdown(wait=False)


@dataclass
class Engine:
    """Answers GraphQL requests on one model and one database.

    Args:
        records: the write door; its model and tables are those that are read, too.
        database: for transactions of mutations.
        reader: for reads.
        pages: limits on pages and on the cost.
        documents: limits on documents.
        timeout: seconds that a statement may take.
        roles: what is kept of the model's roles with their limits, if others share it; the three limits above, some of
            which roles may have of their own, are for those that are not shared.
        threads: to work in, if others do so, too.
        administration: for changes of the model and of permissions; None: they cannot be changed here.
        account: for what callers ask of their own accounts; None: there are none here.
        tables: version of the tables that the model has, if reads are to hold it.
        policies: digest of the policies under which callers are authorised, if writes are to hold it.
        held: raises an XrmError if a caller has lost by now what they were let in with; for writes.
        gate: raises an XrmError if nothing may be changed at the moment.
        repeats: of changes with an idempotency key.
        executes_reads: graphql-core executes all queries, not only those with introspection in them. The answers are
            the same, and take longer; tests hold the two ways against each other.
        quick: answers simple changes without threads, if it can be done on this database.
        cursors: makes and reads the cursors of the feed of changes.
        tenant: its name; empty for the main database.
    """

    records: Records
    database: Database
    reader: Reader
    pages: Limits = field(default_factory=Limits)
    documents: DocumentLimits = field(default_factory=DocumentLimits)
    timeout: float = 30.0
    roles: Roles = None  # type: ignore[assignment] # set below
    threads: Threads = field(default_factory=Threads)
    administration: Administration | None = None
    account: OwnAccount | None = None
    tables: int | None = None
    policies: str | None = None
    held: Held | None = None
    gate: Callable[[], None] | None = None
    repeats: Repeats = field(default_factory=Repeats)
    executes_reads: bool = False
    quick: QuickWrites | None = None
    cursors: Cursors = field(default_factory=lambda: Cursors(""))
    tenant: str = ""
    _waiting: Counter[str] = field(default_factory=Counter, init=False)
    _patience: Patience = field(default_factory=lambda: Patience(WRITERS // 2), init=False)

    def __post_init__(self) -> None:
        if self.roles is None:
            tables, dialect = self.records.tables, self.reader.dialect
            queries = QueryFields(self.records.plugins, self.records.model, self.records.actions)
            actions = self.records.actions
            self.roles = Roles(tables, dialect, self.pages, self.documents, self.timeout, actions, queries)
        if self.records.asks is None:
            self.records.asks = Asking(self.roles)

    async def execute(self, request: Request, caller: User) -> Answer:
        """Answer a request. What goes wrong is in the answer, but for these errors.

        Raises:
            ModelOutOfDate, TablesChanged: the database has another model, or other policies, by now; nothing was
                done, so the request may be asked again of an engine with those.
            ClientGone: nobody waits for the answer of a query.
        """
        with speaking(caller.language, unless_chosen=True):
            try:
                return await self._execute(request, caller)
            except (ModelOutOfDate, TablesChanged, ClientGone):
                raise
            except CostTooHigh as error:
                return answers.refused(error, extensions={"cost": error.cost} if request.tells_cost else None)
            except XrmError as error:
                return answers.refused(error)
            except RecursionError:
                reason = QueryTooLarge("The query nests too deep.", hint="Ask for the inner records apart.")
                return answers.refused(reason)
            except Exception as error:
                return answers.refused(answers.unexpected(error))

    def at_hand(self, query: str, operation_name: str | None, given: Mapping[str, Any], caller: User) -> bytes | None:
        """The body of the answer to a query if nothing has to be waited for: its plan is known, its records are near.

        Args:
            query: the document.
            operation_name: which of its operations.
            given: variables.
            caller: who asks.

        Returns:
            None: it has to be asked by :meth:`execute`, which also says what is wrong, if anything is.

        Raises:
            XrmError: likewise.
        """
        role = self.roles.known(caller.access)
        document = None if role is None else role.documents.known(query)
        if role is None or document is None or document.errors or are_many(given) or self.executes_reads:
            return None
        operation = document.operation(operation_name)
        if operation.operation is not OperationType.QUERY:
            return None
        role.documents.check_variables(given)
        own = document.variables_of(operation)
        variables = own.coerced(given)
        if isinstance(variables, list):
            return None
        plan: Plan | None = document.plans.get((own.plan_key(variables), False))
        if plan is None or not plan.whole or plan.reads or plan.opens:
            return None
        values = plan.values(variables, ContextValues(caller))
        if values is None:
            return None
        results = self.reader.at_once(plan.calls(values), self.tables)
        return None if results is None else plan.answer(results)

    async def batch(self, request: Request, caller: User, place: Cursor | None) -> Batch:
        """The next changes that a subscription tells.

        Args:
            request: what is asked.
            caller: who asks, with the rights of now.
            place: from where to go on; None: where the subscription says, or from now on.

        Raises:
            SubscriptionInvalid: the document is not a valid one for the caller.
            ModelOutOfDate, TablesChanged: as :meth:`execute`.
            XrmError: whatever else is wrong.
        """
        role, document = await self._document(request, caller)
        if document.errors:
            raise SubscriptionInvalid(answers.invalid(document.errors))
        operation = document.operation(request.operation_name)
        if operation.operation is not OperationType.SUBSCRIPTION:
            raise BadQuery("This is no subscription.")
        role.documents.check_variables(request.variables)
        coerce = document.variables_of(operation).coerced
        if are_many(request.variables):  # which takes so long that the event loop, and all others, would wait for it
            variables = await self._apart(self.threads.planning, coerce, request.variables)
        else:
            variables = coerce(request.variables)
        if isinstance(variables, list):
            raise SubscriptionInvalid(answers.invalid(variables))
        plan = await self._apart(self.threads.planning, subscription_plan, role.planner, document, operation, variables)
        feed = SubscriptionOperations(self.database, role.planner, self.cursors, role.timeout, self.policies)
        call = (plan, document, request.operation_name, request.variables, variables, caller, place)
        found: Batch = await self._apart(self.threads.following, feed.batch, *call)
        if found.reads:
            if self.gate is not None:
                self.gate()
            await self._apart(self.threads.writing, self._keep, found.reads, request, caller, role.timeout)
        return found

    async def subscribes(self, request: Request, caller: User) -> bool:
        """Whether a request is a subscription; what is wrong with it is for :meth:`execute` to say."""
        _, document = await self._document(request, caller)
        name = request.operation_name
        found = document.operations.get(name) if name or len(document.operations) != 1 else None
        found = found or (next(iter(document.operations.values())) if len(document.operations) == 1 else None)
        return found is not None and found.operation is OperationType.SUBSCRIPTION

    async def _document(self, request: Request, caller: User) -> tuple[Role, Document]:
        role = self.roles.known(caller.access) or await self.roles.get(caller.access, self.threads.planning)
        document = role.documents.known(request.query)
        if document is None:
            document = await self._apart(self.threads.planning, role.documents.read, request.query)
            role.documents.keep(request.query, document)
        return role, document

    async def warm(self, access: Access) -> None:
        """Make what a permission shape needs before anybody asks."""
        await self.roles.get(access, self.threads.planning)

    async def _execute(self, request: Request, caller: User) -> Answer:
        role = self.roles.known(caller.access) or await self.roles.get(caller.access, self.threads.planning)
        document = role.documents.known(request.query)
        if document is None:
            with tracing.span("graphql.parse"):
                document = await self._apart(self.threads.planning, role.documents.read, request.query)
            role.documents.keep(request.query, document)
        if document.errors:
            return answers.invalid(document.errors)
        operation = document.operation(request.operation_name)
        if operation.operation is OperationType.SUBSCRIPTION:
            raise BadQuery(
                "A subscription is not answered at once.",
                hint="Ask for it by WebSocket (graphql-transport-ws) or with «Accept: text/event-stream».",
            )
        if request.read_only and operation.operation is not OperationType.QUERY:
            raise MutationByGet("A mutation cannot be sent by GET.", hint="Send it by POST.")
        role.documents.check_variables(request.variables)
        is_query = operation.operation is OperationType.QUERY
        note_operation("query" if is_query else operation.operation.value)
        coerce = document.variables_of(operation).coerced
        many = are_many(request.variables)  # they take so long that the event loop, and all others, would wait for it
        if many:
            variables = await self._apart(self.threads.planning, coerce, request.variables)
        else:
            variables = coerce(request.variables)
        if isinstance(variables, list):
            return answers.invalid(variables)
        if is_query:
            return await self._query(role, document, operation, request, variables, caller)
        if caller.viewer is not None:
            raise Forbidden(
                say("Who views as somebody else changes nothing."), hint=say("Leave out the header X-View-As.")
            )
        if self.gate is not None:
            self.gate()
        timeout, acting = role.timeout, caller.led_by(_causes(caller))
        waits = False  # for what others hold
        if self.quick is not None and request.idempotency_key is None and not (request.tells_cost or many):
            began = time.monotonic()
            try:
                found = await self._quickly(self.quick, role, document, operation, variables, acting)
            except StillHeld:
                found, waits = None, True
            if found is not None:
                return found
            timeout = _left(timeout, began)
        if is_about_schema(role.planner, document, operation, variables):
            _refuse_key(request)
            return await self._administer(role, document, request, caller)
        change, _ = role.planner.known_change(document, operation, variables)
        if change is None:
            change = await self._apart(self.threads.planning, role.planner.change, document, operation, variables)
        if many:
            await self._apart(self.threads.planning, change.check, variables)
            told = await self._apart(self.threads.planning, change.cost, variables) if request.tells_cost else None
        else:
            change.check(variables)
            told = change.cost(variables) if request.tells_cost else None
        extensions = None if told is None else {"cost": told}
        if is_about_account(role.planner, document, operation, variables):
            role.documents.forget(request.query)  # a password may stand in it
            _refuse_key(request)
            return await self._ask_account(role, document, request, caller, extensions)
        dry = is_dry_run(role.planner, document, operation, variables)
        repeatable = None if dry else _repeatable(request, caller)
        executor = Executor(
            self.database,
            self.records,
            role.planner,
            timeout,
            self.policies,
            self.held,
            dry,
            repeatable,
            self.repeats.kept_for,
        )
        call = (
            document,
            request.operation_name,
            dict(request.variables),
            variables,
            acting,
            extensions,
            request.address,
        )
        with nullcontext() if repeatable is None else self.repeats.alone(repeatable):
            if not waits:
                return await self._write(executor.run, *call)
            with self._waits("writing"):
                async with self._patience.turn():
                    return await self._apart(self.threads.writing, executor.run, *call)

    async def _quickly(
        self,
        quick: QuickWrites,
        role: Role,
        document: Document,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
        caller: User,
    ) -> Answer | None:
        """The answer to a change that has a plan, if it goes well; None: nothing was done."""
        key = (document.variables_of(operation).plan_key(variables), "quick")
        if key not in document.plans:
            call = (role.planner, document, operation, variables)
            made = None
            with suppress(XrmError):  # what is wrong with it is said below
                made = await self._apart(self.threads.planning, quick_plan, *call)
            document.remember(key, made)
        plan: QuickPlan | None = document.plans.get(key)
        if plan is None or not quick.are_possible(plan.kind):
            return None
        with self._waits("writing"):
            return await quick.answer(plan, variables, caller, role.timeout)

    async def _write(self, work: Callable[..., Answer], *arguments: Any) -> Answer:
        return await self._in_turn("writing", self.threads.writing, work, *arguments)

    async def _in_turn(
        self, kind: str, threads: ThreadPoolExecutor, work: Callable[..., Answer], *arguments: Any
    ) -> Answer:
        with self._waits(kind):
            return await self._apart(threads, work, *arguments)

    @contextmanager
    def _waits(self, kind: str) -> Iterator[None]:
        """One more waits, unless there are too many."""
        if self._waiting[kind] >= MAX_WRITES:
            raise Busy(
                say("Too many changes are waiting already; nothing was done."), hint=say("Try again in a moment.")
            )
        self._waiting[kind] += 1
        try:
            yield
        finally:
            self._waiting[kind] -= 1

    async def _ask_account(
        self,
        role: Role,
        document: Document,
        request: Request,
        caller: User,
        extensions: Mapping[str, Any] | None,
    ) -> Answer:
        if self.account is None:
            raise BadQuery("Accounts cannot be seen or changed here.")
        operations = AccountOperations(self.account, self.database, role.planner)
        call = (document, request.operation_name, request.variables, caller, request.address, extensions)
        return await self._in_turn("accounts", self.threads.accounts, operations.run, *call)

    async def _administer(self, role: Role, document: Document, request: Request, caller: User) -> Answer:
        if self.administration is None:
            raise BadQuery("The schema and the permissions cannot be seen or changed here.")
        operations = SchemaOperations(self.administration, self.database, role.planner, self.policies)
        call = (operations.run, document, request.operation_name, request.variables, caller)
        answer = await self._apart(self.threads.administering, *call)
        await self.administration.follow()
        return answer

    @staticmethod
    async def _apart(threads: ThreadPoolExecutor, work: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(threads, work, *arguments)

    def close(self) -> None:
        """End the threads."""
        self.threads.close()

    async def _query(
        self,
        role: Role,
        document: Document,
        operation: OperationDefinitionNode,
        request: Request,
        variables: Mapping[str, Any],
        caller: User,
    ) -> Answer:
        key = (document.variables_of(operation).plan_key(variables), self.executes_reads)
        plan: Plan | None = document.plans.get(key)
        values = None if plan is None else plan.values(variables, ContextValues(caller))
        if plan is None or values is None:
            plan, values = await self._ready(key, role, document, operation, variables, caller)
        extensions = plan.extensions(variables) if request.tells_cost else None
        if not plan.whole and is_about_schema(role.planner, document, operation, variables):
            return await self._administer(role, document, request, caller)
        if not plan.whole and is_about_account(role.planner, document, operation, variables):
            return await self._ask_account(role, document, request, caller, extensions)
        if not plan.whole and is_about_feed(role.planner, document, operation, variables):
            return await self._follow(role, document, operation, request, variables, caller)
        if not plan.whole:
            asking = self._asking_plugins(role)
            seconds = asking.seconds(document, operation, variables)
            if seconds:
                ask = (plan, values, seconds, document, request.operation_name, request.variables, variables, caller)
                return await self._ask_plugins(asking, ask, request, extensions)
        calls = plan.calls(values)
        results = self.reader.at_once(calls, self.tables) if calls else []
        at_hand = results is not None and not plan.reads
        if results is None:
            reading = self.reader.fetch(calls, self.tables, role.timeout, wide=plan.wide)
            results = await (reading if request.departure is None else request.departure.during(reading))
        if plan.opens:
            results = await self._apart(self.threads.asking, self._opened, plan, results, role.timeout)
        if plan.reads:
            results = await self._logged(plan, results, request, caller, role)
        if plan.whole:
            return Answer(plan.answer(results, extensions), at_hand=at_hand)
        records = dict(zip(plan.keys(), results, strict=True))
        call = (document, request.operation_name, request.variables, records, extensions)
        return await self._apart(self.threads.planning, introspection.execute, role.schema, *call)

    async def _follow(
        self,
        role: Role,
        document: Document,
        operation: OperationDefinitionNode,
        request: Request,
        variables: Mapping[str, Any],
        caller: User,
    ) -> Answer:
        """The answer of the feed of changes."""
        plan = await self._apart(self.threads.planning, feed_plan, role.planner, document, operation, variables)
        feed = FeedOperations(self.database, role.planner, self.cursors, role.timeout, self.policies)
        extensions = {"cost": plan.demands.cost(variables)} if request.tells_cost else None
        call = (plan, document, request.operation_name, request.variables, variables, caller, extensions)
        following = self._apart(self.threads.following, feed.run, *call)
        answer, reads = await (following if request.departure is None else request.departure.during(following))
        if reads:
            if self.gate is not None:
                self.gate()
            await self._apart(self.threads.writing, self._keep, reads, request, caller, role.timeout)
        return answer

    def _asking_plugins(self, role: Role) -> QueryFieldOperations:
        found = (self.roles.queries, role.planner, role.timeout)
        return QueryFieldOperations(self.database, self.records, *found, self.policies, self.tenant)

    async def _ask_plugins(
        self,
        asking: QueryFieldOperations,
        call: tuple[Any, ...],
        request: Request,
        extensions: Mapping[str, Any] | None,
    ) -> Answer:
        """The answer to a query with fields of plugins; who hangs in one is not waited for."""
        if self._waiting["asking"] >= MAX_WRITES:
            raise Busy(say("Too many queries of plugins are waiting already."), hint=say("Try again in a moment."))
        self._waiting["asking"] += 1
        plan, _, seconds, *_, caller = call
        limit = asking.limit(plan, seconds) + _AROUND_SECONDS
        working = self._apart(self.threads.asking, asking.run, *call, extensions)
        try:
            async with asyncio.timeout(limit):
                answer, reads = await (working if request.departure is None else request.departure.during(working))
        except TimeoutError:
            raise Timeout(
                say("It took longer than {seconds:g} s.", seconds=limit - _AROUND_SECONDS),
                hint=say("Ask for less at a time."),
            ) from None
        finally:
            self._waiting["asking"] -= 1
        if reads:
            if self.gate is not None:
                self.gate()
            await self._apart(self.threads.writing, self._keep, reads, request, caller, asking.timeout)
        return answer

    async def _logged(
        self, plan: Plan, results: list[bytes | None], request: Request, caller: User, role: Role
    ) -> list[bytes | None]:
        """The answers without their marks, once it is kept what they show. Without log, no answer."""
        if self.gate is not None:
            self.gate()
        cleaned, reads = plan.shown(results)
        await self._apart(self.threads.writing, self._keep, reads, request, caller, role.timeout)
        return cleaned

    def _opened(self, plan: Plan, results: list[bytes | None], timeout: float) -> list[bytes | None]:
        with self.database.read(timeout) as connection:
            return plan.opened(connection, results)

    def _keep(self, reads: read_log.Reads, request: Request, caller: User, timeout: float) -> None:
        with self.database.begin(timeout) as connection:
            read_log.write(connection, caller, request.address, reads)

    async def _ready(
        self,
        key: Any,
        role: Role,
        document: Document,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
        caller: User,
    ) -> tuple[Plan, dict[str, Any]]:
        """The plan of a query with its values, made if need be."""
        make = partial(role.planner.plan, document, operation, variables, executed=self.executes_reads)
        while True:
            plan: Plan | None = document.plans.get(key)
            if plan is None:
                with tracing.span("graphql.plan"):
                    plan = await self._apart(self.threads.planning, make)
                document.remember(key, plan)
            values = plan.values(variables, ContextValues(caller))
            if values is not None:
                return plan, values
            document.plans.pop(key, None)  # other cursor values are empty now than when it was made


def _left(seconds: float, began: float) -> float:
    """What is left of the time for a change of which a try has failed; a moment does not count."""
    spent = time.monotonic() - began
    return seconds if spent < _MOMENT_SECONDS else max(seconds - spent, _MOMENT_SECONDS)


def _repeatable(request: Request, caller: User) -> Repeatable | None:
    """A change with a key; None: it has none. Raises IdempotencyKeyInvalid."""
    if request.idempotency_key is None:
        return None
    variables = _with(request.variables, request.files) if request.files else request.variables
    content = [request.query, request.operation_name, variables, request.tells_cost]
    return Repeatable(key_of(request.idempotency_key), caller, content)


def _with(value: Any, files: Mapping[str, str]) -> Any:
    """Variables with what stands for files in place of their ids, which are others each time they are sent."""
    if isinstance(value, Mapping):
        return {name: _with(each, files) for name, each in value.items()}
    if isinstance(value, list):
        return [_with(each, files) for each in value]
    return files.get(value, value) if isinstance(value, str) else value


def _refuse_key(request: Request) -> None:
    """Nobody shall take a change for repeatable that is not: its answer may be a secret that is told once."""
    if request.idempotency_key is not None:
        raise IdempotencyKeyInvalid(
            say("Changes of accounts, of the schema and of permissions take no Idempotency-Key; nothing was done."),
            hint=say("Leave the header out."),
        )


def _causes(caller: User) -> tuple[tuple[str, str], ...]:
    """What leads to the changes of a request, for the change log."""
    token = () if caller.token is None else (("token", caller.token),)
    return (("request", request_id()), *token)
