"""Order inputs: ``orderBy: [{name: ASC}, {owner: {lastName: DESC}}]``, one field in each object."""

from functools import partial

from xrm_core import naming
from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import EnumType, InputType
from xrm_core.graphql.money import money_order
from xrm_core.graphql.types import Types
from xrm_core.metadata.model import Entity


def add_orders(types: Types) -> None:
    """One order input per readable entity: its scalar fields, and its to-one relations nested."""
    direction = builder.enum_type(
        "OrderDirection",
        ("ASC", "DESC", "ASC_ALPHABETICAL", "DESC_ALPHABETICAL"),
        {
            "ASC": "Smallest first, empty values last. Texts by code points: Z before a, z before ä.",
            "DESC": "Greatest first, empty values first.",
            "ASC_ALPHABETICAL": "Texts as in a register: A with a, ä with a, ß as ss; empty ones last.",
            "DESC_ALPHABETICAL": "Texts as in a register, the other way round; empty ones first.",
        },
    )
    for entity in types.readable:
        types.orders[entity.name] = builder.input_type(
            f"{names.type_name(entity)}OrderBy",
            "Exactly one field; several criteria are several list items.",
            partial(_fill, types, entity, direction),
        )
    types.shared[direction.name] = direction
    types.know(direction, *types.orders.values())


def _fill(types: Types, entity: Entity, direction: EnumType, owner: InputType) -> None:
    for field in types.comparable(entity):
        if field.parts:
            builder.add(owner, naming.camel(field.name), money_order(types, direction) | None)
        elif field.relation is None:
            builder.add(owner, naming.camel(field.name), direction | None)
        else:
            target = types.orders[field.reference.targets[0]]
            builder.add(owner, naming.camel(field.name), target | None)
