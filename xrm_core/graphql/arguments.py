"""Arguments of a field, with variables in them, as trees whose leaves are either known or arrive at run time.

A plan is compiled once and runs with other variables each time, so a leaf out of a variable becomes a
:class:`~xrm_core.metadata.predicate.Param` with a function that takes its value out of the coerced variables. What
shapes the SQL (which keys are there, enum values, what is null) is read now and is part of the plan's key.
"""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    FieldNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    is_input_object_type,
)
from graphql.utilities import value_from_ast

from xrm_core.errors import BadQuery
from xrm_core.metadata.predicate import Literal_, Operand, Param

Getter = Callable[[Mapping[str, Any]], Any]
Tree = Any
"""``None`` (null), ``str`` for an enum value, an :data:`Operand` for a scalar or list of scalars, list, or dict."""


class Arguments:
    """Reads the arguments of the fields of one operation; collects what has to be bind at run time.

    Args:
        variables: coerced variables of the request for which the plan is compiled.
    """

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self.getters: dict[str, Getter] = {}

    def read(self, nodes: tuple[ArgumentNode, ...], definitions: Mapping[str, GraphQLArgument]) -> dict[str, Tree]:
        """The arguments that are given, by name. A null is a None; an absent variable is an absent argument.

        Raises:
            BadQuery: a variable is null where there has to be a value.
        """
        found: dict[str, Tree] = {}
        for node in nodes:
            value = self._node(node.value, definitions[node.name.value].type)
            if value is not Undefined:
                found[node.name.value] = value
        return found

    def is_true(self, node: ValueNode) -> bool:
        """Value of the ``if`` of @skip or @include.

        Raises:
            BadQuery: it is null.
        """
        if isinstance(node, VariableNode):
            self._refuse_null(node, "Boolean!")
            return bool(self._variables[node.name.value])
        return isinstance(node, BooleanValueNode) and node.value

    def late(self, getter: Getter) -> Param:
        """A parameter whose value comes out of the variables at run time."""
        name = f"v{len(self.getters)}"
        self.getters[name] = getter
        return Param(name)

    def _node(self, node: ValueNode, type_: Any) -> Tree:
        if isinstance(type_, GraphQLNonNull):
            if isinstance(node, VariableNode):
                self._refuse_null(node, type_)
            return self._node(node, type_.of_type)
        if isinstance(node, VariableNode):
            name = node.name.value
            if name not in self._variables:
                return Undefined
            return self._value(self._variables[name], type_, lambda variables: variables[name])
        if isinstance(node, NullValueNode):
            return None
        if isinstance(type_, GraphQLList):
            return self._list_node(node, type_)
        if isinstance(type_, GraphQLInputObjectType) and isinstance(node, ObjectValueNode):
            found = {
                each.name.value: self._node(each.value, type_.fields[each.name.value].type) for each in node.fields
            }
            return {name: value for name, value in found.items() if value is not Undefined}
        value = value_from_ast(node, type_)
        return value if isinstance(type_, GraphQLEnumType) else Literal_(value)

    def _refuse_null(self, node: VariableNode, type_: Any) -> None:
        """A variable that may be null can stand in such a place if it has a default."""
        if self._variables.get(node.name.value) is None:
            raise BadQuery(f"The variable ${node.name.value} is null where a {type_} is needed.")

    def _list_node(self, node: ValueNode, type_: GraphQLList[Any]) -> Tree:
        items = node.values if isinstance(node, ListValueNode) else (node,)
        if is_input_object_type(get_named_type(type_)):
            return [item for item in (self._node(each, type_.of_type) for each in items) if item is not Undefined]
        if not any(isinstance(each, VariableNode) for each in items):
            return Literal_(tuple(value_from_ast(each, type_.of_type) for each in items))
        for each in items:
            if isinstance(each, VariableNode) and isinstance(type_.of_type, GraphQLNonNull):
                self._refuse_null(each, type_.of_type)
        return self.late(
            lambda variables: [
                variables.get(each.name.value)
                if isinstance(each, VariableNode)
                else value_from_ast(each, type_.of_type)
                for each in items
            ]
        )

    def _value(self, value: Any, type_: Any, getter: Getter) -> Tree:
        if isinstance(type_, GraphQLNonNull):
            return self._value(value, type_.of_type, getter)
        if value is None:
            return None
        if isinstance(type_, GraphQLList):
            if not is_input_object_type(get_named_type(type_)):
                return self.late(lambda variables: list(getter(variables)))
            return [self._value(each, type_.of_type, _item(getter, number)) for number, each in enumerate(value)]
        if isinstance(type_, GraphQLInputObjectType):
            return {
                name: self._value(each, type_.fields[name].type, _item(getter, name)) for name, each in value.items()
            }
        if isinstance(type_, GraphQLEnumType):
            return value
        if isinstance(value, bool):
            return Literal_(value)  # two plans at most, and isNull needs to know
        return self.late(getter)


def _item(getter: Getter, key: str | int) -> Getter:
    return lambda variables: getter(variables)[key]


def operand(tree: Tree) -> Operand:
    """A leaf as an operand; an enum value is a literal."""
    return Literal_(tree) if isinstance(tree, str) else tree


def shape(value: Any, type_: Any) -> Any:
    """What of a coerced variable shapes the SQL: keys, lengths of lists of inputs, enum values, nulls; hashable."""
    if isinstance(type_, GraphQLNonNull):
        return shape(value, type_.of_type)
    if value is None:
        return None
    if not getattr(get_named_type(type_), "shapes", True):
        return 1  # it is written, and asked for by nobody
    if isinstance(type_, GraphQLList):
        if not is_input_object_type(get_named_type(type_)):
            return 1
        return tuple(shape(each, type_.of_type) for each in value)
    if isinstance(type_, GraphQLInputObjectType):
        return tuple((name, shape(each, type_.fields[name].type)) for name, each in value.items())
    return value if isinstance(type_, GraphQLEnumType) or isinstance(value, bool) else 1


def length_of(node: FieldNode, name: str) -> Getter | None:
    """How many a list has that is given for an argument; None: it is not given."""
    for argument in node.arguments or ():
        if argument.name.value == name:
            value = argument.value
            if isinstance(value, VariableNode):
                variable = value.name.value
                return lambda variables: _length(variables.get(variable))
            count = len(value.values) if isinstance(value, ListValueNode) else 1
            return lambda _variables: count
    return None


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list | tuple) else 0 if value is None else 1
