"""Filter inputs: ``CustomerFilter`` and one input of operators for each scalar type and enum."""

from functools import partial
from typing import Any

from xrm_core import naming
from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import InputType
from xrm_core.graphql.files import file_filter
from xrm_core.graphql.money import currency_type, money_filter
from xrm_core.graphql.types import Types, describe, label
from xrm_core.metadata.custom_types import scalar_name
from xrm_core.metadata.file_entity import FILE
from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.predicate import BLIND, FLAGS, LISTS, Op, operators
from xrm_core.metadata.types import TEXTUAL, FieldType

_DESCRIPTIONS = {
    Op.EQ: "Equal; null matches an empty value.",
    Op.NE: "Not equal; an empty value is not equal to any.",
    Op.IN: "One of these.",
    Op.NOT_IN: "None of these; an empty value is none of any.",
    Op.LT: "Less.",
    Op.LTE: "Less or equal.",
    Op.GT: "Greater.",
    Op.GTE: "Greater or equal.",
    Op.CONTAINS: "Contains this text; upper and lower case count.",
    Op.STARTS_WITH: "Starts with this text; upper and lower case count.",
    Op.ENDS_WITH: "Ends with this text; upper and lower case count.",
    Op.NUMBER: "Is this phone number, in whatever notation.",
    Op.HAS: "Has this value.",
    Op.HAS_ANY: "Has at least one of these.",
    Op.HAS_ALL: "Has all of these.",
    Op.IS_EMPTY: "True: has no value. False: has at least one.",
    Op.IS_NULL: "True: empty. False: not empty.",
}


def add_filters(types: Types) -> None:
    """One filter input per readable entity."""
    lists: dict[str, InputType] = {}
    for entity in types.readable:
        name = f"{names.type_name(entity)}Filter"
        fill = partial(_fill, types, lists, entity)
        types.filters[entity.name] = builder.input_type(name, "All conditions given must hold.", fill)
    types.know(*types.filters.values())


def _fill(types: Types, lists: dict[str, InputType], entity: Entity, owner: InputType) -> None:
    same = builder.optional(builder.list_of(owner))
    builder.add(owner, "and", same, "All of these hold.")
    builder.add(owner, "or", same, "At least one of these holds.")
    builder.add(owner, "not", owner | None, "This does not hold.")
    builder.add(owner, "isNull", bool | None, "Inside of a relation: true if it is empty, false if it is not.")
    if any(field.searched for field in types.fields(entity)):
        builder.add(owner, "search", str | None, "Every word of this text is in one of the fields that are searched.")
    for field in types.fields(entity):
        builder.add(owner, naming.camel(field.name), _of_field(types, entity, field) | None, describe(field))
    for inverse in types.inverses(entity):
        type_ = _list(types, types.model[inverse.entity], lists)
        builder.add(owner, naming.camel(inverse.name), type_ | None, label(inverse.labels))
    for link in types.links(entity):
        type_ = _list(types, types.model[link.target], lists)
        builder.add(owner, naming.camel(link.name), type_ | None, label(link.labels))


def _of_field(types: Types, entity: Entity, field: Field) -> InputType:
    if field.relation is not None:
        return _relation(types, entity, field)
    if field.type is FieldType.MONEY:
        return money_filter(types, lambda part: operator_input(types, entity, part), field)
    if field.type is FieldType.FILE:
        return file_filter(types, lambda part: operator_input(types, FILE, part))
    return operator_input(types, entity, field)


def operator_input(types: Types, entity: Entity, field: Field) -> InputType:
    """The operators of a scalar field, such as ``StringFilter``."""
    made = types.operators
    if field.enum and field.name != field.holder:  # the currency of an amount of money
        value, word = currency_type(types), "CurrencyCode"
    elif field.enum:
        value, word = types.word_type(entity, field), names.enum(entity, field)
    elif field.custom_type is not None:
        value, word = types.value_type(entity, field), scalar_name(field.custom_type)
    else:
        value, word = types.value_type(entity, field), _SHARED.get(field.type, "String")
    name = f"{word}Filter"
    if name not in made:
        made[name] = builder.input_type(name, "All operators given must hold.")
        for op in operators(field):
            type_: Any = bool if op in FLAGS else builder.list_of(value) if op in LISTS else value
            builder.add(made[name], op.value, builder.optional(type_), _DESCRIPTIONS[op])
        if field.type in TEXTUAL and BLIND & set(operators(field)):
            about = "What makes no difference to these comparisons."
            builder.add(made[name], "ignoring", types.text_difference | None, about)
    return made[name]


_SHARED = {
    FieldType.INTEGER: "Int",
    FieldType.BIG_INTEGER: "BigInt",
    FieldType.TIME: "Time",
    FieldType.PHONE: "Phone",
    FieldType.JSON: "JSON",
    FieldType.DURATION: "Duration",
    FieldType.DECIMAL: "Decimal",
    FieldType.BOOLEAN: "Boolean",
    FieldType.DATE: "Date",
    FieldType.DATETIME: "DateTime",
    FieldType.UUID: "Id",
}


def _relation(types: Types, entity: Entity, field: Field) -> InputType:
    targets = types.targets(field)
    if not field.reference.polymorphic:
        return types.filters[targets[0]]
    found = builder.input_type(f"{names.union(entity, field)}Filter", "All conditions given must hold.")
    builder.add(found, "isNull", bool | None, "True if the relation is empty, false if it is not.")
    for target in targets:
        builder.add(
            found, naming.camel(target), types.filters[target] | None, f"It refers to a {target} for which this holds."
        )
    return found


def _list(types: Types, target: Entity, made: dict[str, InputType]) -> InputType:
    if target.name not in made:
        owner = builder.input_type(f"{names.type_name(target)}ListFilter", "All conditions given must hold.")
        part = builder.optional(types.filters[target.name])
        builder.add(owner, "some", part, "Holds for at least one.")
        builder.add(owner, "none", part, "Holds for none.")
        builder.add(owner, "every", part, "Holds for all (also if there are none).")
        made[target.name] = owner
    return made[target.name]
