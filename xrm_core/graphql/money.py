"""The types of amounts of money, the same for every such field: ``Money``, its inputs, filter, order and groups."""

from collections.abc import Callable
from typing import TypeVar

from xrm_core.graphql import builder
from xrm_core.graphql.builder import EnumType, InputType, ObjectType
from xrm_core.graphql.meanings import MoneyPart
from xrm_core.graphql.scalars import Decimal
from xrm_core.graphql.types import Types
from xrm_core.metadata.model import AMOUNT, CURRENCY, Field
from xrm_core.metadata.types import FieldType
from xrm_core.permissions.policy import Action

T = TypeVar("T")


def currency_type(types: Types) -> EnumType:
    """``CurrencyCode``: the currencies of all fields that the role can read or write."""

    def make() -> EnumType:
        codes = {
            code
            for entity in types.model
            for field in entity.fields.values()
            for code in _seen(types, field, entity.name)
        }
        return builder.enum_type("CurrencyCode", sorted(codes), {}, "A currency, ISO 4217.")

    return _shared(types, "CurrencyCode", make)


def _seen(types: Types, field: Field, entity: str) -> tuple[str, ...]:
    if field.type is not FieldType.MONEY:
        return ()
    rights = (types.access.get(entity, action) for action in (Action.READ, Action.CREATE, Action.UPDATE))
    return field.currencies if any(each is not None and field.name in each.fields for each in rights) else ()


def money_type(types: Types) -> ObjectType:
    """``Money``."""

    def make() -> ObjectType:
        made = builder.object_type("Money", "An amount with its currency.")
        builder.add(made, AMOUNT, Decimal)
        builder.add(made, CURRENCY, currency_type(types))
        for part in (AMOUNT, CURRENCY):
            types.meanings.add("Money", part, MoneyPart(part))
        return made

    return _shared(types, "Money", make)


def money_input(types: Types) -> InputType:
    """``MoneyInput``."""

    def make() -> InputType:
        made = builder.input_type("MoneyInput", "An amount with its currency.")
        builder.add(made, AMOUNT, Decimal)
        builder.add(made, CURRENCY, currency_type(types) | None, "May be left out if the field has one currency only.")
        return made

    return _shared(types, "MoneyInput", make)


def money_filter(types: Types, operators: Callable[[Field], InputType], field: Field) -> InputType:
    """``MoneyFilter``. ``operators`` gives the input of a scalar field."""

    def make() -> InputType:
        made = builder.input_type("MoneyFilter", "All conditions given must hold.")
        builder.add(made, AMOUNT, operators(field.parts[AMOUNT]) | None, "The amount, whatever its currency.")
        builder.add(made, CURRENCY, operators(field.parts[CURRENCY]) | None)
        builder.add(made, "isNull", bool | None, "True: empty. False: not empty.")
        return made

    return _shared(types, "MoneyFilter", make)


def money_order(types: Types, direction: EnumType) -> InputType:
    """``MoneyOrderBy``."""

    def make() -> InputType:
        made = builder.input_type("MoneyOrderBy", "Exactly one of the two.")
        for part in (AMOUNT, CURRENCY):
            builder.add(made, part, direction | None)
        return made

    return _shared(types, "MoneyOrderBy", make)


def money_group(types: Types, how: EnumType) -> InputType:
    """``MoneyGroupBy``."""

    def make() -> InputType:
        made = builder.input_type("MoneyGroupBy", "One group for each currency.")
        builder.add(made, CURRENCY, how | None)
        return made

    return _shared(types, "MoneyGroupBy", make)


def money_key(types: Types) -> ObjectType:
    """``MoneyGroupKey``."""

    def make() -> ObjectType:
        made = builder.object_type("MoneyGroupKey", "What the amounts of a group share.")
        builder.add(made, CURRENCY, currency_type(types) | None)
        return made

    return _shared(types, "MoneyGroupKey", make)


def _shared(types: Types, name: str, make: Callable[[], T]) -> T:
    if name not in types.shared:
        types.shared[name] = make()
        types.know(types.shared[name])
    found: T = types.shared[name]
    return found
