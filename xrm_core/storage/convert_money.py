"""Amounts with their currency, and numbers without one: a number is an amount in the field's first currency."""

from collections.abc import Mapping

from sqlalchemy import and_, case

from xrm_core.metadata.model import AMOUNT, Field
from xrm_core.storage.convert_numbers import decimal_to_decimal, integer_to_decimal, text_to_decimal
from xrm_core.storage.sql_text import Sql, Words, text, when

_TO_DECIMAL = {"text": text_to_decimal, "integer": integer_to_decimal, "decimal": decimal_to_decimal}

KINDS = frozenset(_TO_DECIMAL)
"""What can become an amount."""


def to_money(old: Field, new: Field, kind: str, words: Words, value: Sql) -> Mapping[str, Sql]:
    """12.5 → 12.50 EUR, in the first of the field's currencies."""
    amount = _TO_DECIMAL[kind](old, new.parts[AMOUNT], words, value)
    return dict(zip(new.columns, (amount, when(amount.is_not(None), text(new.currencies[0]))), strict=True))


def from_money(old: Field, new: Field, words: Words, amount: Sql, currency: Sql) -> Mapping[str, Sql]:
    """12.50 EUR → 12.5, if it is in the first of the currencies: other amounts would mean something else."""
    number = decimal_to_decimal(old.parts[AMOUNT], new, words, amount)
    return {new.columns[0]: when(currency == text(old.currencies[0]), number)}


def money_to_money(old: Field, new: Field, words: Words, amount: Sql, currency: Sql) -> Mapping[str, Sql]:
    """The same amount in the same currency, if the new field has that."""
    number = decimal_to_decimal(old.parts[AMOUNT], new.parts[AMOUNT], words, amount)
    fits = and_(number.is_not(None), currency.in_([text(each) for each in new.currencies]))
    return dict(zip(new.columns, (case((fits, number)), case((fits, currency))), strict=True))
