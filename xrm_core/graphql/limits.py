"""Limits on a document, checked before it is validated: bytes and tokens by the parser, then depth and aliases."""

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
)
from graphql.language import SelectionSetNode

from xrm_core.errors import QueryTooLarge

MAX_ALIAS_BYTES = 63
"""Response keys may become column names on the way (see :mod:`xrm_core.query.sql_json`)."""


@dataclass(frozen=True)
class DocumentLimits:
    """What a document may have at most."""

    tokens: int = 20_000
    depth: int = 15
    aliases: int = 100


def check(document: DocumentNode, limits: DocumentLimits) -> None:
    """Refuse documents that nest too deep, have too many aliases or overlong ones.

    Raises:
        QueryTooLarge: says the limit and what the document has.
    """
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    counter = _Counter(fragments, limits)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            counter.count_aliases(definition.selection_set)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            counter.check_depth(definition.selection_set, 1, frozenset())


class _Counter:
    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], limits: DocumentLimits) -> None:
        self._fragments = fragments
        self._limits = limits
        self._aliases = 0
        self._deepest: dict[str, int] = {}

    def count_aliases(self, selections: SelectionSetNode) -> None:
        for node in selections.selections:
            if isinstance(node, FieldNode) and node.alias is not None:
                self._aliases += 1
                if len(node.alias.value) > MAX_ALIAS_BYTES:
                    raise QueryTooLarge(
                        f"An alias has at most {MAX_ALIAS_BYTES} characters.", hint="Give it a shorter name."
                    )
                if self._aliases > self._limits.aliases:
                    raise QueryTooLarge(
                        f"A document has at most {self._limits.aliases} aliases.",
                        hint="Split it into several requests.",
                    )
            inner = getattr(node, "selection_set", None)
            if inner is not None:
                self.count_aliases(inner)

    def check_depth(self, selections: SelectionSetNode, depth: int, above: frozenset[str]) -> None:
        if depth > self._limits.depth:
            raise QueryTooLarge(
                f"A query nests at most {self._limits.depth} levels deep.", hint="Ask for the inner records apart."
            )
        for node in selections.selections:
            if isinstance(node, FragmentSpreadNode):
                name = node.name.value
                # A fragment in itself is validation's to report. A level once checked needs no second look.
                if name in self._fragments and name not in above and self._deepest.get(name, 0) < depth:
                    self._deepest[name] = depth
                    self.check_depth(self._fragments[name].selection_set, depth, above | {name})
            elif isinstance(node, FieldNode) and node.selection_set is not None:
                self.check_depth(node.selection_set, depth + 1, above)
            elif isinstance(node, InlineFragmentNode):
                self.check_depth(node.selection_set, depth, above)
