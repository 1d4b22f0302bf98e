"""How many records an input writes beside its own: those created with it, and its links. Each has its cost, which is
known before the mutation runs.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
)

from xrm_core.graphql.arguments import Getter
from xrm_core.graphql.builder import LINKING
from xrm_core.records.nested_input import CREATE, PLAIN

_WORDS = {CREATE, *LINKING}


def nested_in(node: FieldNode, definition: GraphQLField, name: str) -> Getter | None:
    """How many records and links are in an argument beside its own, by the variables of a request; None: never any."""
    for argument in node.arguments or ():
        if argument.name.value == name and _may_nest(argument.value):
            given, type_ = argument.value, definition.args[name].type
            if not _varies(given, type_):
                count = _Counter({}).in_node(given, type_)
                return lambda _variables: count
            return lambda variables: _Counter(variables).in_node(given, type_)
    return None


def _may_nest(node: ValueNode) -> bool:
    if isinstance(node, ListValueNode):
        return any(_may_nest(each) for each in node.values)
    if isinstance(node, ObjectValueNode):
        return any(each.name.value in _WORDS or _may_nest(each.value) for each in node.fields)
    return isinstance(node, VariableNode)


def _varies(node: ValueNode, type_: Any) -> bool:
    """Whether it depends on variables how many records and links are in a value."""
    type_ = get_nullable_type(type_)
    if isinstance(node, VariableNode):
        return isinstance(get_named_type(type_), GraphQLInputObjectType)
    if isinstance(type_, GraphQLList):
        items = node.values if isinstance(node, ListValueNode) else (node,)
        return any(_varies(each, type_.of_type) for each in items)
    if not isinstance(type_, GraphQLInputObjectType) or not isinstance(node, ObjectValueNode):
        return False
    counted = getattr(type_, "writes", ())
    return any(
        _varies(each.value, type_.fields[each.name.value].type)
        or (each.name.value in counted and isinstance(each.value, VariableNode))
        for each in node.fields
    )


class _Counter:
    """Counts in one request; what is in a variable once, however often that stands in the document."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self._known: dict[tuple[str, str], int] = {}

    def in_node(self, node: ValueNode, type_: Any) -> int:
        """The records and links in a value of the document."""
        if isinstance(type_, GraphQLNonNull):
            return self.in_node(node, type_.of_type)
        if isinstance(node, VariableNode):
            return self._in_variable(node.name.value, type_)
        if isinstance(type_, GraphQLList):
            items = node.values if isinstance(node, ListValueNode) else (node,)
            return sum(self.in_node(each, type_.of_type) for each in items)
        if not isinstance(type_, GraphQLInputObjectType) or not isinstance(node, ObjectValueNode):
            return 0
        count = 0
        for each in node.fields:
            count += self.in_node(each.value, type_.fields[each.name.value].type)
            if each.name.value in getattr(type_, "writes", ()):
                given = each.value
                if isinstance(given, VariableNode):
                    count += _records(self._variables.get(given.name.value))
                else:
                    count += len(given.values) if isinstance(given, ListValueNode) else 1
        return count

    def _in_variable(self, name: str, type_: Any) -> int:
        key = name, str(type_)
        if key not in self._known:
            self._known[key] = _in_value(self._variables.get(name), type_)
        return self._known[key]


def _in_value(value: Any, type_: Any) -> int:
    if isinstance(type_, GraphQLNonNull):
        return _in_value(value, type_.of_type)
    if isinstance(type_, GraphQLList):
        items = value if isinstance(value, list | tuple) else () if value is None else (value,)
        return sum(_in_value(each, type_.of_type) for each in items)
    if not isinstance(type_, GraphQLInputObjectType) or not isinstance(value, Mapping):
        return 0
    fields = type_.fields
    count = sum(_in_value(each, fields[name].type) for name, each in value.items() if type(each) not in PLAIN)
    return count + sum(_records(value.get(word)) for word in getattr(type_, "writes", ()))


def _records(value: Any) -> int:
    return len(value) if isinstance(value, list | tuple) else int(value is not None)
