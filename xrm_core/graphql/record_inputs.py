"""What a role may write of a record, as fields of an input."""

from collections.abc import Iterator
from typing import Any

import strawberry

from xrm_core import naming
from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import InputType
from xrm_core.graphql.money import money_input
from xrm_core.graphql.types import Types
from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.types import FieldType
from xrm_core.permissions.policy import Action


def writable_fields(types: Types, entity: Entity, action: Action) -> Iterator[Field]:
    """The fields that the role may give values to when it creates or changes a record."""
    permission = types.access.get(entity.name, action)
    for field in entity.fields.values():
        if permission is None or field.name not in permission.fields or not field.writable:
            continue
        if field.relation is None or types.targets(field):  # it can be set only to what the role can see
            yield field


def field_type(types: Types, entity: Entity, field: Field, verb: str) -> Any:
    """The type of a field in an input, without null. ``verb`` begins the name of a type that is made for it."""
    field = field.given
    if field.type is FieldType.FILE:
        return strawberry.ID
    if field.type is FieldType.MONEY:
        return money_input(types)
    if field.relation is None:
        return types.value_type(entity, field)
    return strawberry.ID if not field.reference.polymorphic else _one_of(types, entity, field, verb)


def _one_of(types: Types, entity: Entity, field: Field, verb: str) -> InputType:
    name = f"{verb}{names.union(entity, field)}Input"
    if name not in types.inputs:  # one object, whoever asks first
        owner = types.inputs[name] = builder.input_type(name, "Exactly one of these; null empties it.")
        for target in types.targets(field):
            builder.add(owner, names.target_key(target), strawberry.ID | None, naming.camel(target))
    return types.inputs[name]
