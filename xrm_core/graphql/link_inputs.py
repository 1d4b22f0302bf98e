"""Inputs for many-to-many relations: ``members: {add: [{id: …, role: lead}], remove: […]}``."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import strawberry

from xrm_core import naming
from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import InputType
from xrm_core.graphql.money import money_input
from xrm_core.graphql.types import Types, describe
from xrm_core.metadata.model import Entity, Link, Model
from xrm_core.permissions.policy import Action


def writable_links(types: Types, entity: Entity, action: Action) -> list[Link]:
    """Many-to-many relations of which the role may make or remove links when it does this with a record."""
    permission = types.access.get(entity.name, action)
    return [
        link
        for link in types.links(entity)
        if permission is not None
        and (not link.owned or link.name in permission.fields)
        and any(types.access.may(link.through, each) for each in (Action.CREATE, Action.DELETE))
    ]


def link_input(types: Types, entity: Entity, link: Link) -> InputType:
    """How links of a record are changed."""
    name = f"{names.link(entity, link)}Input"
    if name not in types.inputs:  # one object for creating and updating
        about = "Either set, or add and remove. Links that you cannot see stay as they are."
        found = types.inputs[name] = builder.input_type(name, about, partial(fill_link, types, entity, link))
        found.writes = builder.LINKING
        types.know(types.inputs[name])
    return types.inputs[name]


def fill_link(types: Types, entity: Entity, link: Link, owner: InputType) -> None:
    """Give an input what says how links are changed."""
    creates, deletes = (types.access.may(link.through, action) for action in (Action.CREATE, Action.DELETE))
    ids = builder.optional(builder.list_of(strawberry.ID))
    if creates and deletes:
        builder.add(owner, "set", ids, "All links there are to be, by the ids of the records; others are removed.")
    if creates:
        name, about = f"{names.link(entity, link)}AddInput", "A record to link, and what the link says."
        if name not in types.inputs:
            types.inputs[name] = builder.input_type(name, about, partial(_fill_added, types, link))
            types.know(types.inputs[name])
        added = types.inputs[name]
        builder.add(
            owner,
            "add",
            builder.optional(builder.list_of(added)),
            "Links to make; one that exists gets the attributes given.",
        )
    if deletes:
        builder.add(owner, "remove", ids, "Links to remove, by the ids of the records; others are passed over.")


def _fill_added(types: Types, link: Link, owner: InputType) -> None:
    builder.add(owner, "id", strawberry.ID)
    add_attributes(types, link, owner)


def add_attributes(types: Types, link: Link, owner: InputType, but: str = "") -> None:
    """Give an input the attributes of links that the role may write, but one of this name."""
    through = types.model[link.through]
    granted = types.access.get(through.name, Action.CREATE)
    for field in types.attributes(link):
        if field.writable and naming.camel(field.name) != but and granted is not None and field.name in granted.fields:
            type_ = money_input(types) if field.parts else types.value_type(through, field)
            builder.add(owner, naming.camel(field.name), builder.optional(type_), describe(field))


def link_values(model: Model, link: Link, given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """An input as the write door takes it: names of the entity file, plain values."""
    if given is None:
        return None
    known = {naming.camel(name): name for name in model[link.through].fields}
    lists = {
        word: [{known.get(name, name): value for name, value in each.items()} for each in given[word]]
        for word in ("add", "create")
        if given.get(word)
    }
    return {**given, **lists}
