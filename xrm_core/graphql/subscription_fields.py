"""Subscriptions ``customerChanged(where, operations, after)``: changes of records of an entity as they happen."""

from functools import partial

import strawberry

from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import Argument, ObjectType
from xrm_core.graphql.feed_fields import change_operation
from xrm_core.graphql.meanings import FeedField, Followed
from xrm_core.graphql.types import Types, label
from xrm_core.metadata.model import Entity


def add_subscriptions(types: Types) -> None:
    """One field for each entity that the role can read."""
    operation = change_operation(types) if types.readable else None
    for entity in types.readable:
        name = f"{names.single(entity)}Changed"
        about = f"A change of a {label(entity.labels) or names.type_name(entity)}."
        change = builder.object_type(f"{names.type_name(entity)}Change", about, partial(_fill, types, entity))
        types.know(change)
        builder.add(
            types.subscription,
            name,
            change,
            f"Changes of {label(entity.plural_labels) or names.type_name(entity)} that you may see, in order.",
            [
                Argument("where", types.filters[entity.name] | None, "Only of these; all if absent."),
                Argument("operations", builder.optional(builder.list_of(operation)), "Only these; all if absent."),
                Argument(
                    "after", str | None, "The cursor of the last change that you have; else only what is to come."
                ),
            ],
        )
        types.meanings.add("Subscription", name, Followed(entity.name))


def _fill(types: Types, entity: Entity, owner: ObjectType) -> None:
    builder.add(owner, "operation", change_operation(types))
    builder.add(owner, "id", strawberry.ID, "Id of the record.")
    builder.add(owner, "cursor", str, "For «after», to go on from here.")
    builder.add(owner, "node", types.objects[entity.name] | None, "The record as it is now; null if it was removed.")
    types.meanings.add(owner.name, "operation", FeedField("operation"))
    types.meanings.add(owner.name, "id", FeedField("id"))
    types.meanings.add(owner.name, "cursor", FeedField("cursor"))
    types.meanings.add(owner.name, "node", FeedField("node"))
