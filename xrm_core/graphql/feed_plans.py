"""An operation that asks for the feed of changes → what it wants to know of each record, and how to read that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLObjectType, OperationDefinitionNode, SelectionSetNode, get_named_type

from xrm_core.errors import BadQuery
from xrm_core.graphql.arguments import Arguments, Tree
from xrm_core.graphql.costs import FEED
from xrm_core.graphql.demands import Demands
from xrm_core.graphql.documents import Document
from xrm_core.graphql.meanings import FeedField, FeedRoot
from xrm_core.graphql.plans import Plan, Planner, Step
from xrm_core.graphql.selection import Selections
from xrm_core.metadata.predicate import Literal_, Param
from xrm_core.query.reads import Marker, logs_reads
from xrm_core.query.request import Selection
from xrm_core.query.roots import AnyRecords
from xrm_core.query.statement import compile_request

IDS = "record_ids"
Path = tuple[str, str]
"""Response keys of the list of changes and of the record in it."""


@dataclass(frozen=True)
class FeedPlan:
    """How a feed is answered: arguments, and for each place of a record what is selected, by entity.

    Statements are made when there is a record of their entity.
    """

    planner: Planner
    entities: Tree
    after: Tree
    first: Tree
    known: Sequence[str]
    nodes: Mapping[Path, Mapping[str, Selection]]
    arguments: Arguments
    demands: Demands
    _plans: dict[tuple[Path, str], Plan] = field(default_factory=dict)

    def values(self, variables: Mapping[str, Any], found: dict[str, Any]) -> dict[str, Any]:
        """Bind values of a request. Raises BadQuery, QueryTooLarge: it asks for too much."""
        for name, getter in self.arguments.getters.items():
            found[name] = getter(variables)
        self.demands.check(variables)
        return found

    def plan(self, path: Path, entity: str) -> Plan:
        """How records of an entity are read for a place."""
        found = self._plans.get((path, entity))
        if found is None:
            marker = Marker(self.planner.model) if logs_reads(self.planner.model) else None
            asked = AnyRecords(Param(IDS), {entity: self.nodes[path][entity]})
            statement = compile_request(self.planner.scope, asked if marker is None else marker.request(asked))
            reads = () if marker is None else marker.reads
            found = Plan((Step("", b"", statement),), {}, self.demands, reads=reads)
            self._plans[path, entity] = found
        return found


def is_about_feed(
    planner: Planner, document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> bool:
    """Whether an operation asks for the feed. Raises BadQuery: and for others beside it."""
    roots = planner.roots(document, operation, variables)
    about = any(isinstance(root, FeedRoot) for root in roots)
    if about and len(roots) != 1:
        raise BadQuery("The field «changes» stands alone in its operation.", hint="Ask for the other fields apart.")
    return about


def feed_plan(
    planner: Planner, document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> FeedPlan:
    """The plan of an operation that asks for the feed; remembered with the document.

    Raises:
        BadQuery, QueryTooLarge: it cannot be answered.
    """
    key = (document.variables_of(operation).plan_key(variables), "feed")
    found: FeedPlan | None = document.plans.get(key)
    if found is None:
        found = _made(planner, document, operation, variables)
        document.remember(key, found)
    return found


def _made(
    planner: Planner, document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> FeedPlan:
    arguments = Arguments(variables)
    demands = Demands(variables, arguments, planner.limits)
    selections = planner.selections(document, arguments, demands, typenames=True)
    query: Any = planner.role.graphql.query_type
    fields = selections.collect([operation.selection_set], query)
    [(key, nodes)] = [each for each in fields.items() if not each[1][0].name.value.startswith("__")]
    definition = query.fields["changes"]
    given = selections.read(nodes[0], definition)
    entity: Any = get_named_type(definition.args["entities"].type)
    with demands.costs.at(key):
        size = demands.page_size(given.get("first"))
        sets = [node.selection_set for node in nodes]
        demands.costs.add(FEED)
        demands.costs.add(FEED, size)  # a record's entries, and whether it can be seen
        with demands.costs.inside(size):
            shown = dict(_nodes(selections, sets, get_named_type(definition.type)))
    first = size if isinstance(size, Literal_ | Param) else given.get("first")
    return FeedPlan(
        planner, given.get("entities"), given.get("after"), first, tuple(entity.values), shown, arguments, demands
    )


def _nodes(
    selections: Selections, sets: Sequence[SelectionSetNode | None], feed: GraphQLObjectType
) -> list[tuple[Path, dict[str, Selection]]]:
    found = []
    for key, nodes in selections.each(sets, feed):
        if selections.meanings.get(feed.name, nodes[0].name.value) == FeedField("changes"):
            change: Any = get_named_type(feed.fields["changes"].type)
            for inner, records in selections.each([node.selection_set for node in nodes], change):
                if selections.meanings.get(change.name, records[0].name.value) == FeedField("node"):
                    type_ = get_named_type(change.fields["node"].type)
                    branches = dict(selections.branches([each.selection_set for each in records], type_))
                    found.append(((key, inner), branches))
    return found
