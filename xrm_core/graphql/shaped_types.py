"""Dataclasses of plugins as GraphQL types: inputs and answers of actions and of query fields."""

import datetime as dt
from decimal import Decimal as PythonDecimal
from typing import Any

import strawberry

from xrm_core import naming
from xrm_core.graphql import builder
from xrm_core.graphql.scalars import Date, DateTime, Decimal
from xrm_core.graphql.types import Types
from xrm_core.records.actions.shapes import Kind, Part, Shape

_SCALARS: dict[Any, Any] = {PythonDecimal: Decimal, dt.date: Date, dt.datetime: DateTime}


def capital(name: str) -> str:
    """The name with a capital letter at its beginning."""
    return f"{name[:1].upper()}{name[1:]}"


def shaped(types: Types, shape: Shape, name: str, field: str, *, inputs: bool) -> Any:
    """The type of a dataclass, made once.

    Args:
        types: get it.
        shape: of the dataclass.
        name: of the type.
        field: the root field that it is for, after which types within it are named.
        inputs: an input type, not one of answers.
    """
    if name in types.shared:
        return types.shared[name]
    about = (shape.made_of.__doc__ or "").partition("\n")[0]
    about = "" if about.startswith(f"{shape.made_of.__name__}(") else about  # what dataclasses write by themselves
    found = builder.input_type(name, about) if inputs else builder.object_type(name, about)
    types.shared[name] = found
    for part in shape.parts:
        builder.add(found, part.key, type_of_part(types, part, field, inputs=inputs))
    if inputs:
        found.shapes = False  # type: ignore[union-attr]
    types.know(found)
    return found


def type_of_part(types: Types, part: Part, field: str, *, inputs: bool) -> Any:
    """The type of a field of a dataclass; one that may be left out of an input may be null."""
    found = type_of_kind(types, part.kind, field, inputs=inputs)
    return builder.optional(found) if part.kind.nullable or (inputs and not part.required) else found


def type_of_kind(types: Types, kind: Kind, field: str, *, inputs: bool) -> Any:
    """The type of a kind, without null."""
    if kind.many:
        inner = type_of_kind(types, kind.of, field, inputs=inputs)
        return builder.list_of(builder.optional(inner) if kind.of.nullable else inner)
    if isinstance(kind.of, Shape):
        ending = "Input" if inputs else ""
        return shaped(types, kind.of, f"{capital(field)}{kind.of.made_of.__name__}{ending}", field, inputs=inputs)
    if kind.of in _SCALARS:
        return _SCALARS[kind.of]
    if kind.of in (str, int, float, bool, strawberry.ID):
        return kind.of
    name = f"{capital(field)}{kind.of.__name__}"
    if name not in types.shared:
        words = [each.name for each in kind.of]
        types.shared[name] = builder.enum_type(name, words, {}, naming.camel(kind.of.__name__))
        types.know(types.shared[name])
    return types.shared[name]
