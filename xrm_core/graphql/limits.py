"""Limits on a request: its variables, then its document before it is validated, for what could make work explode.

Validation compares all fields of one key with each other, and fragments can unfold to any size, so both are counted.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    StringValueNode,
    Visitor,
    visit,
)
from graphql.language import SelectionSetNode

from xrm_core.errors import BadQuery, QueryTooLarge

MAX_ALIAS_BYTES = 63
MAX_VARIABLE_LEVELS = 50
"""Lists and objects within each other in variables: twice as many as a filter or a JSON value may have."""

_NESTED = (dict, list)


@dataclass(frozen=True)
class DocumentLimits:
    """What a document, and the variables with it, may have at most."""

    tokens: int = 20_000
    depth: int = 15
    aliases: int = 100
    fragments: int = 100
    fields: int = 2000
    """All fields, those of a fragment as often as it is used."""
    repeats: int = 20
    """Fields of the same name or alias in one selection."""
    variables: int = 200_000
    """Values in all variables together: each item of a list and each member of an object is one."""


def check_variables(variables: Mapping[str, Any], limits: DocumentLimits) -> None:
    """Refuse variables that have too many values, or nest too deep. How long texts are, the size of a request limits.

    Raises:
        QueryTooLarge: says the limit.
    """
    nested = [each for each in variables.values() if isinstance(each, _NESTED)]
    values, levels = len(variables), 0
    while nested and values <= limits.variables:
        levels += 1
        if levels > MAX_VARIABLE_LEVELS:
            raise QueryTooLarge(
                f"The variables nest more than {MAX_VARIABLE_LEVELS} levels deep.", hint="Ask for less at once."
            )
        values += sum(map(len, nested))
        inner = chain.from_iterable(each.values() if isinstance(each, dict) else each for each in nested)
        nested = [each for each in inner if isinstance(each, _NESTED)]
    if values > limits.variables:
        raise QueryTooLarge(
            f"The variables have more than {limits.variables} values.", hint="Split them into several requests."
        )


def check(document: DocumentNode, limits: DocumentLimits) -> None:
    """Refuse documents that nest too deep, have too many fields, aliases or fragments, or overlong aliases.

    Raises:
        QueryTooLarge: says the limit.
    """
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    if len(fragments) > limits.fragments:
        raise QueryTooLarge(
            f"A document has at most {limits.fragments} fragments.", hint="Split it into several requests."
        )
    counter = _Counter(fragments, limits)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            counter.check_keys(definition.selection_set)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            counter.check_depth(definition.selection_set, 1, frozenset())
            if counter.fields(definition.selection_set, frozenset()) > limits.fields:
                raise QueryTooLarge(
                    f"A query asks for at most {limits.fields} fields, those of fragments counted each time.",
                    hint="Split it into several requests.",
                )


def check_texts(document: DocumentNode) -> None:
    """Refuse texts with a NUL character, which no database keeps and which would end them early.

    Raises:
        BadQuery: one of the document's literals has it.
    """
    visit(document, _NoNul())


class _NoNul(Visitor):
    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        if "\0" in node.value:
            raise BadQuery("A text in the document has a NUL character.", hint="Texts cannot have it; leave it out.")


class _Counter:
    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], limits: DocumentLimits) -> None:
        self._fragments = fragments
        self._limits = limits
        self._aliases = 0
        self._deepest: dict[str, int] = {}
        self._sizes: dict[str, int] = {}

    def check_keys(self, selections: SelectionSetNode) -> None:
        keys = Counter((node.alias or node.name).value for node in selections.selections if isinstance(node, FieldNode))
        if max(keys.values(), default=0) > self._limits.repeats:
            raise QueryTooLarge(
                f"A selection names the same field at most {self._limits.repeats} times.",
                hint="Name it once, with all that is asked of it.",
            )
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
                self.check_keys(inner)

    def fields(self, selections: SelectionSetNode, above: frozenset[str]) -> int:
        """How many fields a selection unfolds to."""
        count = 0
        for node in selections.selections:
            if isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name in self._fragments and name not in above:
                    if name not in self._sizes:
                        self._sizes[name] = self.fields(self._fragments[name].selection_set, above | {name})
                    count += self._sizes[name]
            else:
                inner = node.selection_set  # type: ignore[attr-defined] # a field or an inline fragment
                count += isinstance(node, FieldNode)
                count += self.fields(inner, above) if inner is not None else 0
        return count

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
