"""Operation → plan: one statement per root field, compiled once, run many times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from graphql import FieldNode, GraphQLField, OperationDefinitionNode, OperationType, get_named_type
from sqlalchemy import Connection

from xrm_core.changes.opening import IN_ANSWER, in_answers
from xrm_core.graphql.action_costs import demand as demand_action
from xrm_core.graphql.arguments import Arguments, Getter
from xrm_core.graphql.costs import ACCOUNT
from xrm_core.graphql.demands import Demands, Limits
from xrm_core.graphql.documents import Document
from xrm_core.graphql.meanings import AccountField, ActionRoot, Meaning, PluginRoot, Root
from xrm_core.graphql.merge_costs import demand as demand_merge
from xrm_core.graphql.query_fields.costs import demand as demand_plugin
from xrm_core.graphql.schema import RoleSchema
from xrm_core.graphql.selection import RECORD_ID, Selections
from xrm_core.metadata.model import Model
from xrm_core.metadata.predicate import Param
from xrm_core.query.reads import Marker, Read, cut, logs_reads
from xrm_core.query.roots import Record, Request
from xrm_core.query.scan import Scope
from xrm_core.query.statement import Statement, compile_request
from xrm_core.storage.readers import Call

MANY = 100
READS = ("record", "merged_into", "connection", "trash", "aggregate", "node", "nodes", "search")


@dataclass(frozen=True)
class Step:
    """One root field: a statement, or a constant (``__typename``)."""

    key: str
    prefix: bytes
    statement: Statement | None
    constant: bytes = b""


@dataclass(frozen=True)
class Plan:
    """How an operation of reads is answered.

    ``whole``: the statements' answers are all of it. If they are not, graphql-core's executor puts the answer together.
    ``reads`` is what it shows of entities whose reads are logged; the answers of the statements have marks then.
    ``wide``: they look into :data:`MANY` tables or more, as ``node(id)`` does in a large model.
    """

    steps: tuple[Step, ...]
    getters: Mapping[str, Getter]
    demands: Demands
    whole: bool = True
    wide: bool = False
    reads: tuple[Read, ...] = ()

    @cached_property
    def _only(self) -> bytes | None:
        """What stands before the answer of the one statement, if there is only one."""
        alone = len(self.steps) == 1 and self.steps[0].statement is not None
        return b'{"data":{' + self.steps[0].prefix if alone else None

    @cached_property
    def opens(self) -> bool:
        """Whether the answers of the statements may have closed values of the change log, which are to be opened."""
        return any(step.statement is not None and IN_ANSWER in step.statement.sql for step in self.steps)

    def values(self, variables: Mapping[str, Any], found: dict[str, Any]) -> dict[str, Any] | None:
        """Bind values of a request; None if its cursors need another plan (other values in them are empty).

        Args:
            variables: of the document.
            found: the values of the caller, to which these are added.

        Raises:
            BadCursor, BadQuery, QueryTooLarge: a cursor or a page size out of the variables cannot be used.
        """
        for name, getter in self.getters.items():
            found[name] = getter(variables)
        self.demands.check(variables)
        for use in self.demands.cursors:
            values = use.values(use.getter(variables))
            if tuple(value is None for value in values) != use.nulls:
                return None
            found.update(zip(use.names, values, strict=True))
        return found

    def calls(self, values: Mapping[str, Any]) -> list[Call]:
        """The statements with their values."""
        return [step.statement.call(values) for step in self.steps if step.statement]

    def opened(self, connection: Connection, results: list[bytes | None]) -> list[bytes | None]:
        """The answers of the statements with nothing closed in them; ``connection`` is of the database that answered.

        Raises:
            SealingUnavailable: there is no key store, or it is not that of this data.
        """
        return in_answers(connection, results) if self.opens else results

    def shown(self, results: list[bytes | None]) -> tuple[list[bytes | None], list[tuple[Read, Sequence[str]]]]:
        """The answers of the statements without marks, and what they show of entities whose reads are logged."""
        marked: dict[int, list[str]] = {}
        cleaned: list[bytes | None] = []
        for result in results:
            text, found = (result, {}) if result is None else cut(result)
            cleaned.append(text)
            marked |= found  # each mark stands in one statement only
        return cleaned, [(read, marked.get(number, ())) for number, read in enumerate(self.reads)]

    def keys(self) -> list[str]:
        """The response keys of the statements."""
        return [step.key for step in self.steps if step.statement]

    def extensions(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """What the answer says about itself: what it may cost, and how much it might."""
        return {"cost": self.demands.cost(variables)}

    def answer(self, results: list[bytes | None], extensions: Mapping[str, Any] | None = None) -> bytes:
        """``{"data": …}`` out of the answers of the statements, with ``extensions`` if they are given."""
        if self._only is not None and extensions is None:
            return b"%b%b}}" % (self._only, results[0] or b"null")
        answers = iter(results)
        parts = (
            step.prefix + (step.constant if step.statement is None else next(answers) or b"null") for step in self.steps
        )
        more = b"" if extensions is None else b',"extensions":' + orjson.dumps(extensions)
        return b'{"data":{' + b",".join(parts) + b"}" + more + b"}"


@dataclass(frozen=True)
class Planner:
    """Makes plans for one role's schema.

    Args:
        model: the model.
        role: the role's schema.
        scope: what statements are compiled for.
        limits: sizes of pages.
    """

    model: Model
    role: RoleSchema
    scope: Scope
    limits: Limits

    def plan(
        self,
        document: Document,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
        *,
        executed: bool = False,
    ) -> Plan:
        """The plan of a query: all of its root fields that read records.

        Args:
            document: where it stands.
            operation: the query.
            variables: coerced.
            executed: make the plan for the executor, even if records are all that is asked for.

        Raises:
            BadCursor, BadQuery, QueryTooLarge: it cannot be answered.
        """
        arguments = Arguments(variables)
        demands = Demands(variables, arguments, self.limits)
        requests = None if executed else self.requests(document, operation, arguments, demands)
        whole = requests is not None
        if requests is None:
            arguments = Arguments(variables)
            demands = Demands(variables, arguments, self.limits)
            requests = self._records(self.selections(document, arguments, demands, typenames=True), operation)
        marker = Marker(self.model) if logs_reads(self.model) else None
        steps = []
        for key, request in requests.items():
            prefix = f'"{key}":'.encode()
            if request is None:
                steps.append(Step(key, prefix, None, b'"Query"'))
            else:
                marked = request if marker is None else marker.request(request)
                steps.append(Step(key, prefix, compile_request(self.scope, marked)))
        wide = any(len(getattr(request, "branches", ())) >= MANY for request in requests.values())
        return Plan(tuple(steps), arguments.getters, demands, whole, wide, () if marker is None else marker.reads)

    def requests(
        self, document: Document, operation: OperationDefinitionNode, arguments: Arguments, demands: Demands
    ) -> dict[str, Request | None] | None:
        """The requests of an operation by key (``__typename``: None), or None if not all root fields read records."""
        selections = self.selections(document, arguments, demands)
        query = self.role.graphql.query_type
        if query is None:
            return None
        names = (nodes[0].name.value for nodes in selections.collect([operation.selection_set], query).values())
        if not all(name == "__typename" or self._read(name) for name in names):
            return None
        return self._records(selections, operation)

    def _records(self, selections: Selections, operation: OperationDefinitionNode) -> dict[str, Request | None]:
        """The requests of those root fields that read records, and ``__typename``."""
        query = self.role.graphql.query_type
        found: dict[str, Request | None] = {}
        if query is None:
            return found
        for key, nodes in selections.collect([operation.selection_set], query).items():
            name = nodes[0].name.value
            root = self._read(name)
            if root is not None:
                found[key] = selections.root(root, nodes, query.fields[name])
            elif name == "__typename":
                found[key] = None
            else:
                meaning = self.role.meanings.get("Query", name)
                if isinstance(meaning, AccountField):
                    with selections.demands.costs.at(key):
                        selections.demands.costs.add(ACCOUNT)
                elif isinstance(meaning, PluginRoot):
                    demand_plugin(selections, meaning, nodes, query.fields[name])
        return found

    def _read(self, name: str) -> Root | None:
        meaning = self.role.meanings.get("Query", name)
        return meaning if isinstance(meaning, Root) and meaning.kind in READS else None

    def roots(
        self, document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]
    ) -> list[Meaning | None]:
        """What the root fields of an operation stand for; those of GraphQL's own are left out."""
        key = (document.variables_of(operation).plan_key(variables), "roots")
        found: list[Meaning | None] | None = document.plans.get(key)
        if found is None:
            found = self._roots(document, operation, variables)
            document.remember(key, found)
        return found

    def _roots(
        self, document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]
    ) -> list[Meaning | None]:
        query = operation.operation is OperationType.QUERY
        root = self.role.graphql.query_type if query else self.role.graphql.mutation_type
        if root is None:
            return []
        arguments = Arguments(variables)
        selections = self.selections(document, arguments, Demands(variables, arguments, self.limits))
        fields = selections.collect([operation.selection_set], root).values()
        names = [nodes[0].name.value for nodes in fields]
        return [self.role.meanings.get(root.name, name) for name in names if not name.startswith("__")]

    def change(self, document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> Demands:
        """The demands of all root fields of a mutation together; remembered with the document.

        Raises:
            BadCursor, BadQuery, QueryTooLarge: what it answers with cannot be asked for.
        """
        found, key = self.known_change(document, operation, variables)
        root = self.role.graphql.mutation_type
        if found is None:
            arguments = Arguments(variables)
            found = Demands(variables, arguments, self.limits)
            selections = self.selections(document, arguments, found)
            fields = selections.collect([operation.selection_set], root) if root is not None else {}
            for key_, nodes in fields.items():
                name = nodes[0].name.value
                meaning = self.role.meanings.get("Mutation", name)
                if (
                    root is not None
                    and isinstance(meaning, Root)
                    and (meaning.kind.endswith("_many") or meaning.kind == "purge")
                ):
                    selections.written(self.model[meaning.entity], nodes, root.fields[name])
                elif root is not None and isinstance(meaning, Root) and meaning.kind == "upsert":
                    selections.upserted(nodes, root.fields[name])
                elif root is not None and isinstance(meaning, Root) and meaning.kind == "merge":
                    demand_merge(selections, self.model[meaning.entity], nodes, root.fields[name])
                elif root is not None and isinstance(meaning, Root):
                    selections.changed(meaning.entity, nodes, root.fields[name])
                elif root is not None and isinstance(meaning, ActionRoot):
                    demand_action(selections, meaning, nodes, root.fields[name])
                elif isinstance(meaning, AccountField):
                    with found.costs.at(key_):
                        found.costs.add(ACCOUNT)
            document.remember(key, found)
        return found

    @staticmethod
    def known_change(
        document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]
    ) -> tuple[Demands | None, Any]:
        """What :meth:`change` remembers of an earlier request, if there is something, and its key."""
        key = (document.variables_of(operation).plan_key(variables), "change")
        return document.plans.get(key), key

    def field_plan(
        self, request: "FieldRequest", document: Document, variables: Mapping[str, Any], *, key: Any
    ) -> Plan:
        """The plan of one root field of a mutation; remembered with the document."""
        found: Plan | None = document.plans.get(key)
        if found is None:
            arguments = Arguments(variables)
            demands = Demands(variables, arguments, self.limits)
            selections = self.selections(document, arguments, demands, typenames=True)
            marker, asked = Marker(self.model), request.build(selections)
            if logs_reads(self.model):
                asked = marker.request(asked)
            statement = compile_request(self.scope, asked)
            found = Plan((Step("", b"", statement),), arguments.getters, demands, reads=marker.reads)
            document.remember(key, found)
        return found

    def selections(
        self, document: Document, arguments: Arguments, demands: Demands, *, typenames: bool = False
    ) -> Selections:
        """A translator for selections of a document."""
        return Selections(
            self.model,
            self.role.graphql,
            self.role.meanings,
            document.fragments,
            arguments,
            demands,
            typenames=typenames,
        )


@dataclass(frozen=True)
class FieldRequest:
    """The record that a mutation answers with."""

    root: Root
    nodes: list[FieldNode]
    definition: GraphQLField

    def build(self, selections: Selections) -> Request:
        """The request of the field."""
        return selections.changed(self.root.entity, self.nodes, self.definition)


@dataclass(frozen=True)
class RecordRequest(FieldRequest):
    """A record in what a plugin answers."""

    def build(self, selections: Selections) -> Request:
        """The request of the field."""
        type_: Any = get_named_type(self.definition.type)
        with selections.demands.costs.inside():
            sets = [node.selection_set for node in self.nodes]
            return Record(self.root.entity, Param(RECORD_ID), selections.record(sets, type_))
