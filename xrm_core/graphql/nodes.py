"""Relay's root fields ``node(id)`` and ``nodes(ids)``: records of any entity, by their ids alone."""

import strawberry
from graphql import GraphQLID

from xrm_core.graphql import builder
from xrm_core.graphql.builder import Argument
from xrm_core.graphql.meanings import Root, ScalarField
from xrm_core.graphql.types import Types


def add_nodes(types: Types) -> None:
    """The fields, if the role can read any records at all; each of its record types is a ``Node``."""
    if not types.objects:
        return
    types.know(types.node, GraphQLID)
    for type_ in types.objects.values():
        # Known before anybody looks into the type: «... on Node» and the field «id» name no type of an entity.
        types.meanings.add(type_.name, "id", ScalarField("id"))
    builder.add(
        types.query,
        "node",
        types.node | None,
        "The record with this id, whatever its entity, or null if there is none that you may see.",
        [Argument("id", strawberry.ID)],
    )
    types.meanings.add("Query", "node", Root("node", ""))
    builder.add(
        types.query,
        "nodes",
        builder.list_of(types.node | None),
        "The records with these ids, in the order of the ids; null where there is none that you may see.",
        [Argument("ids", builder.list_of(strawberry.ID), "At most as many as a page has records.")],
    )
    types.meanings.add("Query", "nodes", Root("nodes", ""))
