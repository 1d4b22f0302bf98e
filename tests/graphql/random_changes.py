"""Documents that write a record in one of the ways in which clients do, made of a write as the door takes it."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
    is_leaf_type,
    print_ast,
)
from graphql.utilities import ast_from_value

from tests.records.random_writes import Write
from xrm_core import naming
from xrm_core.graphql import names
from xrm_core.metadata.model import Entity
from xrm_core.permissions.policy import Action

_VERBS = {Action.CREATE: "create", Action.UPDATE: "update"}
_UNLIKE = {"id", "createdAt", "updatedAt"}
"""What two creations differ in."""


@dataclass(frozen=True)
class Change:
    """A mutation; ``dry`` is the same document with ``dryRun``."""

    text: str
    dry: str
    variables: Mapping[str, Any]


def change(write: Write, kind: Entity, mutations: GraphQLObjectType | None, chance: random.Random) -> Change | None:
    """A document for a write; None: the role has no such mutation."""
    verb = _VERBS.get(write.action)
    field = None if mutations is None or verb is None else mutations.fields.get(names.mutation(verb, kind))
    if field is None or verb is None:
        return None
    type_: Any = get_named_type(field.args["input"].type)
    given = _input(kind, type_, write.values)
    text, variables, declared = _spelt(type_, given, chance)
    arguments = f"input: {text}"
    if write.action is Action.UPDATE:
        arguments, declared = f"id: $id, {arguments}", ["$id: ID!", *declared]
        variables = {**variables, "id": write.id}
        if chance.random() < 0.2:
            arguments += f", version: {chance.choice([1, 1, 2, 3])}"
    alias = chance.choice(["", "it: "])
    head = f"mutation({', '.join(declared)})" if declared else "mutation"
    shown = _selection(get_named_type(field.type), chance)
    texts = [
        f"{head} {{ {alias}{names.mutation(verb, kind)}({arguments}{dry}) {shown} }}" for dry in ("", ", dryRun: true")
    ]
    return Change(texts[0], texts[1], variables)


def _input(kind: Entity, type_: GraphQLInputObjectType, values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for of in kind.fields.values():
        name = names.input_name(of)
        if of.name not in values or name not in type_.fields:
            continue
        value = values[of.name]
        if value is not None and of.relation is not None and of.relation.polymorphic:
            value = {names.target_key(target): id_ for target, id_ in value.items()}
        found[name] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, dict) else value


def _spelt(
    type_: GraphQLInputObjectType, given: Mapping[str, Any], chance: random.Random
) -> tuple[str, dict[str, Any], list[str]]:
    """The argument, its variables, and what declares these: one, one for each field, or some and literals."""
    if chance.random() < 0.4:
        return "$input", {"input": dict(given)}, [f"$input: {type_.name}!"]
    literal = chance.random() < 0.5
    parts, variables, declared = [], {}, []
    for name, value in given.items():
        node = ast_from_value(value, type_.fields[name].type) if literal and _is_spelt(type_, name) else None
        if node is not None:
            parts.append(f"{name}: {print_ast(node)}")
        else:
            parts.append(f"{name}: ${name}")
            variables[name] = value
            declared.append(f"${name}: {type_.fields[name].type}")
    absent = [name for name, of in type_.fields.items() if name not in given and not str(of.type).endswith("!")]
    if absent and chance.random() < 0.3:  # a variable that is left out
        parts.append(f"{absent[0]}: ${absent[0]}")
        declared.append(f"${absent[0]}: {type_.fields[absent[0]].type}")
    return f"{{{', '.join(parts)}}}", variables, declared


def _is_spelt(type_: GraphQLInputObjectType, name: str) -> bool:
    named = get_named_type(type_.fields[name].type)
    return not isinstance(named, GraphQLScalarType) or named.name in ("String", "ID", "Int", "Float", "Boolean")


def _selection(type_: Any, chance: random.Random, depth: int = 0) -> str:
    """Some of the fields of a record, and of those that it refers to."""
    leaves = [
        name
        for name, of in type_.fields.items()
        if name not in _UNLIKE and is_leaf_type(get_named_type(of.type)) and not of.args
    ]
    found = chance.sample(leaves, min(len(leaves), 5))
    found += ["__typename"] if chance.random() < 0.3 else []
    for name, of in type_.fields.items():
        inner = get_named_type(of.type)
        if isinstance(inner, GraphQLObjectType) and not of.args and depth < 1 and chance.random() < 0.2:
            found.append(f"{naming.camel(name)} {_selection(inner, chance, depth + 1)}")
    return f"{{ {' '.join(found or ['__typename'])} }}"
