"""Variables of an operation: their types are looked up once, their values coerced at each request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    Undefined,
    get_nullable_type,
    is_leaf_type,
    type_from_ast,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values

from xrm_core.graphql.arguments import shape

MAX_ERRORS = 20
"""Of one document or one request's variables that are told."""

MANY = 1000
"""Values in variables that are looked at in some milliseconds at most."""

_SHAPELESS = (GraphQLID, GraphQLString, GraphQLInt, GraphQLFloat)
"""Types of which any value makes the same plan, unless it is null."""


@dataclass(frozen=True, slots=True)
class _Variable:
    name: str
    type: Any
    leaf: Any
    """The type without non-null if it is a scalar or an enum, else None."""
    nullable: bool
    may_be_absent: bool
    """It has no default and may be null, so it may be left out without more ado."""


class Variables:
    """The variables that an operation defines.

    Args:
        schema: says what types there are.
        operation: was validated against it.
    """

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._definitions = operation.variable_definitions or ()
        self._name = operation.name.value if operation.name else None
        self._found: list[_Variable] = []
        self._signatures: dict[str, GraphQLVariableSignature] = {}
        for each in self._definitions:
            type_: Any = type_from_ast(schema, each.type)
            nullable = get_nullable_type(type_)
            absent = each.default_value is None and nullable is type_
            leaf = nullable if is_leaf_type(nullable) else None
            self._found.append(_Variable(each.variable.name.value, type_, leaf, nullable is type_, absent))
        self._shaping = [each for each in self._found if each.nullable or each.leaf not in _SHAPELESS]

    def coerced(self, given: Mapping[str, Any]) -> dict[str, Any] | list[GraphQLError]:
        """The values by name, those left out without a default missing; or what is wrong with them."""
        coerced: dict[str, Any] = {}
        for variable in self._found:
            value = given.get(variable.name, Undefined)
            if value is Undefined:
                if variable.may_be_absent:
                    continue
                return self._by_the_library(given)
            if variable.leaf is None or (value is None and not variable.nullable):
                return self._by_the_library(given)
            try:
                coerced[variable.name] = None if value is None else variable.leaf.coerce_input_value(value)
            except Exception:
                return self._by_the_library(given)  # which says what is wrong
        return coerced

    def known(self, given: Mapping[str, Any], coerced: Mapping[str, Any]) -> VariableValues:
        """Values that were :meth:`coerced` out of those given, as graphql-core wants them in an execution."""
        sources = {}
        for each in self._definitions:
            name = each.variable.name.value
            signature = self._signatures.get(name)
            if signature is None:
                found = get_variable_signature(self._schema, each)
                if isinstance(found, GraphQLError):
                    raise found
                signature = self._signatures[name] = found
            sources[name] = VariableValueSource(signature, given.get(name, Undefined))
        return VariableValues(sources, dict(coerced))

    def plan_key(self, coerced: Mapping[str, Any]) -> Any:
        """What, besides the document, decides the plan: which operation, and the shape of its variables."""
        if not self._shaping:
            return self._name
        return self._name, tuple(
            (each.name, shape(coerced[each.name], each.type)) for each in self._shaping if each.name in coerced
        )

    def _by_the_library(self, given: Mapping[str, Any]) -> dict[str, Any] | list[GraphQLError]:
        """The same by graphql-core, which looks up the types again: for defaults, inputs and mistakes."""
        result = get_variable_values(
            self._schema, self._definitions, dict(given), max_errors=MAX_ERRORS, hide_suggestions=True
        )
        return result if isinstance(result, list) else result.coerced


def are_many(given: Mapping[str, Any]) -> bool:
    """Whether variables have very many values in them, at whatever level, such as the inputs of many records."""
    count, level = len(given), [each for each in given.values() if isinstance(each, dict | list)]
    while level:
        count += sum(map(len, level))
        if count > MANY:
            return True
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for some in inner for each in some if isinstance(each, dict | list)]
    return False
