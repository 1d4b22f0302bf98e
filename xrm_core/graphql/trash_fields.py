"""The trash: ``customersTrash``, ``restoreCustomer``, ``purgeCustomer``, and many at once."""

import strawberry

from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import Argument
from xrm_core.graphql.bulk_fields import add_of_trash
from xrm_core.graphql.connections import list_arguments
from xrm_core.graphql.dry_runs import DRY_RUN
from xrm_core.graphql.meanings import Root
from xrm_core.graphql.types import Types, label
from xrm_core.permissions.policy import Action


def add_trash(types: Types) -> None:
    """The list for who may delete records that they may read, and the mutation for who may create them, too."""
    for entity in types.readable:
        if entity.kind == "link" or not types.access.may(entity.name, Action.DELETE):
            continue
        noun, result = label(entity.labels) or names.type_name(entity), types.objects[entity.name]
        nouns = label(entity.plural_labels) or names.many(entity)
        name, connection = names.trash(entity), types.connections[entity.name]
        about = "Those in the trash that you may delete and read; updatedAt and updatedBy say when and by whom."
        builder.add(types.query, name, connection, about, list_arguments(types, entity))
        types.meanings.add("Query", name, Root("trash", entity.name))
        if types.access.may(entity.name, Action.CREATE):
            name = names.mutation("restore", entity)
            about = f"Bring a {noun} back out of the trash, with what was deleted with it."
            builder.add(types.mutation, name, result, about, [Argument("id", strawberry.ID), DRY_RUN])
            types.meanings.add("Mutation", name, Root("restore", entity.name))
            add_of_trash(types, entity, "restore", f"Bring many {nouns} back out of the trash.")
        if types.access.may(entity.name, Action.PURGE):
            name = names.mutation("purge", entity)
            about = f"End a {noun} that is in the trash for good, with what was deleted with it; answers with its id."
            builder.add(types.mutation, name, strawberry.ID, about, [Argument("id", strawberry.ID), DRY_RUN])
            types.meanings.add("Mutation", name, Root("purge", entity.name))
            add_of_trash(types, entity, "purge", f"End many {nouns} that are in the trash for good.")
