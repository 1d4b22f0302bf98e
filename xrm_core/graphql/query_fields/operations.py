"""Queries with fields of plugins in them: those and the records beside them are read from one snapshot."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from graphql import GraphQLResolveInfo, OperationDefinitionNode, execute_sync

from xrm_core.errors import ModelOutOfDate, TablesChanged
from xrm_core.graphql import answers
from xrm_core.graphql.answers import Answer
from xrm_core.graphql.bulk import Plain, plain
from xrm_core.graphql.documents import Document
from xrm_core.graphql.executor import Execution, read_record, type_of
from xrm_core.graphql.input_values import known_id
from xrm_core.graphql.meanings import PluginRecord, PluginRoot, Root
from xrm_core.graphql.plans import Plan, Planner, RecordRequest
from xrm_core.graphql.query_fields.context import QueryContext
from xrm_core.graphql.query_fields.registry import QueryFields
from xrm_core.graphql.shaped_types import record_in
from xrm_core.permissions.caller import User
from xrm_core.query.reads import Read
from xrm_core.records.actions.shapes import Kind, RecordOf, Shape, made, told_as
from xrm_core.records.door import Records
from xrm_core.storage.engines import Database
from xrm_core.storage.policy_sets import require_current
from xrm_core.storage.readers import fetch_in

Reads = list[tuple[Read, Sequence[str]]]


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
        coerced: Mapping[str, Any],
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
            coerced: the same, coerced.
            caller: who asks.
            extensions: those of the answer.

        Raises:
            ModelOutOfDate, TablesChanged: the database has another model or other policies.
        """
        calls = plan.calls(values)
        with self.database.read(self.limit(plan, seconds)) as connection:
            require_current(connection, self.planner.model, self.policies)
            shape = document.variables_of(document.operation(operation_name)).plan_key(coerced)
            known = (connection, caller, self.records, self.planner, document, coerced, shape, self.timeout)
            run = Execution(*known)
            results = plan.opened(connection, [fetch_in(connection, call, self.timeout) for call in calls])
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
            answer = self._ask(meaning.query, info.context, arguments)
            record = record_in(self.fields.answer(meaning.query))
            return answer if record is None else self._records(info, record.entity, answer)
        if isinstance(meaning, PluginRecord):
            return self._records(info, meaning.entity, source[info.field_name])
        if isinstance(source, Plain):
            return source[info.field_name]
        return None if source is None else source[str(info.path.key)]

    def _ask(self, name: str, run: Execution, arguments: Mapping[str, Any]) -> Any:
        found, shape = self.fields[name], self.fields.input(name)
        given = () if shape is None else (made(shape, arguments, self.fields.field(found)),)
        most = self.planner.limits.cost
        context = QueryContext(self.records, run.connection, run.caller, found, self.tenant, most)
        try:
            with self.records.plugins.asking(self.fields.plugin(name), name):
                answer = found.run(context, *given)
                context.check()
                told = told_as(self.fields.answer(name), answer, name)
                _require_few(self.fields.answer(name), told, found.records, Counter())
                return plain(told)
        finally:
            run.reads.extend(context.reads)

    def _records(self, info: GraphQLResolveInfo[Any], entity: str, named: Any) -> Any:
        """The records that an answer names, as the document asks for them and the caller may see them."""
        if named is None:
            return None
        if isinstance(named, list):
            return [self._records(info, entity, each) for each in named]
        request = RecordRequest(
            Root("record", entity), list(info.field_nodes), info.parent_type.fields[info.field_name]
        )
        return read_record(info, request, known_id(self.planner.model[entity], named))


def _require_few(kind: Kind, value: Any, most: int, found: Counter[str], place: str = "answer") -> None:
    """Hold the records that an answer names to what the plugin says. Raises ValueError: there are more, or no ids."""
    if value is None:
        return
    if kind.many:
        for each in value:
            _require_few(kind.of, each, most, found, place)
    elif isinstance(kind.of, Shape):
        for part in kind.of.parts:
            _require_few(part.kind, value[part.key], most, found, f"{place}.{part.key}")
    elif isinstance(kind.of, RecordOf):
        UUID(value)
        found[place] += 1
        if found[place] > most:
            raise ValueError(f"{place} names more than {most} records")
