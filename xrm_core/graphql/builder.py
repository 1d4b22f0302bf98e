"""GraphQL types made at run time, each filled when it is first looked into.

A role's schema may have thousands of types, and a document touches a handful. So a type begins as a name with a
function that gives it its fields; graphql-core calls that when somebody asks for them (:mod:`xrm_core.graphql.lazy`).
Strawberry takes part where Python code declares GraphQL: scalars are its definitions, and its own converter turns
them, and whatever else was decorated with it, into graphql-core's types.
"""

from __future__ import annotations

import types as python_types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import RLock
from typing import Any, Union, get_args, get_origin

import strawberry
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    Undefined,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter

from xrm_core.graphql.scalars import SCALARS

Fill = Callable[[Any], None]

_FILLING = RLock()  # several threads plan at the same time; a type must be filled once
_CONVERTER = GraphQLCoreConverter(
    StrawberryConfig(auto_camel_case=False, scalar_map=SCALARS),
    {},
    SCALARS,
    lambda definition: definition.fields,
)


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a field; without a default, one that is left out is not given at all."""

    name: str
    type: Any
    description: str = ""
    default: Any = Undefined


@dataclass(frozen=True, slots=True)
class Optional_:  # noqa: N801 - Optional is typing's
    """A type or null."""

    type: Any


class _Named:
    """What our named types share: ``type | None`` is the type or null, as with Python's own."""

    def __or__(self, other: None) -> Optional_:
        return Optional_(self)


class _Fillable(_Named):
    """A type whose fields come later: some by :func:`add`, the others by its own function."""

    def _begin(self, fill: Fill | None) -> None:
        self._fill = fill
        self._parts: list[tuple[str, Any, str, Sequence[Argument]]] = []
        self._made: Any = None

    def _filled(self) -> Any:
        if self._made is None:
            with _FILLING:
                if self._made is None:
                    if self._fill is not None:
                        self._fill(self)
                    self._made = {name: self._field(*rest) for name, *rest in self._parts}
        return self._made

    def _field(self, type_: Any, description: str, arguments: Sequence[Argument]) -> Any:
        raise NotImplementedError


class ScalarType(_Named, GraphQLScalarType):
    """A scalar that a plugin brings."""


class InterfaceType(_Named, GraphQLInterfaceType):
    """An interface."""


class ObjectType(_Fillable, GraphQLObjectType):
    """An object type."""

    def __init__(self, name: str, description: str, fill: Fill | None, interfaces: Sequence[InterfaceType]) -> None:
        GraphQLObjectType.__init__(self, name, self._filled, interfaces, description=description or None)
        self._begin(fill)

    def _field(self, type_: Any, description: str, arguments: Sequence[Argument]) -> GraphQLField:
        args = {
            each.name: GraphQLArgument(converted(each.type), each.default, each.description or None)
            for each in arguments
        }
        return GraphQLField(converted(type_), args, description=description or None)


LINKING = ("set", "add", "remove")
"""Lists of links in an input."""


class InputType(_Fillable, GraphQLInputObjectType):
    """An input type.

    ``shapes``: what is in it decides what the SQL of an answer looks like. ``writes``: its fields that list records or
    links that are written together with a record.
    """

    shapes = True
    writes: Collection[str] = ()

    def __init__(self, name: str, description: str, fill: Fill | None) -> None:
        GraphQLInputObjectType.__init__(self, name, self._filled, description=description or None)
        self._begin(fill)

    def _field(self, type_: Any, description: str, _arguments: Sequence[Argument]) -> GraphQLInputField:
        return GraphQLInputField(converted(type_), Undefined, description=description or None)


class EnumType(_Named, GraphQLEnumType):
    """An enum whose names are its values."""


class UnionType(_Named, GraphQLUnionType):
    """A union of object types."""


def object_type(
    name: str,
    description: str = "",
    fill: Callable[[ObjectType], None] | None = None,
    interfaces: Sequence[InterfaceType] = (),
) -> ObjectType:
    """An object type; ``fill`` gives it its fields, those of its ``interfaces`` too, when they are first asked for."""
    return ObjectType(name, description, fill, interfaces)


def interface_type(name: str, fields: Mapping[str, tuple[Any, str]], description: str = "") -> InterfaceType:
    """An interface; its fields are pairs of type and description."""
    made = {
        field: GraphQLField(converted(type_), description=about or None) for field, (type_, about) in fields.items()
    }
    return InterfaceType(name, made, description=description or None)


def input_type(name: str, description: str = "", fill: Callable[[InputType], None] | None = None) -> InputType:
    """An input type; ``fill`` gives it its fields when they are first asked for."""
    return InputType(name, description, fill)


def enum_type(name: str, values: Iterable[str], descriptions: Mapping[str, str], description: str = "") -> EnumType:
    """An enum whose names are its values."""
    members = {value: GraphQLEnumValue(value, description=descriptions.get(value) or None) for value in values}
    return EnumType(name, members, description=description or None)


def union_type(name: str, members: Sequence[ObjectType], description: str = "") -> UnionType:
    """A union of object types; one member is enough."""
    return UnionType(name, list(members), description=description or None)


def add(
    owner: ObjectType | InputType, name: str, type_: Any, description: str = "", arguments: Iterable[Argument] = ()
) -> None:
    """Give an object or input type a field. Resolvers are the executor's."""
    owner._parts.append((name, type_, description, tuple(arguments)))


def field_names(owner: ObjectType | InputType) -> list[str]:
    """The fields that a type was given; does not fill it."""
    return [name for name, *_ in owner._parts]


def list_of(type_: Any) -> Any:
    """``[Type!]``."""
    return list[type_]


def optional(type_: Any) -> Any:
    """The type or null."""
    return Optional_(type_)


def page_arguments(chosen: InputType) -> tuple[Argument, Argument, Argument]:
    """Arguments of a root field that is a page of things that are no records: which, how many, after what."""
    return (
        Argument("where", optional(chosen), "Only these; all if absent."),
        Argument("first", int | None, "At most so many; 50 if left out, 200 at most."),
        Argument("after", optional(strawberry.ID), "endCursor of the page before."),
    )


def has_fields(owner: ObjectType | InputType) -> bool:
    """Whether a type has any field; GraphQL allows no empty types. Fills it."""
    return bool(owner.fields)


def scalar(annotation: Any) -> Any:
    """graphql-core's type for a scalar: of Python (``int``), or of :mod:`xrm_core.graphql.scalars`."""
    return _nullable(annotation)


def converted(annotation: Any) -> Any:
    """graphql-core's type for ours, for Python's (``int | None``, ``list[str]``) and for Strawberry's.

    Null is allowed only where the annotation says so.
    """
    if isinstance(annotation, Optional_):
        return _nullable(annotation.type)
    if get_origin(annotation) in (Union, python_types.UnionType):
        [inner] = [each for each in get_args(annotation) if each is not type(None)]
        return _nullable(inner)
    return GraphQLNonNull(_nullable(annotation))


def _nullable(annotation: Any) -> Any:
    if isinstance(annotation, _Named):
        return annotation
    if get_origin(annotation) is list:
        return GraphQLList(converted(get_args(annotation)[0]))
    return _CONVERTER.from_type(annotation)
