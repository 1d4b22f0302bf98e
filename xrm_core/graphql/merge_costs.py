"""What a merge costs, in points."""

from typing import Any

from graphql import FieldNode, GraphQLField, get_named_type

from xrm_core.graphql.arguments import length_of
from xrm_core.graphql.costs import WRITTEN
from xrm_core.graphql.nested_costs import nested_in
from xrm_core.graphql.selection import Selections, response_key
from xrm_core.metadata.model import Entity
from xrm_core.records.bulk import MOST


def demand(selections: Selections, entity: Entity, nodes: list[FieldNode], definition: GraphQLField) -> None:
    """What a merge costs: as many points as records may be moved by it, and those that it answers with."""
    costs = selections.demands.costs
    type_: Any = get_named_type(definition.type)
    with costs.at(response_key(nodes)):
        costs.add(WRITTEN * MOST)
        length = length_of(nodes[0], "from")
        if length is not None:
            costs.add(WRITTEN, length)
        links = nested_in(nodes[0], definition, "set")
        if links is not None:
            costs.add(WRITTEN, links)
        for _, inner in selections.each([node.selection_set for node in nodes], type_):
            if inner[0].name.value == "record":
                selections.changed(entity.name, inner, type_.fields["record"])
