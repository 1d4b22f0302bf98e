"""Figures: ``opportunitiesAggregate(where, groupBy) { key { stage } count sum { amount } }``."""

from functools import partial
from typing import Any

from xrm_core import naming
from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import Argument, EnumType, InputType, ObjectType
from xrm_core.graphql.meanings import AggregateField, Root
from xrm_core.graphql.money import money_group, money_key
from xrm_core.graphql.scalars import BigInt, Decimal
from xrm_core.graphql.types import Types, label
from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.types import COMPARABLE, NUMERIC, ORDERED, WHOLE, FieldType
from xrm_core.query.request import Function

_FUNCTIONS: dict[Function, str] = {
    "sum": "Sum of the values; null if there are none.",
    "avg": "Average of the values, rounded to six digits (durations: to whole seconds); null if there are none.",
    "min": "Smallest value; null if there are none.",
    "max": "Greatest value; null if there are none.",
    "countDistinct": "Number of different values, empty ones not counted.",
}


def add_aggregates(types: Types) -> None:
    """One aggregate root field per readable entity."""
    how = builder.enum_type("GroupBy", ("VALUE",), {"VALUE": "One group for each value."})
    inputs: dict[str, InputType] = {}
    keys: dict[str, ObjectType] = {}
    for entity in types.readable:
        name = names.type_name(entity)
        inputs[entity.name] = builder.input_type(
            f"{name}GroupBy",
            "Exactly one field; several are several list items.",
            partial(_inputs, types, entity, inputs, how),
        )
        keys[entity.name] = builder.object_type(
            f"{name}GroupKey", "What the records of a group share.", partial(_keys, types, entity, keys)
        )
        group = builder.object_type(
            f"{name}Aggregate", "Figures of one group.", partial(_group, types, entity, keys[entity.name])
        )
        types.know(inputs[entity.name], keys[entity.name], group)
        builder.add(
            types.query,
            names.aggregate(entity),
            builder.list_of(group),
            f"Figures over {label(entity.plural_labels) or entity.plural} that you may see.",
            [
                Argument("where", types.filters[entity.name] | None, "Only these; all if absent."),
                Argument(
                    "groupBy", builder.optional(builder.list_of(inputs[entity.name])), "One row in all if absent."
                ),
                Argument("first", int | None, "At most so many groups, in the order of their keys."),
            ],
        )
        types.meanings.add("Query", names.aggregate(entity), Root("aggregate", entity.name))


def _inputs(types: Types, entity: Entity, inputs: dict[str, InputType], how: EnumType, owner: InputType) -> None:
    for field in types.comparable(entity):
        if field.parts:
            builder.add(owner, naming.camel(field.name), money_group(types, how) | None)
        elif field.relation is None:
            builder.add(owner, naming.camel(field.name), how | None)
        else:
            builder.add(owner, naming.camel(field.name), inputs[field.reference.targets[0]] | None)


def _keys(types: Types, entity: Entity, keys: dict[str, ObjectType], owner: ObjectType) -> None:
    for field in types.comparable(entity):
        if field.parts:
            builder.add(owner, naming.camel(field.name), money_key(types) | None)
        elif field.relation is None:
            builder.add(owner, naming.camel(field.name), types.value_type(entity, field) | None)
        else:
            builder.add(owner, naming.camel(field.name), keys[field.reference.targets[0]] | None)


def _group(types: Types, entity: Entity, key: ObjectType, owner: ObjectType) -> None:
    builder.add(owner, "key", key, "The values by which this group was made.")
    builder.add(owner, "count", int, "Number of records.")
    types.meanings.add(owner.name, "key", AggregateField("key"))
    types.meanings.add(owner.name, "count", AggregateField("count"))
    for function, description in _FUNCTIONS.items():
        fields = [field for field in types.scalars(entity) if _applies(function, field)]
        if not fields:
            continue
        measures = builder.object_type(f"{owner.name}{function[0].upper()}{function[1:]}", description)
        for field in fields:
            builder.add(measures, naming.camel(field.name), _result(types, entity, function, field))
        builder.add(owner, function, measures, description)
        types.meanings.add(owner.name, function, AggregateField(function))


def _applies(function: Function, field: Field) -> bool:
    if function in ("sum", "avg"):
        return field.type in NUMERIC | {FieldType.MONEY} and field.name != "version"
    if function in ("min", "max"):
        return field.type in ORDERED | {FieldType.MONEY}
    return field.type in COMPARABLE


def _result(types: Types, entity: Entity, function: Function, field: Field) -> Any:
    if function == "countDistinct":
        return int
    if function == "avg" and field.type is not FieldType.DURATION:
        return float | None
    if function == "sum" and field.type in WHOLE:
        return builder.optional(BigInt)
    if field.type is FieldType.MONEY:
        return builder.optional(Decimal)
    return types.value_type(entity, field) | None
