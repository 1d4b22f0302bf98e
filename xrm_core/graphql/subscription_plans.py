"""A subscription → which records it follows, and how they are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import OperationDefinitionNode, get_named_type

from xrm_core.errors import BadQuery
from xrm_core.graphql.arguments import Arguments, Tree
from xrm_core.graphql.costs import FEED
from xrm_core.graphql.demands import Demands
from xrm_core.graphql.documents import Document
from xrm_core.graphql.feed_plans import IDS
from xrm_core.graphql.meanings import FeedField, Followed
from xrm_core.graphql.plans import Plan, Planner, Step
from xrm_core.graphql.scans import scans_of
from xrm_core.graphql.where import predicate
from xrm_core.metadata.predicate import All, Compare, Literal_, Op, Param, Predicate
from xrm_core.query.reads import Marker, logs_reads
from xrm_core.query.request import Connection, Nodes, Page, Selection, Value
from xrm_core.query.statement import compile_request

MOST = 100
"""Changes that are looked at together."""

ID_KEY, NODES_KEY = "__xrm_id", "nodes"
"""Keys in what the statement answers; GraphQL keeps names with two underscores for itself."""


@dataclass(frozen=True)
class SubscriptionPlan:
    """How the changes of one entity are told. ``nodes`` has the plans that read records, by the response key."""

    entity: str
    where: Predicate
    operations: Tree
    after: Tree
    nodes: Mapping[str, Plan]
    matching: Plan
    arguments: Arguments
    demands: Demands

    def values(self, variables: Mapping[str, Any], found: dict[str, Any]) -> dict[str, Any]:
        """Bind values of a request. Raises BadQuery, QueryTooLarge: it asks for too much."""
        for name, getter in self.arguments.getters.items():
            found[name] = getter(variables)
        self.demands.check(variables)
        return found


def subscription_plan(
    planner: Planner, document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> SubscriptionPlan:
    """The plan of a subscription; remembered with the document.

    Raises:
        BadQuery, QueryTooLarge: it cannot be answered.
    """
    key = (document.variables_of(operation).plan_key(variables), "subscription")
    found: SubscriptionPlan | None = document.plans.get(key)
    if found is None:
        found = _made(planner, document, operation, variables)
        document.remember(key, found)
    return found


def _made(
    planner: Planner, document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> SubscriptionPlan:
    arguments = Arguments(variables)
    demands = Demands(variables, arguments, planner.limits)
    selections = planner.selections(document, arguments, demands)
    root: Any = planner.role.graphql.subscription_type
    roots = list(selections.collect([operation.selection_set], root).items())
    meaning = planner.role.meanings.get(root.name, roots[0][1][0].name.value) if len(roots) == 1 else None
    if not isinstance(meaning, Followed):
        raise BadQuery("A subscription asks for one field.", hint="Subscribe to the others apart.")
    [(key, fields)] = roots
    definition = root.fields[fields[0].name.value]
    given = selections.read(fields[0], definition)
    entity, change = planner.model[meaning.entity], get_named_type(definition.type)
    where = predicate(planner.model, entity, given.get("where"), demands)
    shown: dict[str, Selection] = {}
    with demands.costs.at(key):
        demands.costs.add(FEED + 1)
        demands.costs.scans(scans_of(planner.model, entity, where))
        with demands.costs.inside():
            for inner, nodes in selections.each([each.selection_set for each in fields], change):
                if planner.role.meanings.get(change.name, nodes[0].name.value) == FeedField("node"):
                    type_: Any = get_named_type(change.fields["node"].type)
                    shown[inner] = selections.record([each.selection_set for each in nodes], type_)
    plans = {inner: _plan(planner, entity.name, where, selection, demands) for inner, selection in shown.items()}
    matching = _plan(planner, entity.name, where, (), demands)
    return SubscriptionPlan(
        entity.name, where, given.get("operations"), given.get("after"), plans, matching, arguments, demands
    )


def _plan(planner: Planner, entity: str, where: Predicate, selection: Selection, demands: Demands) -> Plan:
    """How those of some records are read that meet the condition."""
    wanted = All((Compare("id", Op.IN, Param(IDS)), where))
    request = Connection(
        entity, wanted, (), Page(Literal_(MOST)), (Nodes(NODES_KEY, (Value(ID_KEY, "id"), *selection)),)
    )
    marker = Marker(planner.model) if logs_reads(planner.model) and selection else None
    marked: Any = request if marker is None else marker.request(request)
    statement = compile_request(planner.scope, marked)
    return Plan((Step("", b"", statement),), {}, demands, reads=() if marker is None else marker.reads)
