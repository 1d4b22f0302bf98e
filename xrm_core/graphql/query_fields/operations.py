"""Queries with fields of plugins in them: those and the records beside them are read from one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import GraphQLResolveInfo, OperationDefinitionNode, execute_sync
from sqlalchemy import Connection

from xrm_core.errors import ModelOutOfDate, TablesChanged
from xrm_core.graphql import answers
from xrm_core.graphql.answers import Answer
from xrm_core.graphql.bulk import Plain, plain
from xrm_core.graphql.documents import Document
from xrm_core.graphql.executor import type_of
from xrm_core.graphql.meanings import PluginRoot
from xrm_core.graphql.plans import Plan, Planner
from xrm_core.graphql.query_fields.context import QueryContext
from xrm_core.graphql.query_fields.registry import QueryFields
from xrm_core.permissions.caller import User
from xrm_core.query.reads import Read
from xrm_core.records.actions.shapes import made, told_as
from xrm_core.records.door import Records
from xrm_core.storage.engines import Database
from xrm_core.storage.policy_sets import require_current
from xrm_core.storage.readers import fetch_in

Reads = list[tuple[Read, Sequence[str]]]


@dataclass(frozen=True)
class _Run:
    """One operation under way, as resolvers see it."""

    connection: Connection
    caller: User
    reads: Reads = field(default_factory=list)


@dataclass(frozen=True)
class QueryFieldOperations:
    """Executes them. Blocking.

    ``policies`` is the digest of those under which the caller is authorised, if they are to be held; ``timeout`` the
    seconds that statements for records may take, ``tenant`` the name of the tenant.
    """

    database: Database
    records: Records
    fields: QueryFields
    planner: Planner
    timeout: float
    policies: str | None = None
    tenant: str = ""

    def seconds(self, document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> float:
        """What the fields of plugins in an operation may take together; 0: there are none in it."""
        roots = self.planner.roots(document, operation, variables)
        return sum(self.fields[root.query].seconds for root in roots if isinstance(root, PluginRoot))

    def limit(self, plan: Plan, seconds: float) -> float:
        """Seconds that all of an operation may take: as many for fields of plugins, and the usual time for records."""
        return seconds + (self.timeout if plan.keys() else 0)

    def run(
        self,
        plan: Plan,
        values: Mapping[str, Any],
        seconds: float,
        document: Document,
        operation_name: str | None,
        raw: Mapping[str, Any],
        caller: User,
        extensions: Mapping[str, Any] | None = None,
    ) -> tuple[Answer, Reads]:
        """The answer to an operation, and what it shows of entities whose reads are logged.

        Args:
            plan: of the records in it.
            values: for the statements of that.
            seconds: as of :meth:`seconds`.
            document: parsed and valid.
            operation_name: which operation; None if there is one.
            raw: variables as the client sent them.
            caller: who asks.
            extensions: those of the answer.

        Raises:
            ModelOutOfDate, TablesChanged: the database has another model or other policies.
        """
        calls = plan.calls(values)
        with self.database.read(self.limit(plan, seconds)) as connection:
            require_current(connection, self.planner.model, self.policies)
            run = _Run(connection, caller)
            results = [fetch_in(connection, call, self.timeout) for call in calls]
            if plan.reads:
                results, shown = plan.shown(results)
                run.reads.extend(shown)
            texts = zip(plan.keys(), results, strict=True)
            outcome = execute_sync(
                self.planner.role.graphql,
                document.ast,  # type: ignore[arg-type] # valid documents have one
                root_value={key: None if text is None else orjson.loads(text) for key, text in texts},
                variable_values=dict(raw),
                operation_name=operation_name,
                context_value=run,
                field_resolver=self._resolve,
                type_resolver=type_of,
            )
        for error in outcome.errors or ():
            cause = answers.cause(error)
            reason = self.database.understood(cause) or cause
            if isinstance(reason, ModelOutOfDate | TablesChanged):
                raise reason
        return answers.result(outcome.data, outcome.errors, self.database.understood, extensions), run.reads

    def _resolve(self, source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        meaning = self.planner.role.meanings.get(info.parent_type.name, info.field_name)
        if isinstance(meaning, PluginRoot):
            return self._ask(meaning.query, info.context, arguments)
        if isinstance(source, Plain):
            return source[info.field_name]
        return None if source is None else source[str(info.path.key)]

    def _ask(self, name: str, run: _Run, arguments: Mapping[str, Any]) -> Any:
        found, shape = self.fields[name], self.fields.input(name)
        given = () if shape is None else (made(shape, arguments, self.fields.field(found)),)
        most = self.planner.limits.cost
        context = QueryContext(self.records, run.connection, run.caller, found, self.tenant, most)
        try:
            with self.records.plugins.asking(self.fields.plugin(name), name):
                answer = found.run(context, *given)
                context.check()
                return plain(told_as(self.fields.answer(name), answer, name))
        finally:
            run.reads.extend(context.reads)
