"""Duplicates: ``mergeCustomers``, and ``customerMergedInto`` for who has the id of one that was merged."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import strawberry

from xrm_core import naming
from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import Argument, InputType, ObjectType
from xrm_core.graphql.dry_runs import DRY_RUN
from xrm_core.graphql.meanings import Root
from xrm_core.graphql.types import Types, describe, label
from xrm_core.metadata.model import USER, Entity, Field
from xrm_core.permissions.policy import Action
from xrm_core.records.merging import MOST_MERGED


def mergeable(entity: Entity) -> bool:
    """Whether there may be duplicates of its records: not of links, and an account is more than its record."""
    return entity.kind == "entity" and entity.name != USER


def add_merged_into(types: Types, entity: Entity) -> None:
    """The root field that leads from the id of a record that was merged to the one that has it now."""
    if mergeable(entity):
        noun, name = label(entity.labels) or names.type_name(entity), names.merged_into(entity)
        about = f"The {noun} into which the one that had this id was merged, if you may see it; else null."
        builder.add(types.query, name, types.objects[entity.name] | None, about, [Argument("id", strawberry.ID)])
        types.meanings.add("Query", name, Root("merged_into", entity.name))


def add_merge(types: Types, entity: Entity, update: InputType | None) -> None:
    """The mutation, for who may change some records and delete some. ``update`` is the input of changes, if any."""
    allowed = all(types.access.may(entity.name, action) for action in (Action.UPDATE, Action.DELETE))
    if not allowed or not mergeable(entity):
        return
    noun = label(entity.plural_labels) or names.many(entity)
    arguments = [
        Argument("into", strawberry.ID, "The one that stays."),
        Argument("from", builder.list_of(strawberry.ID), f"Those that become part of it; {MOST_MERGED} at most."),
        Argument("version", int | None, "The version of the one that stays that you read."),
        Argument("fromVersions", list[int] | None, "Those of the others, in their order."),
        DRY_RUN,
    ]
    take = _take(types, entity)
    if take is not None:
        about = "Which values of the others it gets; all else it keeps as it is."
        arguments.insert(2, Argument("take", builder.optional(builder.list_of(take)), about))
    if update is not None:
        arguments.insert(2, Argument("set", update | None, "Values that it gets."))
    name = names.mutation_of_many("merge", entity)
    about = f"Merge duplicates among {noun}: what refers to them refers to the one that stays, and they are deleted."
    builder.add(types.mutation, name, _result(types, entity), about, arguments)
    types.meanings.add("Mutation", name, Root("merge", entity.name))


def _take(types: Types, entity: Entity) -> InputType | None:
    if next(_takeable(types, entity), None) is None:
        return None
    name = f"Merge{names.type_name(entity)}Take"
    found = builder.input_type(name, "Which values of a record are taken over.", partial(_fill_take, types, entity))
    found.shapes = False
    types.know(found)
    types.known[_field_name(entity)] = partial(_field, types, entity)
    return found


def _fill_take(types: Types, entity: Entity, owner: InputType) -> None:
    builder.add(owner, "from", strawberry.ID, "Out of which.")
    builder.add(owner, "fields", builder.list_of(_field(types, entity)), "Which.")


def _field_name(entity: Entity) -> str:
    return f"Merge{names.type_name(entity)}Field"


def _field(types: Types, entity: Entity) -> Any:
    """The fields of an entity that can be taken over, as an enum; made when somebody asks for it."""
    name = _field_name(entity)
    if name not in types.shared:
        fields = {naming.camel(each.name): describe(each) for each in _takeable(types, entity)}
        types.shared[name] = builder.enum_type(name, fields, fields, "A field that can be taken over.")
    return types.shared[name]


def _takeable(types: Types, entity: Entity) -> Iterator[Field]:
    """What the role can read in full there, and write here."""
    granted = types.access.get(entity.name, Action.UPDATE)
    for field in entity.fields.values():
        written = granted is not None and field.name in granted.fields and field.writable
        read = types.access.readable_in_full(entity.name, field.name)
        if written and read and (field.relation is None or types.targets(field)):
            yield field


def _result(types: Types, entity: Entity) -> ObjectType:
    found = builder.object_type(f"Merge{names.type_name(entity)}Result", "What a merge has done.")
    builder.add(found, "record", types.objects[entity.name], "The record that stays.")
    builder.add(found, "moved", builder.list_of(_moved(types)), "What refers to it now, and what has become needless.")
    types.meanings.add(found.name, "record", Root("merged", entity.name))
    types.know(found)
    return found


def _moved(types: Types) -> ObjectType:
    found: ObjectType | None = types.shared.get("MovedRecords")
    if found is None:
        found = types.shared["MovedRecords"] = builder.object_type("MovedRecords", "Records of an entity.")
        builder.add(found, "entity", str, "Which, as its file calls it.")
        builder.add(found, "moved", int, "How many refer to the record that stays.")
        builder.add(found, "dropped", int, "How many links were dropped: it had them already, or they led to itself.")
        types.know(found)
    return found
