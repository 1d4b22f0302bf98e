"""Record types, their connections, and the root fields ``customer(id)`` and ``customers(where, orderBy, …)``."""

from functools import partial
from typing import Any

import strawberry

from xrm_core import naming
from xrm_core.graphql import builder, names
from xrm_core.graphql.aggregates import add_figures
from xrm_core.graphql.builder import Argument, ObjectType
from xrm_core.graphql.connections import connection_type, list_arguments
from xrm_core.graphql.files import file_type
from xrm_core.graphql.history import add_history
from xrm_core.graphql.link_fields import add_links
from xrm_core.graphql.meanings import (
    FileField,
    InverseField,
    Meaning,
    MoneyField,
    PageInfoPart,
    RelationField,
    Root,
    ScalarField,
)
from xrm_core.graphql.merge_fields import add_merged_into
from xrm_core.graphql.money import money_type
from xrm_core.graphql.relationship_fields import add_relationships, prepare_relationships
from xrm_core.graphql.sharing import add_shares
from xrm_core.graphql.types import Types, describe, label
from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.types import FieldType


def add_objects(types: Types) -> None:
    """Fill the record types; add connections and root fields."""
    _page_info(types)
    for entity in types.readable:
        fill = partial(_record, types, entity)
        types.objects[entity.name] = builder.object_type(names.type_name(entity), describe(entity), fill, [types.node])
        types.meanings.entities[names.type_name(entity)] = entity.name
    prepare_relationships(types)
    for entity in types.readable:
        types.connections[entity.name] = _connection(types, entity)
        name = names.type_name(entity)
        builder.add(
            types.query,
            names.single(entity),
            types.objects[entity.name] | None,
            f"One {label(entity.labels) or name} by id, or null if there is none that you may see.",
            [Argument("id", strawberry.ID)],
        )
        types.meanings.add("Query", names.single(entity), Root("record", entity.name))
        add_merged_into(types, entity)
        builder.add(
            types.query,
            names.many(entity),
            types.connections[entity.name],
            f"Records of {label(entity.plural_labels) or name} that you may see.",
            list_arguments(types, entity),
        )
        types.meanings.add("Query", names.many(entity), Root("connection", entity.name))


def _record(types: Types, entity: Entity, owner: ObjectType) -> None:
    name = names.type_name(entity)
    for field in types.fields(entity):
        graphql_name = naming.camel(field.name)
        if field.relation is None:
            type_, meaning = _value(types, entity, field)
            builder.add(owner, graphql_name, type_ if types.always(entity, field) else type_ | None, describe(field))
            types.meanings.add(name, graphql_name, meaning)
        else:
            # Nullable even if required: the record it refers to may be hidden.
            builder.add(owner, graphql_name, _target(types, entity, field) | None, describe(field))
            types.meanings.add(name, graphql_name, RelationField(field.name))
    for inverse in types.inverses(entity):
        graphql_name = naming.camel(inverse.name)
        target = types.model[inverse.entity]
        builder.add(
            owner, graphql_name, types.connections[target.name], label(inverse.labels), list_arguments(types, target)
        )
        types.meanings.add(name, graphql_name, InverseField(inverse.name, target.name))
    add_links(types, entity, owner)
    add_figures(types, entity, owner)
    add_relationships(types, entity, owner)
    add_shares(types, entity, owner)
    add_history(types, entity, owner)


def _value(types: Types, entity: Entity, field: Field) -> tuple[Any, Meaning]:
    if field.type is FieldType.FILE:
        return file_type(types), FileField(field.name)
    if field.type is FieldType.MONEY:
        return money_type(types), MoneyField(field.name)
    return types.value_type(entity, field), ScalarField(field.name)


def _target(types: Types, entity: Entity, field: Field) -> Any:
    targets = types.targets(field)
    if not field.reference.polymorphic:
        return types.objects[targets[0]]
    return builder.union_type(names.union(entity, field), [types.objects[each] for each in targets], describe(field))


def _connection(types: Types, entity: Entity) -> ObjectType:
    node = types.objects[entity.name]
    types.know(node)
    return connection_type(types, names.type_name(entity), node, "A record and its place in the list.")


def _page_info(types: Types) -> None:
    found = types.page_info
    builder.add(found, "hasNextPage", bool)
    builder.add(found, "hasPreviousPage", bool)
    builder.add(found, "startCursor", str | None)
    builder.add(found, "endCursor", str | None)
    for part in ("hasNextPage", "hasPreviousPage", "startCursor", "endCursor"):
        types.meanings.add("PageInfo", part, PageInfoPart(part))
    types.know(found)
