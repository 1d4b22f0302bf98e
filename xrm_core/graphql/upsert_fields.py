"""Records by key: ``upsertCustomer(by, input)``, ``upsertCustomers(by, input)``.

Offered to whoever may create and change records. The input has what they may write in either case: which it is, is
known when the record was looked for.
"""

from functools import partial
from typing import Any

import strawberry

from xrm_core import naming
from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import Argument, InputType
from xrm_core.graphql.bulk_fields import error_type, on_error
from xrm_core.graphql.dry_runs import DRY_RUN
from xrm_core.graphql.link_inputs import link_input, writable_links
from xrm_core.graphql.meanings import Root
from xrm_core.graphql.record_inputs import field_type, writable_fields
from xrm_core.graphql.types import Types, describe, label
from xrm_core.metadata.model import Entity
from xrm_core.permissions.policy import Action
from xrm_core.records.bulk import MOST
from xrm_core.records.keys import ID, Key, keys_of

_ACTIONS = (Action.CREATE, Action.UPDATE)


def key_name(entity: Entity, key: Key) -> str:
    """What a key is called: the names that its fields have in inputs, ``number`` or ``projectId_contactId``."""
    return "_".join(naming.camel(name) if name == "id" else names.input_name(entity.fields[name]) for name in key)


def add_upserts(types: Types, entity: Entity) -> None:
    """The mutations, if there is a key that the role may read and give to new records."""
    writable = {field.name for field in writable_fields(types, entity, Action.CREATE)} | {"id"}
    usable = [
        key
        for key in keys_of(entity)
        if writable.issuperset(key) and all(types.access.readable_in_full(entity.name, name) for name in key)
    ]
    if not usable:
        return
    type_ = names.type_name(entity)
    about = {key_name(entity, key): "The id." if key == ID else f"Unique: {' and '.join(key)}." for key in usable}
    key = builder.enum_type(f"{type_}Key", about, about, "By what a record is looked for; the input has its values.")
    given = builder.input_type(f"Upsert{type_}Input", describe(entity), partial(_fill, types, entity))
    given.shapes = False
    result = builder.object_type(f"Upsert{type_}Result", "What has become of a record that was written by key.")
    builder.add(result, "created", bool, "True: it was created. False: it was there, and has these values now.")
    builder.add(result, "record", types.objects[entity.name], "The record as it is now.")
    types.meanings.add(result.name, "record", Root("upserted", entity.name))
    types.know(key, given, result)
    by = Argument("by", key, "By what it is looked for among the records that you may read.")
    name, noun = names.mutation("upsert", entity), label(entity.labels) or type_
    about_one = f"Change the {noun} with this key, or create it; what is not given stays."
    builder.add(types.mutation, name, result, about_one, [by, Argument("input", given), DRY_RUN])
    types.meanings.add("Mutation", name, Root("upsert", entity.name))
    name, nouns = names.mutation_of_many("upsert", entity), label(entity.plural_labels) or names.many(entity)
    rows = Argument("input", builder.list_of(given), f"{MOST} at most, each key once.")
    rest = [Argument("onError", on_error(types), "What becomes of the others.", default="ABORT"), DRY_RUN]
    about_many = f"Change the {nouns} with these keys, and create those that are missing."
    builder.add(types.mutation, name, _many(types), about_many, [by, rows, *rest])
    types.meanings.add("Mutation", name, Root("upsert_many", entity.name))


def _fill(types: Types, entity: Entity, owner: InputType) -> None:
    builder.add(
        owner, "id", strawberry.ID | None, "Id of the record, a UUID of version 7; only to be looked for by it."
    )
    fields = {field.name for action in _ACTIONS for field in writable_fields(types, entity, action)}
    for field in (each for each in entity.fields.values() if each.name in fields):
        type_ = builder.optional(field_type(types, entity, field, "Upsert"))
        builder.add(owner, names.input_name(field), type_, describe(field))
    links = {link.name: link for action in _ACTIONS for link in writable_links(types, entity, action)}
    for link in links.values():
        builder.add(owner, naming.camel(link.name), link_input(types, entity, link) | None, label(link.labels))


def _many(types: Types) -> Any:
    if "BulkUpsertResult" not in types.shared:
        result = builder.object_type("BulkUpsertResult", "What has become of many records that were written by key.")
        builder.add(result, "count", int, "How many were written, or were so already.")
        builder.add(result, "createdCount", int, "How many of them were created.")
        builder.add(result, "ids", list[strawberry.ID | None], "Their ids, in the order given; null: left out.")
        about = "Whether each was created, in the order given; null: left out."
        builder.add(result, "created", list[bool | None], about)
        builder.add(
            result, "errors", builder.list_of(error_type(types)), "What is wrong with those that were left out."
        )
        types.shared["BulkUpsertResult"] = result
        types.know(result)
    return types.shared["BulkUpsertResult"]
