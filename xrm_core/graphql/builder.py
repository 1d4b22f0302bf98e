"""Strawberry types made at run time: a thin layer, so that the rest of the room reads like what it makes."""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField
from strawberry.types.union import StrawberryUnion


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a field."""

    name: str
    type: Any
    description: str = ""


def object_type(name: str, description: str = "") -> type:
    """An object type without fields; :func:`add` gives it some. Types can so refer to each other in circles."""
    return strawberry.type(_empty(name), name=name, description=description or None)


def input_type(name: str, description: str = "") -> type:
    """An input type without fields."""
    return strawberry.input(_empty(name), name=name, description=description or None)


def enum_type(name: str, values: Iterable[str], descriptions: Mapping[str, str], description: str = "") -> Any:
    """An enum whose names are its values."""
    members = enum.Enum(  # type: ignore[misc]
        name, {value: strawberry.enum_value(value, description=descriptions.get(value)) for value in values}
    )
    return strawberry.enum(members, name=name, description=description or None)


def union_type(name: str, members: Sequence[type], description: str = "") -> StrawberryUnion:
    """A union of object types; one member is enough."""
    return StrawberryUnion(
        name, tuple(StrawberryAnnotation(member) for member in members), description=description or None
    )


def add(owner: type, name: str, type_: Any, description: str = "", arguments: Iterable[Argument] = ()) -> None:
    """Give an object or input type a field. Resolvers are attached to the finished schema, not here."""
    field = StrawberryField(
        python_name=name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(type_),
        description=description or None,
        default=strawberry.UNSET,
    )
    field.arguments = [
        StrawberryArgument(each.name, each.name, StrawberryAnnotation(each.type), description=each.description or None)
        for each in arguments
    ]
    owner.__strawberry_definition__.fields.append(field)  # type: ignore[attr-defined]


def list_of(type_: Any) -> Any:
    """``[Type!]``."""
    return list[type_]


def optional(type_: Any) -> Any:
    """The type or null."""
    return type_ | None


def has_fields(owner: type) -> bool:
    """Whether a type has been given any field; GraphQL allows no empty types."""
    return bool(owner.__strawberry_definition__.fields)  # type: ignore[attr-defined]


def _empty(name: str) -> type:
    return type(name, (), {"__annotations__": {}})
