"""Selection sets of a document → the fields that they ask for: fragments, aliases and directives resolved."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    SelectionSetNode,
)

from xrm_core.graphql.arguments import Arguments
from xrm_core.graphql.demands import Demands
from xrm_core.graphql.meanings import Meanings
from xrm_core.metadata.model import Model

Fields = dict[str, list[FieldNode]]
"""Response key → the fields of that key, whose selections are merged."""


class Collector:
    """What is needed to read one operation.

    Args:
        model: the model.
        schema: graphql-core's view of the role's schema.
        meanings: what its fields stand for.
        fragments: fragments of the document by name.
        arguments: reads arguments.
        demands: holds sizes to limits.
    """

    def __init__(
        self,
        model: Model,
        schema: GraphQLSchema,
        meanings: Meanings,
        fragments: Mapping[str, FragmentDefinitionNode],
        arguments: Arguments,
        demands: Demands,
    ) -> None:
        self.model = model
        self.schema = schema
        self.meanings = meanings
        self.fragments = fragments
        self.arguments = arguments
        self.demands = demands

    def collect(self, sets: Sequence[SelectionSetNode | None], type_: GraphQLObjectType) -> Fields:
        """The fields of selection sets on a type, by response key, in the order of the document."""
        found: Fields = {}
        for selections in sets:
            if selections is not None:
                self._collect(selections, type_, found, set())
        return found

    def each(
        self, sets: Sequence[SelectionSetNode | None], type_: GraphQLObjectType
    ) -> Iterator[tuple[str, list[FieldNode]]]:
        """The same fields one after the other; what is added to the cost meanwhile is the field's."""
        for key, nodes in self.collect(sets, type_).items():
            with self.demands.costs.at(key):
                yield key, nodes

    def _collect(self, selections: SelectionSetNode, type_: GraphQLObjectType, found: Fields, seen: set[str]) -> None:
        for node in selections.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                found.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if self._applies(node.type_condition.name.value if node.type_condition else None, type_):
                    self._collect(node.selection_set, type_, found, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if self._applies(fragment.type_condition.name.value, type_):
                    self._collect(fragment.selection_set, type_, found, seen)

    def _included(self, node: Any) -> bool:
        for directive in node.directives or ():
            if directive.name.value in ("skip", "include"):
                value = self.arguments.is_true(directive.arguments[0].value)
                if value is (directive.name.value == "skip"):
                    return False
        return True

    def _applies(self, condition: str | None, type_: GraphQLObjectType) -> bool:
        if condition is None or condition == type_.name:
            return True
        named = self.schema.type_map.get(condition)
        if isinstance(named, GraphQLInterfaceType):
            return named in type_.interfaces
        return isinstance(named, GraphQLUnionType) and type_ in named.types
