"""What a field of a plugin costs, in points: what the plugin says, and the records that it answers with."""

from collections.abc import Sequence
from typing import Any

from graphql import FieldNode, GraphQLField, GraphQLObjectType, SelectionSetNode, get_named_type

from xrm_core.graphql.meanings import PluginRecord, PluginRoot
from xrm_core.graphql.selection import Selections, response_key
from xrm_core.metadata.predicate import Literal_


def demand(selections: Selections, root: PluginRoot, nodes: list[FieldNode], definition: GraphQLField) -> None:
    """Add it. Of each place where records stand there may be as many as the plugin says."""
    sets = [node.selection_set for node in nodes]
    with selections.demands.costs.at(response_key(nodes)):
        selections.demands.costs.add(root.cost)
        type_: Any = get_named_type(definition.type)
        if root.is_record:
            _records(selections, sets, type_, root.records)
        else:
            _within(selections, sets, type_, root.records)


def _within(selections: Selections, sets: Sequence[SelectionSetNode | None], type_: Any, most: int) -> None:
    if not isinstance(type_, GraphQLObjectType):
        return
    for _, nodes in selections.each(sets, type_):
        name = nodes[0].name.value
        if name in type_.fields:
            inner, below = get_named_type(type_.fields[name].type), [node.selection_set for node in nodes]
            if isinstance(selections.meanings.get(type_.name, name), PluginRecord):
                _records(selections, below, inner, most)
            else:
                _within(selections, below, inner, most)


def _records(selections: Selections, sets: Sequence[SelectionSetNode | None], type_: Any, most: int) -> None:
    with selections.demands.costs.inside(Literal_(most)):
        selections.demands.costs.add(1)
        selections.record(sets, type_)
