"""How many records an input creates together with others: known before the mutation runs, since each has its cost."""

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
)

from xrm_core.graphql.arguments import Getter
from xrm_core.records.nested_input import CREATE


def nested_in(node: FieldNode, definition: GraphQLField, name: str) -> Getter | None:
    """How many records are nested in an argument, out of the variables of a request; None: none in any request."""
    for argument in node.arguments or ():
        if argument.name.value == name and _may_nest(argument.value):
            given, type_ = argument.value, definition.args[name].type
            return lambda variables: _in_node(given, type_, variables)
    return None


def _may_nest(node: ValueNode) -> bool:
    if isinstance(node, ListValueNode):
        return any(_may_nest(each) for each in node.values)
    if isinstance(node, ObjectValueNode):
        return any(each.name.value == CREATE or _may_nest(each.value) for each in node.fields)
    return isinstance(node, VariableNode)


def _in_node(node: ValueNode, type_: Any, variables: Mapping[str, Any]) -> int:
    if isinstance(type_, GraphQLNonNull):
        return _in_node(node, type_.of_type, variables)
    if isinstance(node, VariableNode):
        return _in_value(variables.get(node.name.value), type_)
    if isinstance(type_, GraphQLList):
        items = node.values if isinstance(node, ListValueNode) else (node,)
        return sum(_in_node(each, type_.of_type, variables) for each in items)
    if not isinstance(type_, GraphQLInputObjectType) or not isinstance(node, ObjectValueNode):
        return 0
    count = 0
    for each in node.fields:
        count += _in_node(each.value, type_.fields[each.name.value].type, variables)
        if each.name.value == CREATE and getattr(type_, "creates", False):
            given = each.value
            if isinstance(given, VariableNode):
                count += _records(variables.get(given.name.value))
            else:
                count += len(given.values) if isinstance(given, ListValueNode) else 1
    return count


def _in_value(value: Any, type_: Any) -> int:
    if isinstance(type_, GraphQLNonNull):
        return _in_value(value, type_.of_type)
    if isinstance(type_, GraphQLList):
        items = value if isinstance(value, list | tuple) else () if value is None else (value,)
        return sum(_in_value(each, type_.of_type) for each in items)
    if not isinstance(type_, GraphQLInputObjectType) or not isinstance(value, Mapping):
        return 0
    count = sum(_in_value(each, type_.fields[name].type) for name, each in value.items())
    return count + (_records(value.get(CREATE)) if getattr(type_, "creates", False) else 0)


def _records(value: Any) -> int:
    return len(value) if isinstance(value, list | tuple) else int(value is not None)
