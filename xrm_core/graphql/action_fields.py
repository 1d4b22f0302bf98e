"""Mutations that run actions of plugins: ``winOpportunity(id, input, version, dryRun)``."""

import datetime as dt
from decimal import Decimal as PythonDecimal
from typing import Any

import strawberry

from xrm_core import naming
from xrm_core.graphql import builder
from xrm_core.graphql.builder import Argument
from xrm_core.graphql.dry_runs import DRY_RUN
from xrm_core.graphql.meanings import ActionRoot, Root
from xrm_core.graphql.scalars import Date, DateTime, Decimal
from xrm_core.graphql.types import Types
from xrm_core.permissions.policy import Action as Right
from xrm_core.records.actions.shapes import Kind, Shape

_SCALARS: dict[Any, Any] = {PythonDecimal: Decimal, dt.date: Date, dt.datetime: DateTime}
_VERSION = Argument("version", int | None, "The version that you read. If the record has another now, nothing is done.")


def add_actions(types: Types) -> None:
    """Those that the role may run; about a record, if it may read some and has the right that the action needs."""
    for name, action in types.actions.items():
        if not types.access.may_run(name):
            continue
        if action.entity is not None and not all(
            types.access.may(action.entity, right) for right in (Right.READ, Right(action.needs))
        ):
            continue
        field = types.actions.field(action, types.model)
        arguments = [] if action.entity is None else [Argument("id", strawberry.ID)]
        shape, answer = types.actions.input(name), types.actions.answer(name)
        if shape is not None:
            given: Any = _shaped(types, shape, f"{_capital(field)}Input", field, inputs=True)
            if not any(part.required for part in shape.parts):
                given = given | None
            arguments.append(Argument("input", given))
        arguments += [] if action.entity is None else [_VERSION]
        arguments.append(DRY_RUN)
        result: Any = bool if action.entity is None else types.objects[action.entity]
        if answer is not None:
            result = _shaped(types, answer, f"{_capital(field)}Result", field, inputs=False)
            if action.entity is not None:
                builder.add(result, "record", types.objects[action.entity], "The record, as it is now.")
                types.meanings.add(result.name, "record", Root("merged", action.entity))
        builder.add(types.mutation, field, result, action.about or f"Run {name}.", arguments)
        types.meanings.add("Mutation", field, ActionRoot(name, action.entity))


def _capital(name: str) -> str:
    return f"{name[:1].upper()}{name[1:]}"


def _shaped(types: Types, shape: Shape, name: str, field: str, *, inputs: bool) -> Any:
    if name in types.shared:
        return types.shared[name]
    about = (shape.made_of.__doc__ or "").partition("\n")[0]
    about = "" if about.startswith(f"{shape.made_of.__name__}(") else about  # what dataclasses write by themselves
    found = builder.input_type(name, about) if inputs else builder.object_type(name, about)
    types.shared[name] = found
    for part in shape.parts:
        type_ = _type(types, part.kind, field, inputs=inputs)
        builder.add(found, part.key, builder.optional(type_) if _optional(part.kind, part.required, inputs) else type_)
    if inputs:
        found.shapes = False  # type: ignore[union-attr]
    types.know(found)
    return found


def _optional(kind: Kind, required: bool, inputs: bool) -> bool:
    return kind.nullable or (inputs and not required)


def _type(types: Types, kind: Kind, field: str, *, inputs: bool) -> Any:
    if kind.many:
        inner = _type(types, kind.of, field, inputs=inputs)
        return builder.list_of(builder.optional(inner) if kind.of.nullable else inner)
    if isinstance(kind.of, Shape):
        ending = "Input" if inputs else ""
        return _shaped(types, kind.of, f"{_capital(field)}{kind.of.made_of.__name__}{ending}", field, inputs=inputs)
    if kind.of in _SCALARS:
        return _SCALARS[kind.of]
    if kind.of in (str, int, float, bool, strawberry.ID):
        return kind.of
    name = f"{_capital(field)}{kind.of.__name__}"
    if name not in types.shared:
        words = [each.name for each in kind.of]
        types.shared[name] = builder.enum_type(name, words, {}, naming.camel(kind.of.__name__))
        types.know(types.shared[name])
    return types.shared[name]
