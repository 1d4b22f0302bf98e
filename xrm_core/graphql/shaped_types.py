"""Dataclasses of plugins as GraphQL types: inputs and answers of actions and of query fields."""

import datetime as dt
from decimal import Decimal as PythonDecimal
from typing import Any

import strawberry

from xrm_core import naming
from xrm_core.graphql import builder
from xrm_core.graphql.meanings import PluginRecord
from xrm_core.graphql.scalars import Date, DateTime, Decimal
from xrm_core.graphql.types import Types
from xrm_core.records.actions.shapes import Kind, Part, RecordOf, Shape

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
        if is_visible(types, part.kind):
            builder.add(found, part.key, type_of_part(types, part, field, inputs=inputs))
            record = record_in(part.kind)
            if record is not None:
                types.meanings.add(name, part.key, PluginRecord(record.entity))
    if inputs:
        found.shapes = False  # type: ignore[union-attr]
    types.know(found)
    return found


def type_of_part(types: Types, part: Part, field: str, *, inputs: bool) -> Any:
    """The type of a field of a dataclass; one that may be left out of an input may be null."""
    found = type_of_kind(types, part.kind, field, inputs=inputs)
    absent = part.kind.nullable or (inputs and not part.required) or isinstance(part.kind.of, RecordOf)
    return builder.optional(found) if absent else found


def is_visible(types: Types, kind: Kind) -> bool:
    """Whether the role sees anything of a kind: records of entities that it may not read are not there for it."""
    if isinstance(kind.of, Kind):
        return is_visible(types, kind.of)
    if isinstance(kind.of, Shape):
        return any(is_visible(types, part.kind) for part in kind.of.parts)
    return not isinstance(kind.of, RecordOf) or kind.of.entity in types.objects


def record_in(kind: Kind) -> RecordOf | None:
    """The record that a kind is, or that the items of a list are."""
    return record_in(kind.of) if isinstance(kind.of, Kind) else kind.of if isinstance(kind.of, RecordOf) else None


def type_of_kind(types: Types, kind: Kind, field: str, *, inputs: bool) -> Any:
    """The type of a kind, without null."""
    if kind.many:
        inner = type_of_kind(types, kind.of, field, inputs=inputs)
        hidden = isinstance(kind.of.of, RecordOf)  # some of them may be
        return builder.list_of(builder.optional(inner) if kind.of.nullable or hidden else inner)
    if isinstance(kind.of, Shape):
        ending = "Input" if inputs else ""
        return shaped(types, kind.of, f"{capital(field)}{kind.of.made_of.__name__}{ending}", field, inputs=inputs)
    if isinstance(kind.of, RecordOf):
        return types.objects[kind.of.entity]
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
