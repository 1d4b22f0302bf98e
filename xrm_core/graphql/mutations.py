"""Mutations: ``createCustomer(input)``, ``updateCustomer(id, input, version)``, ``deleteCustomer(id, version)``."""

from functools import partial

import strawberry

from xrm_core import naming
from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import Argument, InputType
from xrm_core.graphql.bulk_fields import add_bulk
from xrm_core.graphql.dry_runs import DRY_RUN
from xrm_core.graphql.link_inputs import link_input, writable_links
from xrm_core.graphql.meanings import Root
from xrm_core.graphql.merge_fields import add_merge
from xrm_core.graphql.nested_inputs import fill_create
from xrm_core.graphql.record_inputs import field_type, writable_fields
from xrm_core.graphql.types import Types, describe, label
from xrm_core.graphql.upsert_fields import add_upserts
from xrm_core.metadata.model import Entity
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
        if create is not None and update is not None:
            add_upserts(types, entity)
        add_merge(types, entity, update)
        if types.access.may(entity.name, Action.DELETE):
            name = names.mutation("delete", entity)
            arguments = [Argument("id", strawberry.ID), _VERSION, DRY_RUN]
            builder.add(types.mutation, name, result, f"Delete a {noun}; answers as it was.", arguments)
            types.meanings.add("Mutation", name, Root("delete", entity.name))


def _input(types: Types, entity: Entity, action: Action) -> InputType | None:
    """The input of an action, or None if the role may not write any field."""
    if next(writable_fields(types, entity, action), None) is None and not writable_links(types, entity, action):
        return None
    name = f"{action.value.capitalize()}{names.type_name(entity)}Input"
    creates = action is Action.CREATE
    fill = partial(fill_create, types, entity, "") if creates else partial(_fill_update, types, entity)
    found = types.inputs[name] = builder.input_type(name, describe(entity), fill)
    found.shapes = False
    types.know(found)
    return found


def _fill_update(types: Types, entity: Entity, owner: InputType) -> None:
    for field in writable_fields(types, entity, Action.UPDATE):
        type_ = builder.optional(field_type(types, entity, field, "Update"))
        builder.add(owner, names.input_name(field), type_, describe(field))
    for link in writable_links(types, entity, Action.UPDATE):
        builder.add(owner, naming.camel(link.name), link_input(types, entity, link) | None, label(link.labels))
