"""Many-to-many relations: ``project { members(where, whereLink, …) { nodes { … } edges { role node { … } } } }``."""

from functools import partial

from xrm_core import naming
from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import Argument, ObjectType
from xrm_core.graphql.connections import connection_type, list_arguments
from xrm_core.graphql.meanings import LinkEdgeField, LinkField
from xrm_core.graphql.money import money_type
from xrm_core.graphql.types import Types, describe, label
from xrm_core.metadata.model import Entity, Link


def add_links(types: Types, entity: Entity, owner: ObjectType) -> None:
    """Give a record type its many-to-many relations, with connections whose edges have the attributes of links."""
    for link in types.links(entity):
        graphql_name = naming.camel(link.name)
        where = Argument("whereLink", types.filters[link.through] | None, "Only by links for which this holds.")
        first, *others = list_arguments(types, types.model[link.target])
        connection = connection_type(
            types,
            names.link(entity, link),
            types.objects[link.target],
            "A record, its place in the list, and what the link to it says.",
            partial(_attributes, types, link),
        )
        builder.add(owner, graphql_name, connection, label(link.labels), [first, where, *others])
        types.meanings.add(owner.name, graphql_name, LinkField(link.name, link.target, link.through))


def _attributes(types: Types, link: Link, edge: ObjectType) -> None:
    through = types.model[link.through]
    for field in types.attributes(link):
        graphql_name = naming.camel(field.name)
        type_ = money_type(types) if field.parts else types.value_type(through, field)
        nullable = type_ if types.always(through, field) else builder.optional(type_)
        builder.add(edge, graphql_name, nullable, describe(field))
        types.meanings.add(edge.name, graphql_name, LinkEdgeField(field.name))
