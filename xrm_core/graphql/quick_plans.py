"""Mutations with one root field that creates or changes one record: what they do is worked out once for a document.

Then arguments are taken out of the variables, and the answer is the text of one statement, without graphql-core's
executor. What is not as simple as that has no such plan.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphql import (
    BREAK,
    FieldNode,
    GraphQLFloat,
    GraphQLInputObjectType,
    GraphQLNonNull,
    GraphQLSchema,
    ObjectValueNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    ValueNode,
    VariableNode,
    Visitor,
    get_named_type,
    get_nullable_type,
    visit,
)
from graphql.utilities import value_from_ast

from xrm_core.graphql import names
from xrm_core.graphql.arguments import Arguments
from xrm_core.graphql.demands import Demands
from xrm_core.graphql.documents import Document
from xrm_core.graphql.meanings import Root
from xrm_core.graphql.plans import Plan, Planner, Step
from xrm_core.metadata.model import Entity
from xrm_core.query.reads import Marker, logs_reads
from xrm_core.query.roots import Record, Request
from xrm_core.query.scan import Scope
from xrm_core.query.statement import Statement, compile_request
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.prepared_steps import Text
from xrm_core.storage.readers import ANEW
from xrm_core.storage.written_rows import WRITTEN, WithWritten, looks_beyond

KINDS = ("create", "update")
_ARGUMENTS = frozenset({"id", "input", "version"})
_ROW = re.compile(rf"\b{WRITTEN}\b")  # not its aliases

Maker = Callable[[Mapping[str, Any]], Any]


class NotSimple(Exception):
    """It is not as simple as a plan takes it to be."""


@dataclass(frozen=True)
class QuickPlan:
    """How one mutation is answered.

    ``arguments`` take their values out of the variables; ``fields`` are those of the record by their names in the
    input. ``answer`` is the plan of the record after the change, ``text`` its statement. ``same`` is what finds
    the same by the same values in the statement that makes the change (None: it cannot be seen there); ``beyond``: it
    may look at more than the record.
    """

    root: Root
    kind: Entity
    key: str
    arguments: Mapping[str, Maker]
    fields: Mapping[str, str]
    answer: Plan
    text: Text
    same: Text | None
    beyond: bool

    @property
    def is_seen(self) -> bool:
        """Whether the statement that makes the change can show the record."""
        return self.same is not None

    def argument(self, name: str, variables: Mapping[str, Any]) -> Any:
        """The value of an argument; None: it has none. Raises NotSimple."""
        make = self.arguments.get(name)
        return None if make is None else make(variables)

    def values(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The input as a record: names of the entity file. Raises NotSimple."""
        fields = self.fields
        try:
            return {fields[name]: value for name, value in self.argument("input", variables).items()}
        except KeyError:  # links, or records that are created along
            raise NotSimple from None


def quick_plan(
    planner: Planner, document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> QuickPlan | None:
    """The plan of a mutation; None: there is none."""
    type_ = planner.role.graphql.mutation_type
    arguments = Arguments(variables)
    demands = Demands(variables, arguments, planner.limits)
    selections = planner.selections(document, arguments, demands)
    fields = {} if type_ is None else selections.collect([operation.selection_set], type_)
    if type_ is None or len(fields) != 1:
        return None
    [(key, nodes)] = fields.items()
    root = planner.role.meanings.get("Mutation", nodes[0].name.value)
    if not isinstance(root, Root) or root.kind not in KINDS:
        return None
    definition = type_.fields[nodes[0].name.value]
    makers = _makers(nodes[0], definition)
    if makers is None or _asks_for_floats(planner.role.graphql, document):
        return None
    marker, request = Marker(planner.model), selections.changed(root.entity, nodes, definition)
    marked = marker.request(request) if logs_reads(planner.model) else request
    statement = compile_request(planner.scope, marked)
    if marker.reads or statement.sql.startswith(ANEW):
        return None
    plan = Plan((Step(key, b"", statement),), arguments.getters, demands)
    kind = planner.model[root.entity]
    plain = {names.input_name(each): each.name for each in kind.fields.values() if not _is_polymorphic(each)}
    # One for all that differ in what is written alone, such as a value of an enum: each is prepared on each connection.
    text = planner.scope.tables.statements.get(
        ("shown", statement.sql), lambda: Text(statement.sql, len(statement.names))
    )
    same = _same(planner.scope, marked, statement)
    beyond = same is not None and looks_beyond(same.sql, planner.scope.tables, root.entity)
    return QuickPlan(root, kind, key, makers, plain, plan, text, same, beyond)


def _same(scope: Scope, request: Request, statement: Statement) -> Text | None:
    """The text of what finds the answer in the row that the same statement writes; None: it asks for more than that."""
    if not isinstance(request, Record):
        return None
    tables = WithWritten(scope.tables, request.entity)
    found = compile_request(replace(scope, tables=tables), request)
    alone = tables.asked == 1 and len(_ROW.findall(found.sql)) == 1 and CHANGE.name not in found.sql
    if not alone or (found.names, found.fixed) != (statement.names, statement.fixed):
        return None
    return scope.tables.statements.get(("shown at once", found.sql), lambda: Text(found.sql, len(found.names)))


class _Floats(Visitor):
    """Looks for fields whose values are floats."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.found = False
        self._types = types

    def enter_field(self, *_: Any) -> Any:
        type_ = self._types.get_type()
        self.found = self.found or (type_ is not None and get_named_type(type_) is GraphQLFloat)
        return BREAK if self.found else None


def _asks_for_floats(schema: GraphQLSchema, document: Document) -> bool:
    """Of these the executor writes 2.0 where databases write 2."""
    types = TypeInfo(schema)
    looking = _Floats(types)
    if document.ast is not None:
        visit(document.ast, TypeInfoVisitor(types, looking))
    return looking.found


def _is_polymorphic(field: Any) -> bool:
    return field.relation is not None and field.relation.polymorphic


def _makers(node: FieldNode, definition: Any) -> dict[str, Maker] | None:
    found: dict[str, Maker] = {}
    for each in node.arguments or ():
        make = _maker(each.value, definition.args[each.name.value].type) if each.name.value in _ARGUMENTS else None
        if make is None:
            return None
        found[each.name.value] = make
    return found


def _maker(node: ValueNode, type_: Any) -> Maker | None:
    """What makes the value of an argument, as graphql-core does; None: it is not simple."""
    inner = get_nullable_type(type_)
    if isinstance(node, VariableNode):
        return _variable(node.name.value, null=inner is type_)
    if isinstance(inner, GraphQLInputObjectType):
        return _object(node, inner) if isinstance(node, ObjectValueNode) else None
    return _constant(node, type_)


def _object(node: ObjectValueNode, type_: GraphQLInputObjectType) -> Maker | None:
    known: dict[str, Any] = {}
    late: list[tuple[str, str, bool]] = []
    for each in node.fields:
        name, expected = each.name.value, type_.fields[each.name.value].type
        if isinstance(each.value, VariableNode):
            late.append((name, each.value.name.value, not isinstance(expected, GraphQLNonNull)))
        elif isinstance(get_nullable_type(expected), GraphQLInputObjectType) or _has_variables(each.value):
            return None
        else:
            known[name] = value_from_ast(each.value, expected)

    def make(variables: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(known)
        for name, variable, null in late:
            if variable in variables:
                value = found[name] = variables[variable]
                if value is None and not null:
                    raise NotSimple
        return found

    return make


def _variable(name: str, *, null: bool) -> Maker:
    def make(variables: Mapping[str, Any]) -> Any:
        value = variables.get(name)
        if value is None and not null:
            raise NotSimple
        return value

    return make


def _constant(node: ValueNode, type_: Any) -> Maker | None:
    if _has_variables(node):
        return None
    value = value_from_ast(node, type_)
    return lambda _variables: value


def _has_variables(node: Any) -> bool:
    if isinstance(node, VariableNode):
        return True
    inner = getattr(node, "values", None) or [each.value for each in getattr(node, "fields", None) or ()]
    return any(map(_has_variables, inner))
