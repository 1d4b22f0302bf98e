"""Figures: ``opportunitiesAggregate(where, groupBy) { key { stage } count sum { amount } }``."""

from dataclasses import replace
from functools import partial
from typing import Any

from xrm_core import naming
from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import Argument, EnumType, InputType, ObjectType
from xrm_core.graphql.filters import operator_input
from xrm_core.graphql.meanings import AggregateField, FiguresField, Root
from xrm_core.graphql.money import money_group, money_key
from xrm_core.graphql.scalars import BigInt, Decimal, scalar_of
from xrm_core.graphql.types import Types, label
from xrm_core.metadata.model import AMOUNT, Entity, Field
from xrm_core.metadata.types import COMPARABLE, NUMERIC, ORDERED, WHOLE, FieldType
from xrm_core.query import figures_view
from xrm_core.query.figures_request import Function

_DATED = frozenset({FieldType.DATE, FieldType.DATETIME})

_FUNCTIONS: dict[Function, str] = {
    "sum": "Sum of the values; null if there are none.",
    "avg": "Average of the values, rounded to six digits (durations: to whole seconds); null if there are none.",
    "min": "Smallest value; null if there are none.",
    "max": "Greatest value; null if there are none.",
    "countDistinct": "Number of different values, empty ones not counted.",
}


def add_aggregates(types: Types) -> None:
    """One aggregate root field per readable entity."""
    inputs = _Inputs(types)
    keys: dict[str, ObjectType] = {}
    for entity in types.readable:
        name = names.type_name(entity)
        keys[entity.name] = builder.object_type(
            f"{name}GroupKey", "What the records of a group share.", partial(_keys, types, entity, keys, inputs.dates)
        )
        group = builder.object_type(
            f"{name}Aggregate", "Figures of one group.", partial(_group, types, entity, keys[entity.name])
        )
        types.know(keys[entity.name], group)
        types.figures[entity.name] = (builder.list_of(group), inputs.arguments(entity))
        builder.add(
            types.query,
            names.aggregate(entity),
            *_field(types, entity, f"Figures over {label(entity.plural_labels) or entity.plural} that you may see."),
        )
        types.meanings.add("Query", names.aggregate(entity), Root("aggregate", entity.name))


def add_figures(types: Types, entity: Entity, owner: ObjectType) -> None:
    """Figures over the records of each relation to many of an entity."""
    for inverse in types.inverses(entity):
        name = names.figures(inverse.name)
        builder.add(owner, name, *_field(types, types.model[inverse.entity], label(inverse.labels)))
        types.meanings.add(owner.name, name, FiguresField(inverse.name, inverse.entity))
    for link in types.links(entity):
        name, target = names.figures(link.name), types.model[link.target]
        type_, about, arguments = _field(types, target, label(link.labels))
        where_link = Argument("whereLink", types.filters[link.through] | None, "Only by links for which this holds.")
        builder.add(owner, name, type_, about, [*arguments, where_link])
        types.meanings.add(owner.name, name, FiguresField(link.name, link.target, link.through))


def _field(types: Types, entity: Entity, about: str) -> tuple[Any, str, list[Argument]]:
    type_, arguments = types.figures[entity.name]
    return type_, about, arguments


class _Inputs:
    """What figures are asked with. Inputs are filled when the first document has them."""

    def __init__(self, types: Types) -> None:
        self.types = types
        how = {"VALUE": "One group for each value."}
        self.values = builder.enum_type("GroupBy", ("VALUE",), how)
        parts = {part: f"One group for each {part.lower()}." for part in ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")}
        parts["WEEK"] = "One group for each week, from Monday on."
        self.dates = builder.enum_type("DateGroupBy", ("VALUE", *parts), how | parts)
        self.totals = builder.enum_type(
            "Totals",
            ("ROLLUP", "CUBE"),
            {
                "ROLLUP": "Of all keys but the last, but the last two, and so on; the last row is of all records.",
                "CUBE": "Of each set of keys.",
            },
        )
        self.groups: dict[str, InputType] = {}
        types.know(self.values, self.dates, self.totals)

    def arguments(self, entity: Entity) -> list[Argument]:
        """The arguments of figures over an entity's records."""
        types, name = self.types, names.type_name(entity)
        group = builder.input_type(
            f"{name}GroupBy", "Exactly one field; several are several list items.", partial(self._groups, entity)
        )
        self.groups[entity.name] = group
        having = builder.input_type(f"{name}Having", "All conditions given must hold.", partial(self._having, entity))
        order = builder.input_type(
            f"{name}AggregateOrderBy", "Exactly one key or figure.", partial(self._order, entity)
        )
        types.know(group, having, order)
        return [
            Argument("where", types.filters[entity.name] | None, "Only these records; all if absent."),
            Argument("groupBy", builder.optional(builder.list_of(group)), "One row in all if absent."),
            Argument("totals", self.totals | None, "Rows more, with totals over groups."),
            Argument("timeZone", str | None, "Whose days, weeks, … moments are grouped by: Europe/Berlin; else UTC."),
            Argument("having", having | None, "Only groups of which this holds."),
            Argument(
                "orderBy", builder.optional(builder.list_of(order)), "What groups are sorted by before their keys."
            ),
            Argument("first", int | None, "At most so many groups."),
        ]

    def _groups(self, entity: Entity, owner: InputType) -> None:
        types = self.types
        for field in types.comparable(entity):
            name = naming.camel(field.name)
            if field.parts:
                builder.add(owner, name, money_group(types, self.values) | None)
            elif field.relation is None:
                builder.add(owner, name, (self.dates if field.type in _DATED else self.values) | None)
            else:
                builder.add(owner, name, self.groups[field.reference.targets[0]] | None)

    def _having(self, entity: Entity, owner: InputType) -> None:
        types = self.types
        same = builder.optional(builder.list_of(owner))
        builder.add(owner, "and", same, "All of these hold.")
        builder.add(owner, "or", same, "At least one of these holds.")
        builder.add(owner, "not", owner | None, "This does not hold.")
        count = operator_input(types, entity, Field("count", FieldType.INTEGER))
        builder.add(owner, "count", count | None, "Number of records.")
        for function, description in _FUNCTIONS.items():
            fields = _measured(types, entity, function)
            if fields:
                inner = builder.input_type(_named(owner.name, function), "All conditions given must hold.")
                for field in fields:
                    compared = figures_view.result(function, field.parts[AMOUNT] if field.parts else field)
                    if function == "countDistinct":
                        compared = replace(compared, type=FieldType.INTEGER)
                    builder.add(inner, naming.camel(field.name), operator_input(types, entity, compared) | None)
                builder.add(owner, function, inner | None, description)

    def _order(self, entity: Entity, owner: InputType) -> None:
        types = self.types
        direction = types.shared["OrderDirection"]
        builder.add(owner, "key", types.orders[entity.name] | None, "One of the fields in groupBy.")
        builder.add(owner, "count", direction | None, "Number of records.")
        for function, description in _FUNCTIONS.items():
            fields = _measured(types, entity, function)
            if fields:
                inner = builder.input_type(_named(owner.name, function), "Exactly one field.")
                for field in fields:
                    builder.add(inner, naming.camel(field.name), direction | None)
                builder.add(owner, function, inner | None, description)


def _keys(types: Types, entity: Entity, keys: dict[str, ObjectType], dates: EnumType, owner: ObjectType) -> None:
    for field in types.comparable(entity):
        if field.parts:
            builder.add(owner, naming.camel(field.name), money_key(types) | None)
        elif field.relation is None:
            part = Argument("part", dates | None, "Which, if groupBy has several parts of this field.")
            about = "Of a part: its first day, or its first moment in UTC." if field.type in _DATED else ""
            arguments = [part] if field.type in _DATED else []
            builder.add(owner, naming.camel(field.name), types.value_type(entity, field) | None, about, arguments)
        else:
            builder.add(owner, naming.camel(field.name), keys[field.reference.targets[0]] | None)


def _group(types: Types, entity: Entity, key: ObjectType, owner: ObjectType) -> None:
    builder.add(owner, "key", key, "The values by which this group was made.")
    builder.add(owner, "count", int, "Number of records.")
    builder.add(
        owner,
        "totalOver",
        builder.list_of(str),
        "Keys that this row adds up over, as stage, account.sector, closeDate:MONTH; none for a group.",
    )
    for part in ("key", "count", "totalOver"):
        types.meanings.add(owner.name, part, AggregateField(part))
    for function, description in _FUNCTIONS.items():
        fields = _measured(types, entity, function)
        if not fields:
            continue
        measures = builder.object_type(_named(owner.name, function), description)
        for field in fields:
            builder.add(measures, naming.camel(field.name), _result(types, entity, function, field))
        builder.add(owner, function, measures, description)
        types.meanings.add(owner.name, function, AggregateField(function))


def _named(owner: str, function: Function) -> str:
    return f"{owner}{function[0].upper()}{function[1:]}"


def _measured(types: Types, entity: Entity, function: Function) -> list[Field]:
    return [field for field in types.scalars(entity) if _applies(function, field)]


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
    if function in ("sum", "avg"):  # no value of a type that a plugin has
        return builder.optional(scalar_of(field))
    return types.value_type(entity, field) | None
