"""Mutations: ``createCustomer(input)``, ``updateCustomer(id, input, version)``, ``deleteCustomer(id, version)``."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import strawberry

from xrm_core import naming
from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import Argument, InputType
from xrm_core.graphql.bulk_fields import add_bulk
from xrm_core.graphql.dry_runs import DRY_RUN
from xrm_core.graphql.link_inputs import link_input, writable_links
from xrm_core.graphql.meanings import Root
from xrm_core.graphql.money import money_input
from xrm_core.graphql.types import Types, describe, label
from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.types import FieldType
from xrm_core.permissions.policy import Action

_VERSION = Argument("version", int | None, "The version that you read. If the record has another now, nothing is done.")


def add_mutations(types: Types) -> None:
    """The mutations that the role may use. They answer with the record, so it must be readable, too."""
    for entity in types.readable:
        noun = label(entity.labels) or names.type_name(entity)
        result = types.objects[entity.name]
        create, update = _input(types, entity, Action.CREATE), _input(types, entity, Action.UPDATE)
        if create is not None:
            name = names.mutation("create", entity)
            builder.add(types.mutation, name, result, f"Create a {noun}.", [Argument("input", create), DRY_RUN])
            types.meanings.add("Mutation", name, Root("create", entity.name))
        if update is not None:
            name = names.mutation("update", entity)
            arguments = [Argument("id", strawberry.ID), Argument("input", update), _VERSION, DRY_RUN]
            builder.add(types.mutation, name, result, f"Change the given fields of a {noun}.", arguments)
            types.meanings.add("Mutation", name, Root("update", entity.name))
        add_bulk(types, entity, create, update)
        if types.access.may(entity.name, Action.DELETE):
            name = names.mutation("delete", entity)
            arguments = [Argument("id", strawberry.ID), _VERSION, DRY_RUN]
            builder.add(types.mutation, name, result, f"Delete a {noun}; answers as it was.", arguments)
            types.meanings.add("Mutation", name, Root("delete", entity.name))


def _input(types: Types, entity: Entity, action: Action) -> InputType | None:
    """The input of an action, or None if the role may not write any field."""
    if next(_writable(types, entity, action), None) is None and not writable_links(types, entity, action):
        return None
    name = f"{action.value.capitalize()}{names.type_name(entity)}Input"
    found = builder.input_type(name, describe(entity), partial(_fill, types, entity, action))
    found.shapes = False
    types.know(found)
    return found


def _writable(types: Types, entity: Entity, action: Action) -> Iterator[Field]:
    permission = types.access.get(entity.name, action)
    for field in entity.fields.values():
        if permission is None or field.name not in permission.fields or not field.writable:
            continue
        if field.relation is None or types.targets(field):  # it can be set only to what the role can see
            yield field


def _fill(types: Types, entity: Entity, action: Action, owner: InputType) -> None:
    for field in _writable(types, entity, action):
        type_ = _type(types, entity, field, action)
        needed = action is Action.CREATE and field.required and field.default is None
        builder.add(owner, names.input_name(field), type_ if needed else type_ | None, describe(field))
    for link in writable_links(types, entity, action):
        builder.add(owner, naming.camel(link.name), link_input(types, entity, link) | None, label(link.labels))


def _type(types: Types, entity: Entity, field: Field, action: Action) -> Any:
    if field.type is FieldType.FILE:
        return strawberry.ID
    if field.type is FieldType.MONEY:
        return money_input(types)
    if field.relation is None:
        return types.value_type(entity, field)
    targets = types.targets(field)
    if not field.reference.polymorphic:
        return strawberry.ID
    owner = builder.input_type(
        f"{action.value.capitalize()}{names.union(entity, field)}Input", "Exactly one of these; null empties it."
    )
    for target in targets:
        builder.add(owner, names.target_key(target), strawberry.ID | None, naming.camel(target))
    return owner
