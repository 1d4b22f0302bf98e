"""``dryRun``: a mutation that does all that it would do, and is taken back instead of committed."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from graphql import BooleanValueNode, FieldNode, GraphQLObjectType, OperationDefinitionNode, VariableNode

from xrm_core.errors import BadQuery
from xrm_core.graphql.arguments import Arguments
from xrm_core.graphql.builder import Argument
from xrm_core.graphql.demands import Demands
from xrm_core.graphql.documents import Document
from xrm_core.translation import say

if TYPE_CHECKING:
    from xrm_core.graphql.plans import Planner

NAME = "dryRun"
DRY_RUN = Argument(
    NAME,
    bool | None,
    "Check everything and answer as usual, but change nothing. All fields of a document have it, or none.",
    default=False,
)


def is_dry_run(
    planner: "Planner", document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> bool:
    """Whether a mutation is to change nothing.

    Args:
        planner: of the role.
        document: where it stands.
        operation: the mutation.
        variables: coerced.

    Raises:
        BadQuery: some of its fields shall change something, and others not. A document is one transaction.
    """
    wanted = set(_wanted(planner, document, operation, variables))
    if len(wanted) > 1:
        raise BadQuery(
            say("Some mutations of this document have dryRun, others have not; nothing was done."),
            hint=say("A document is one transaction: give it to all of them, or to none."),
        )
    return wanted == {True}


def _wanted(
    planner: "Planner", document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> Iterator[bool]:
    key = (document.variables_of(operation).plan_key(variables), "dry runs")
    nodes: list[FieldNode] | None = document.plans.get(key)
    if nodes is None:
        nodes = list(_fields(planner, document, operation, variables))
        document.remember(key, nodes)
    for node in nodes:
        yield _is_true(node, variables)


def _fields(
    planner: "Planner", document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> Iterator[FieldNode]:
    """The root fields that have the argument."""
    root = planner.role.graphql.mutation_type
    if root is None:
        return
    arguments = Arguments(variables)
    selections = planner.selections(document, arguments, Demands(variables, arguments, planner.limits))
    for nodes in selections.collect([operation.selection_set], root).values():
        if _has_argument(root, nodes[0]):
            yield nodes[0]


def _has_argument(root: GraphQLObjectType, node: FieldNode) -> bool:
    definition = root.fields.get(node.name.value)
    return definition is not None and NAME in definition.args


def _is_true(node: FieldNode, variables: Mapping[str, Any]) -> bool:
    for argument in node.arguments or ():
        if argument.name.value == NAME:
            value = argument.value
            if isinstance(value, VariableNode):
                return variables.get(value.name.value) is True
            return isinstance(value, BooleanValueNode) and value.value
    return False
