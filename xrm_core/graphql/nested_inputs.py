"""Inputs of creations, and of records that are created together with another.

- ``contacts: {create: [{…}]}``: they refer to the record; so the relation that does is not in their input;
- ``owner: {create: {…}}`` in place of ``ownerId``, ``regarding: {customer: {create: {…}}}``: it refers to them;
- ``members: {create: [{record: {…}, role: lead}]}``, beside ``add``: they are linked with it.

Offered is what the role may create in the same way by a field of its own.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from xrm_core import naming
from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import LINKING, InputType
from xrm_core.graphql.link_inputs import add_attributes, fill_link, writable_links
from xrm_core.graphql.record_inputs import field_type, writable_fields
from xrm_core.graphql.types import Types, describe, label
from xrm_core.metadata.model import Entity, Field, Inverse, Link
from xrm_core.permissions.policy import Action
from xrm_core.records.nested_input import CREATE, RECORD


def fill_create(types: Types, entity: Entity, but: str, owner: InputType) -> None:
    """What a new record is made of: all that the role may write, but one field (empty: all), and what goes with it."""
    for field in writable_fields(types, entity, Action.CREATE):
        if field.name == but:
            continue
        type_ = _type(types, entity, field)
        one = None if field.relation is None or field.relation.polymorphic else _creatable(types, field)
        needed = field.required and field.default is None and not one
        builder.add(owner, names.input_name(field), type_ if needed else builder.optional(type_), describe(field))
        if one:
            about = f"In place of {names.input_name(field)}: a record that is created with this."
            builder.add(owner, naming.camel(field.name), _one_input(types, one[0]) | None, about)
    for link in writable_links(types, entity, Action.CREATE):
        builder.add(owner, naming.camel(link.name), _links_input(types, entity, link) | None, label(link.labels))
    for inverse, field in _children(types, entity):
        type_ = _children_input(types, types.model[inverse.entity], field)
        builder.add(owner, naming.camel(inverse.name), type_ | None, label(inverse.labels))


def _input_name(entity: Entity) -> str:
    return f"Create{names.type_name(entity)}Input"


def _creatable(types: Types, field: Field) -> list[str]:
    """Entities of which the role may create a record for a relation to refer to."""
    return [target for target in types.targets(field) if _input_name(types.model[target]) in types.inputs]


def _type(types: Types, entity: Entity, field: Field) -> Any:
    if field.relation is None or not field.relation.polymorphic:
        return field_type(types, entity, field, "Create")
    made = f"Create{names.union(entity, field)}Input" in types.inputs
    found = field_type(types, entity, field, "Create")
    for target in [] if made else _creatable(types, field):
        about = f"In place of {names.target_key(target)}: a record that is created with this."
        builder.add(found, naming.camel(target), _one_input(types, target) | None, about)
    return found


def _one_input(types: Types, target: str) -> InputType:
    entity = types.model[target]
    name = f"Nested{names.type_name(entity)}Input"
    if name not in types.inputs:
        about = f"A {label(entity.labels) or names.type_name(entity)} that is created together with another record."
        found = _nested(types, name, about)
        builder.add(found, CREATE, types.inputs[_input_name(entity)], "The record.")
    return types.inputs[name]


def _children(types: Types, entity: Entity) -> Iterator[tuple[Inverse, Field]]:
    """The inverses by which the role may create records that refer to a new one, and the fields that do."""
    for inverse in types.inverses(entity):
        child = types.model[inverse.entity]
        fields = {field.name: field for field in writable_fields(types, child, Action.CREATE)}
        field = fields.pop(inverse.field, None)
        if child.kind == "entity" and field is not None and fields and entity.name in types.targets(field):
            yield inverse, field


def _children_input(types: Types, child: Entity, field: Field) -> InputType:
    without = f"{names.type_name(child)}Without{naming.pascal(field.name)}"
    name = f"Nested{without}Input"
    if name not in types.inputs:
        found = _nested(types, name, "Records that are created together with this one, and refer to it.")
        each = builder.input_type(
            f"Create{without}Input", describe(child), partial(fill_create, types, child, field.name)
        )
        each.shapes = False
        types.know(each)
        builder.add(found, CREATE, builder.list_of(each), "In their order.")
    return types.inputs[name]


def _links_input(types: Types, entity: Entity, link: Link) -> InputType:
    name = f"Create{names.link(entity, link)}Input"
    if name not in types.inputs:
        found = _nested(types, name, "Either set, or add, remove and create.")
        fill_link(types, entity, link, found)
        found.writes = (CREATE, *LINKING)
        target = types.model[link.target]
        if types.access.may(link.through, Action.CREATE) and _input_name(target) in types.inputs:
            about = "A record that is created and linked, and what the link says."
            each = builder.input_type(f"Create{names.link(entity, link)}RecordInput", about)
            each.shapes = False
            builder.add(each, RECORD, types.inputs[_input_name(target)], "The record.")
            add_attributes(types, link, each, but=RECORD)
            types.know(each)
            builder.add(found, CREATE, builder.optional(builder.list_of(each)), "Records to create, and to link.")
    return types.inputs[name]


def _nested(types: Types, name: str, about: str) -> InputType:
    found = types.inputs[name] = builder.input_type(name, about)
    found.shapes = False
    found.writes = (CREATE,)
    types.know(found)
    return found
