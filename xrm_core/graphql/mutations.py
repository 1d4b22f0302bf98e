"""Mutations: ``createCustomer(input)``, ``updateCustomer(id, input, version)``, ``deleteCustomer(id, version)``."""

from typing import Any

import strawberry

from xrm_core import naming
from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import Argument
from xrm_core.graphql.meanings import Root
from xrm_core.graphql.types import Types, describe, label
from xrm_core.metadata.model import Entity, Field
from xrm_core.permissions.policy import Action

_VERSION = Argument("version", int | None, "The version that you read. If the record has another now, nothing is done.")


def add_mutations(types: Types) -> None:
    """The mutations that the role may use. They answer with the record, so it must be readable, too."""
    for entity in types.readable:
        noun = label(entity.labels) or names.type_name(entity)
        result = types.objects[entity.name]
        if types.access.may(entity.name, Action.CREATE):
            input_ = _input(types, entity, Action.CREATE)
            if input_ is not None:
                name = names.mutation("create", entity)
                builder.add(types.mutation, name, result, f"Create a {noun}.", [Argument("input", input_)])
                types.meanings.add("Mutation", name, Root("create", entity.name))
        if types.access.may(entity.name, Action.UPDATE):
            input_ = _input(types, entity, Action.UPDATE)
            if input_ is not None:
                name = names.mutation("update", entity)
                arguments = [Argument("id", strawberry.ID), Argument("input", input_), _VERSION]
                builder.add(types.mutation, name, result, f"Change the given fields of a {noun}.", arguments)
                types.meanings.add("Mutation", name, Root("update", entity.name))
        if types.access.may(entity.name, Action.DELETE):
            name = names.mutation("delete", entity)
            arguments = [Argument("id", strawberry.ID), _VERSION]
            builder.add(types.mutation, name, result, f"Delete a {noun}; answers as it was.", arguments)
            types.meanings.add("Mutation", name, Root("delete", entity.name))


def _input(types: Types, entity: Entity, action: Action) -> type | None:
    permission = types.access.get(entity.name, action)
    owner = builder.input_type(f"{action.value.capitalize()}{names.type_name(entity)}Input", describe(entity))
    for field in entity.fields.values():
        if permission is None or field.name not in permission.fields or not field.writable:
            continue
        type_ = _type(types, entity, field, action)
        if type_ is None:
            continue
        needed = action is Action.CREATE and field.required and field.default is None
        builder.add(owner, names.input_name(field), type_ if needed else type_ | None, describe(field))
    return owner if builder.has_fields(owner) else None


def _type(types: Types, entity: Entity, field: Field, action: Action) -> Any:
    if field.relation is None:
        return types.value_type(entity, field)
    targets = types.targets(field)  # a relation can be set only to what the role can see
    if not targets:
        return None
    if not field.reference.polymorphic:
        return strawberry.ID
    owner = builder.input_type(
        f"{action.value.capitalize()}{names.union(entity, field)}Input", "Exactly one of these; null empties it."
    )
    for target in targets:
        builder.add(owner, names.target_key(target), strawberry.ID | None, naming.camel(target))
    return owner
