"""The way of a GraphQL request: schema of the role → document → variables → plan → statements → bytes."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from graphql import OperationDefinitionNode, OperationType
from graphql.execution.values import get_variable_values

from xrm_core.errors import BadRequest, Busy, QueryTooLarge, XrmError
from xrm_core.graphql import answers
from xrm_core.graphql.answers import Answer
from xrm_core.graphql.demands import Limits
from xrm_core.graphql.documents import MAX_ERRORS, Document, Documents
from xrm_core.graphql.executor import Executor
from xrm_core.graphql.limits import DocumentLimits
from xrm_core.graphql.plans import Plan, Planner
from xrm_core.graphql.schema import RoleSchema, build
from xrm_core.permissions.access import Access
from xrm_core.permissions.caller import User
from xrm_core.query.predicates import context_values
from xrm_core.query.scan import Scope
from xrm_core.records.door import Records
from xrm_core.storage.engines import Database
from xrm_core.storage.readers import Reader

MAX_ROLES = 64
MAX_WRITES = 100
"""Changes that may be under way or wait at a time."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Request:
    """A GraphQL request. ``read_only`` refuses mutations (HTTP GET)."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None = None
    read_only: bool = False


class MutationByGet(BadRequest):
    """A mutation was sent by GET."""

    code = "MUTATION_BY_GET"
    http_status = 405


@dataclass(frozen=True)
class _Role:
    """Everything that is kept for one permission shape."""

    schema: RoleSchema
    documents: Documents
    planner: Planner
    executor: Executor


@dataclass
class Engine:
    """Answers GraphQL requests on one model and one database.

    Args:
        records: the write door; its model and tables are those that are read, too.
        database: for transactions of mutations.
        reader: for reads.
        pages: sizes of pages.
        documents: limits on documents.
        timeout: seconds that a statement of a mutation may take.
    """

    records: Records
    database: Database
    reader: Reader
    pages: Limits = field(default_factory=Limits)
    documents: DocumentLimits = field(default_factory=DocumentLimits)
    timeout: float = 30.0
    _roles: OrderedDict[str, _Role] = field(default_factory=OrderedDict, init=False)
    _building: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _writes: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        # Threads of their own for each kind of work: one that is held up does not hold up the others.
        self._planning = ThreadPoolExecutor(2, thread_name_prefix="xrm-plan")
        self._writing = ThreadPoolExecutor(8, thread_name_prefix="xrm-write")

    async def execute(self, request: Request, caller: User) -> Answer:
        """Answer a request. Never raises: what goes wrong is in the answer."""
        try:
            return await self._execute(request, caller)
        except XrmError as error:
            return answers.refused(error)
        except RecursionError:
            return answers.refused(QueryTooLarge("The query nests too deep.", hint="Ask for the inner records apart."))
        except Exception as error:
            return answers.refused(answers.unexpected(error))

    async def _execute(self, request: Request, caller: User) -> Answer:
        role = self._roles.get(caller.access.shape) or await self._role(caller.access)
        document = role.documents.known(request.query)
        if document is None:
            document = await self._apart(self._planning, role.documents.read, request.query)
            role.documents.keep(request.query, document)
        if document.errors:
            return answers.invalid(document.errors)
        operation = document.operation(request.operation_name)
        if request.read_only and operation.operation is not OperationType.QUERY:
            raise MutationByGet("A mutation cannot be sent by GET.", hint="Send it by POST.")
        coerced = get_variable_values(
            role.schema.graphql,
            operation.variable_definitions or (),
            dict(request.variables),
            max_errors=MAX_ERRORS,
            hide_suggestions=True,
        )
        if isinstance(coerced, list):
            return answers.invalid(coerced)
        variables = coerced.coerced
        if operation.operation is OperationType.QUERY:
            ready = await self._ready(role, document, operation, variables, caller)
            if ready is not None:
                plan, values = ready
                return Answer(plan.answer(await self.reader.fetch(plan.calls(values))))
        call = (role.executor.run, document, request.operation_name, dict(request.variables), variables, caller)
        if operation.operation is OperationType.QUERY:
            return await self._apart(self._planning, *call)
        if self._writes >= MAX_WRITES:
            raise Busy("Too many changes are waiting already; nothing was done.", hint="Try again in a moment.")
        self._writes += 1
        try:
            return await self._apart(self._writing, *call)
        finally:
            self._writes -= 1

    @staticmethod
    async def _apart(threads: ThreadPoolExecutor, work: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(threads, work, *arguments)

    def close(self) -> None:
        """End the threads."""
        self._planning.shutdown(wait=False)
        self._writing.shutdown(wait=False)

    async def _ready(
        self,
        role: _Role,
        document: Document,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
        caller: User,
    ) -> tuple[Plan, dict[str, Any]] | None:
        """The plan of a query with its values, or None if the executor has to take it."""
        key = role.planner.key(operation, variables)
        context = context_values(caller)
        for _ in range(2):
            plan: Plan | None = document.plans.get(key)
            if plan is None and key not in document.plans:
                plan = await self._apart(self._planning, role.planner.plan, document, operation, variables)
                document.remember(key, plan)
            if plan is None:
                return None
            values = plan.values(variables, context)
            if values is not None:
                return plan, values
            document.plans.pop(key, None)  # other cursor values are empty now than when it was made
        return None

    async def _role(self, access: Access) -> _Role:
        async with self._building:
            found = self._roles.get(access.shape)
            if found is None:
                found = await self._apart(self._planning, self._build, access)
                if len(self._roles) >= MAX_ROLES:
                    self._roles.popitem(last=False)
                self._roles[access.shape] = found
        return found

    def _build(self, access: Access) -> _Role:
        model = self.records.model
        schema = build(model, access)
        scope = Scope(model, self.records.tables, access, self.reader.dialect)
        planner = Planner(model, schema, scope, self.pages)
        executor = Executor(self.database, self.records, planner, self.timeout)
        return _Role(schema, Documents(schema.graphql, self.documents), planner, executor)
