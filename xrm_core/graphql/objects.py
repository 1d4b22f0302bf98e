"""Record types, their connections, and the root fields ``customer(id)`` and ``customers(where, orderBy, …)``."""

from functools import partial
from typing import Any

import strawberry

from xrm_core import naming
from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import Argument, ObjectType
from xrm_core.graphql.meanings import (
    ConnectionField,
    EdgeField,
    InverseField,
    PageInfoPart,
    RelationField,
    Root,
    ScalarField,
)
from xrm_core.graphql.types import Types, describe, label
from xrm_core.metadata.model import Entity, Field
from xrm_core.permissions.policy import Action


def add_objects(types: Types) -> None:
    """Fill the record types; add connections and root fields."""
    page_info = _page_info(types)
    connections: dict[str, ObjectType] = {}
    for entity in types.readable:
        fill = partial(_record, types, entity, connections)
        types.objects[entity.name] = builder.object_type(names.type_name(entity), describe(entity), fill)
        types.meanings.entities[names.type_name(entity)] = entity.name
    for entity in types.readable:
        connections[entity.name] = _connection(types, entity, page_info)
        name = names.type_name(entity)
        builder.add(
            types.query,
            names.single(entity),
            types.objects[entity.name] | None,
            f"One {label(entity.labels) or name} by id, or null if there is none that you may see.",
            [Argument("id", strawberry.ID)],
        )
        types.meanings.add("Query", names.single(entity), Root("record", entity.name))
        builder.add(
            types.query,
            names.many(entity),
            connections[entity.name],
            f"Records of {label(entity.plural_labels) or name} that you may see.",
            list_arguments(types, entity),
        )
        types.meanings.add("Query", names.many(entity), Root("connection", entity.name))


def list_arguments(types: Types, entity: Entity) -> list[Argument]:
    """Arguments of a connection."""
    found = [Argument("where", types.filters[entity.name] | None, "Only these; all if absent.")]
    if entity.name in types.orders:
        each = builder.optional(builder.list_of(types.orders[entity.name]))
        found.append(Argument("orderBy", each, "Sort criteria, one field each; the id comes last by itself."))
    return [
        *found,
        Argument("first", int | None, "Page size, from the start or after a cursor."),
        Argument("after", str | None, "Cursor after which the page begins."),
        Argument("last", int | None, "Page size, from the end or before a cursor."),
        Argument("before", str | None, "Cursor before which the page ends."),
    ]


def _record(types: Types, entity: Entity, connections: dict[str, ObjectType], owner: ObjectType) -> None:
    name = names.type_name(entity)
    for field in types.fields(entity):
        graphql_name = naming.camel(field.name)
        if field.relation is None:
            always = field.required and _everywhere(types, entity, field)
            type_ = types.value_type(entity, field)
            builder.add(owner, graphql_name, type_ if always else type_ | None, describe(field))
            types.meanings.add(name, graphql_name, ScalarField(field.name))
        else:
            # Nullable even if required: the record it refers to may be hidden.
            builder.add(owner, graphql_name, _target(types, entity, field) | None, describe(field))
            types.meanings.add(name, graphql_name, RelationField(field.name))
    for inverse in types.inverses(entity):
        graphql_name = naming.camel(inverse.name)
        target = types.model[inverse.entity]
        builder.add(owner, graphql_name, connections[target.name], label(inverse.labels), list_arguments(types, target))
        types.meanings.add(name, graphql_name, InverseField(inverse.name, target.name))


def _everywhere(types: Types, entity: Entity, field: Field) -> bool:
    permission = types.access.get(entity.name, Action.READ)
    return permission is not None and permission.field_rules.get(field.name) is None


def _target(types: Types, entity: Entity, field: Field) -> Any:
    targets = types.targets(field)
    if not field.reference.polymorphic:
        return types.objects[targets[0]]
    return builder.union_type(names.union(entity, field), [types.objects[each] for each in targets], describe(field))


def _connection(types: Types, entity: Entity, page_info: ObjectType) -> ObjectType:
    name = names.type_name(entity)
    node = types.objects[entity.name]

    def fill_edge(edge: ObjectType) -> None:
        builder.add(edge, "node", node)
        builder.add(edge, "cursor", str, "For «after» and «before» of the same list in the same order.")
        types.meanings.add(edge.name, "node", EdgeField("node"))
        types.meanings.add(edge.name, "cursor", EdgeField("cursor"))

    def fill(connection: ObjectType) -> None:
        builder.add(connection, "nodes", builder.list_of(node))
        builder.add(connection, "edges", builder.list_of(edge))
        builder.add(connection, "pageInfo", page_info)
        builder.add(connection, "totalCount", int, "Size of the whole list.")
        for part in ("nodes", "edges", "pageInfo", "totalCount"):
            types.meanings.add(connection.name, part, ConnectionField(part))

    edge = builder.object_type(f"{name}Edge", "A record and its place in the list.", fill_edge)
    connection = builder.object_type(f"{name}Connection", "A page of a list.", fill)
    types.know(node, edge, connection)
    return connection


def _page_info(types: Types) -> ObjectType:
    found = builder.object_type("PageInfo", "Where a page lies in its list (Relay).")
    builder.add(found, "hasNextPage", bool)
    builder.add(found, "hasPreviousPage", bool)
    builder.add(found, "startCursor", str | None)
    builder.add(found, "endCursor", str | None)
    for part in ("hasNextPage", "hasPreviousPage", "startCursor", "endCursor"):
        types.meanings.add("PageInfo", part, PageInfoPart(part))
    types.know(found)
    return found
