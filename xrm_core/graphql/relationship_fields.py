"""Relationships of a record: ``contact { relationships(types, asOf, …) { nodes { label other { … } } } }``."""

from functools import partial
from typing import Any

import strawberry

from xrm_core.graphql import builder
from xrm_core.graphql.builder import Argument, ObjectType
from xrm_core.graphql.connections import connection_type, page_arguments
from xrm_core.graphql.meanings import (
    LabelField,
    NetworkField,
    NetworkFieldPart,
    RelationField,
    RelationshipsField,
    ScalarField,
)
from xrm_core.graphql.scalars import Date
from xrm_core.graphql.types import Types, label
from xrm_core.metadata.model import Entity
from xrm_core.metadata.relationships import SOURCE, TARGET

TYPE, DIRECTION, NODE = "RelationshipType", "RelationshipDirection", "Relationship"


def prepare_relationships(types: Types) -> None:
    """Make the types that all records share, if the role can see relationships of any kind."""
    kinds = _visible(types)
    if not kinds:
        return
    texts = {kind.name: kind.description or label(kind.labels) for kind in kinds}
    types.shared[TYPE] = builder.enum_type(TYPE, texts, texts, "A kind of relationship.")
    about = {
        "FORWARD": "The record is the source.",
        "REVERSE": "The record is the target.",
        "BOTH": "Either; symmetric ones have no other meaning.",
    }
    types.shared[DIRECTION] = builder.enum_type(DIRECTION, about, about)
    node = builder.object_type(NODE, "A relationship, seen from one of its sides.", partial(_fill, types, kinds))
    connection = connection_type(types, NODE, node, "A relationship and its place in the list.")
    types.know(types.shared[TYPE], types.shared[DIRECTION], node)
    types.shared["network"] = network_type(types)
    types.shared["relationships"] = connection


def add_relationships(types: Types, entity: Entity, owner: ObjectType) -> None:
    """Give a record type its relationships, if its records can have any that the role can see."""
    if not takes_part(types, entity):
        return
    arguments = [
        *time_and_types(types),
        Argument("direction", types.shared[DIRECTION] | None, "Both if absent."),
        *page_arguments(),
    ]
    about = "Relationships with others that you may see, in the order in which they were noted."
    builder.add(owner, "relationships", types.shared["relationships"], about, arguments)
    types.meanings.add(owner.name, "relationships", RelationshipsField())
    arguments = [
        Argument("depth", int | None, "How many steps far; 2 if absent."),
        *time_and_types(types),
        Argument("first", int | None, "At most so many records, the nearest first."),
    ]
    about = "Whom relationships reach from here, over records that you may see."
    builder.add(owner, "network", types.shared["network"], about, arguments)
    types.meanings.add(owner.name, "network", NetworkField())


def takes_part(types: Types, entity: Entity) -> bool:
    """Whether records of an entity can have relationships that the role can see."""
    ends = (kind[end].reference.targets for kind in _visible(types) for end in (SOURCE, TARGET))
    return any(entity.name in targets for targets in ends)


def time_and_types(types: Types) -> list[Argument]:
    """Arguments that say which relationships are meant."""
    return [
        Argument("types", builder.optional(builder.list_of(types.shared[TYPE])), "Only these kinds; all if absent."),
        Argument("asOf", builder.optional(Date), "The day on which they hold; today if absent, any time if null."),
    ]


def record_union(types: Types) -> Any:
    """The union of all records that can stand in relationships, as far as the role can see them."""
    name = "RelationshipRecord"
    if name not in types.shared:
        kinds = _visible(types)
        ends = {target for kind in kinds for end in (SOURCE, TARGET) for target in types.targets(kind[end])}
        members = [types.objects[each] for each in sorted(ends)]
        types.shared[name] = builder.union_type(name, members, "A record that stands in relationships.")
    return types.shared[name]


def network_type(types: Types) -> ObjectType:
    """The type of networks."""

    def fill_node(node: ObjectType) -> None:
        builder.add(node, "depth", int, "How many steps away; 0 is the record itself.")
        builder.add(node, "record", record_union(types) | None, "The record.")
        types.meanings.add(node.name, "depth", ScalarField("depth"))
        types.meanings.add(node.name, "record", RelationField("record"))

    def fill_edge(edge: ObjectType) -> None:
        fields: list[tuple[str, Any, str, str]] = [
            ("id", strawberry.ID, "Id of the relationship.", "id"),
            ("type", types.shared[TYPE], "Its kind.", "type"),
            ("from", strawberry.ID, "Id of its source.", "from"),
            ("to", strawberry.ID, "Id of its target.", "to"),
            ("validFrom", builder.optional(Date), "First day; null: it has always held.", "valid_from"),
            ("validTo", builder.optional(Date), "Last day; null: it still holds.", "valid_to"),
        ]
        for name, type_, about, field in fields:
            builder.add(edge, name, type_, about)
            types.meanings.add(edge.name, name, ScalarField(field))
        builder.add(edge, "label", str, "What it is called, seen from its source.", [_language()])
        types.meanings.add(edge.name, "label", LabelField())

    def fill(network: ObjectType) -> None:
        node = builder.object_type("NetworkNode", "A record in a network.", fill_node)
        edge = builder.object_type("NetworkEdge", "A relationship between two records of a network.", fill_edge)
        builder.add(network, "nodes", builder.list_of(node), "The records, the nearest first.")
        builder.add(network, "edges", builder.list_of(edge), "Relationships between them; at most ten for each record.")
        types.meanings.add(network.name, "nodes", NetworkFieldPart("nodes"))
        types.meanings.add(network.name, "edges", NetworkFieldPart("edges"))

    return builder.object_type("Network", "Records and the relationships between them.", fill)


def _language() -> Argument:
    return Argument("language", str | None, "Language code; en if absent.")


def _visible(types: Types) -> list[Entity]:
    return [
        kind
        for kind in types.readable
        if kind.relationship is not None and all(types.access.readable(kind.name, end) for end in (SOURCE, TARGET))
    ]


def _fill(types: Types, kinds: list[Entity], node: ObjectType) -> None:
    links = [types.objects[kind.name] for kind in kinds]
    direction = builder.enum_type("RelationshipSide", ("FORWARD", "REVERSE"), {})
    fields: list[tuple[str, Any, str, Any]] = [
        ("id", strawberry.ID, "Id of the relationship.", ScalarField("id")),
        ("type", types.shared[TYPE], "Its kind.", ScalarField("type")),
        ("direction", direction, "Whether this record is its source or its target.", ScalarField("direction")),
        ("validFrom", builder.optional(Date), "First day; null: it has always held.", ScalarField("valid_from")),
        ("validTo", builder.optional(Date), "Last day; null: it still holds.", ScalarField("valid_to")),
        ("other", record_union(types) | None, "The record on the other side.", RelationField("other")),
        (
            "record",
            builder.union_type("RelationshipDetails", links) | None,
            "The relationship itself, with its attributes.",
            RelationField("record"),
        ),
    ]
    for name, type_, about, meaning in fields:
        builder.add(node, name, type_, about)
        types.meanings.add(NODE, name, meaning)
    builder.add(node, "label", str, "What it is called, seen from this record.", [_language()])
    types.meanings.add(NODE, "label", LabelField())
