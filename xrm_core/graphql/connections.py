"""Connections: pages of records, as Relay has them, and their arguments."""

from collections.abc import Callable

from xrm_core.graphql import builder
from xrm_core.graphql.builder import Argument, ObjectType
from xrm_core.graphql.meanings import ConnectionField, EdgeField
from xrm_core.graphql.types import Types
from xrm_core.metadata.model import Entity


def list_arguments(types: Types, entity: Entity) -> list[Argument]:
    """Arguments of a connection."""
    found = [Argument("where", types.filters[entity.name] | None, "Only these; all if absent.")]
    if entity.name in types.orders:
        each = builder.optional(builder.list_of(types.orders[entity.name]))
        found.append(Argument("orderBy", each, "Sort criteria, one field each; the id comes last by itself."))
    return [*found, *page_arguments()]


def page_arguments() -> list[Argument]:
    """Arguments that say which page of a list is meant."""
    return [
        Argument("first", int | None, "Page size, from the start or after a cursor."),
        Argument("after", str | None, "Cursor after which the page begins."),
        Argument("last", int | None, "Page size, from the end or before a cursor."),
        Argument("before", str | None, "Cursor before which the page ends."),
    ]


def connection_type(
    types: Types, name: str, node: ObjectType, about_edges: str, more: Callable[[ObjectType], None] | None = None
) -> ObjectType:
    """The connection ``<name>Connection`` to nodes of a type; ``more`` gives its edges further fields."""

    def fill_edge(edge: ObjectType) -> None:
        builder.add(edge, "node", node)
        builder.add(edge, "cursor", str, "For «after» and «before» of the same list in the same order.")
        types.meanings.add(edge.name, "node", EdgeField("node"))
        types.meanings.add(edge.name, "cursor", EdgeField("cursor"))
        if more is not None:
            more(edge)

    def fill(connection: ObjectType) -> None:
        builder.add(connection, "nodes", builder.list_of(node))
        builder.add(connection, "edges", builder.list_of(edge))
        builder.add(connection, "pageInfo", types.page_info)
        builder.add(connection, "totalCount", int, "Size of the whole list.")
        for part in ("nodes", "edges", "pageInfo", "totalCount"):
            types.meanings.add(connection.name, part, ConnectionField(part))

    edge = builder.object_type(f"{name}Edge", about_edges, fill_edge)
    connection = builder.object_type(f"{name}Connection", "A page of a list.", fill)
    types.know(edge, connection)
    return connection
