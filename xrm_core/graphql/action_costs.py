"""What an action of a plugin costs, in points: as much as a change, and what it answers with."""

from graphql import FieldNode, GraphQLField, get_named_type

from xrm_core.graphql.costs import CHANGE
from xrm_core.graphql.meanings import ActionRoot
from xrm_core.graphql.selection import Selections, response_key


def demand(selections: Selections, root: ActionRoot, nodes: list[FieldNode], definition: GraphQLField) -> None:
    """Add it."""
    answers_record = root.entity is not None and get_named_type(definition.type).name in selections.meanings.entities
    if answers_record and root.entity is not None:
        selections.changed(root.entity, nodes, definition)
    elif nodes[0].selection_set is not None:
        selections.upserted(nodes, definition)
    else:
        with selections.demands.costs.at(response_key(nodes)):
            selections.demands.costs.add(CHANGE)
