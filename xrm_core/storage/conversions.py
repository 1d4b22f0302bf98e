"""How the values of a field become values of another type: SQL that cannot raise, for both databases.

A value that has no counterpart becomes NULL in the expression, and :meth:`Conversion.misfit` finds its record. The
rules stand in ``convert_numbers``, ``convert_times`` and ``convert_words``; ``docs/schema-changes.md`` says them to
people.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, not_, null, or_, type_coerce

from xrm_core.metadata.model import Field
from xrm_core.metadata.types import TEXTUAL, WHOLE, FieldType
from xrm_core.storage import convert_money, convert_numbers, convert_sets, convert_times, convert_words
from xrm_core.storage.columns import column_type
from xrm_core.storage.sql_text import Sql, Words, text

Columns = Mapping[str, ColumnElement[Any]]
"""Column name → the column, wherever it stands: in a table, in ``NEW`` of a trigger."""

Rule = Callable[[Field, Field, Words, Sql], Sql]
"""(old field, new field, words of the database, old value) → new value, NULL if there is none."""


@dataclass(frozen=True)
class Conversion:
    """The columns ``targets`` of the new table from the columns ``sources`` of the old one.

    ``compute`` gives a value for each target; ``blank`` says of which records there is nothing to convert.
    ``defaults`` has target → value for records of which nothing comes.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    compute: Callable[[Columns, Words], Mapping[str, Sql]]
    blank: Callable[[Columns, Words], ColumnElement[bool]]
    defaults: Mapping[str, Sql] = attribute(default_factory=dict)

    def values(self, columns: Columns, dialect: str) -> dict[str, Sql]:
        """Target → its SQL expression over ``columns``, which has the sources by name."""
        values = self.converted(columns, dialect)
        return {
            name: func.coalesce(value, self.defaults[name], type_=value.type) if name in self.defaults else value
            for name, value in values.items()
        }

    def converted(self, columns: Columns, dialect: str) -> dict[str, Sql]:
        """The same without defaults."""
        return dict(self.compute(columns, Words(dialect)))

    def misfit(self, columns: Columns, dialect: str) -> ColumnElement[bool]:
        """The condition of records that have a value of which nothing comes."""
        values = self.converted(columns, dialect)
        return and_(not_(self.blank(columns, Words(dialect))), *(value.is_(None) for value in values.values()))

    def empty(self, columns: Columns, dialect: str) -> ColumnElement[bool]:
        """The condition of records that have no value before and none afterwards, but for a default."""
        values = self.converted(columns, dialect)
        return and_(self.blank(columns, Words(dialect)), *(value.is_(None) for value in values.values()))


def conversion(old: Field, new: Field) -> Conversion | None:
    """How a field becomes another one; None if there is no way."""
    if FieldType.MONEY in (old.type, new.type):
        return _of_money(old, new)
    rule = _rule(old, new)
    if rule is None or len(old.columns) != 1 or len(new.columns) != 1:
        return None
    [source], [target] = old.columns, new.columns

    def compute(columns: Columns, words: Words) -> Mapping[str, Sql]:
        return {target: type_coerce(rule(old, new, words, columns[source]), column_type(new))}

    def blank(columns: Columns, words: Words) -> ColumnElement[bool]:
        return _blank(old, new, columns[source], words)

    return Conversion((source,), (target,), compute, blank)


def _of_money(old: Field, new: Field) -> Conversion | None:
    def compute(columns: Columns, words: Words) -> Mapping[str, Sql]:
        values = [columns[name] for name in old.columns]
        if old.type is not FieldType.MONEY:
            found = convert_money.to_money(old, new, _kind(old), words, values[0])
        elif new.type is FieldType.MONEY:
            found = convert_money.money_to_money(old, new, words, *values)
        else:
            found = convert_money.from_money(old, new, words, *values)
        return {name: type_coerce(value, column_type(new, name)) for name, value in found.items()}

    def blank(columns: Columns, words: Words) -> ColumnElement[bool]:
        return _blank(old, new, columns[old.columns[0]], words)

    known = _kind(old) in convert_money.KINDS or (old.type is FieldType.MONEY and new.type is FieldType.DECIMAL)
    return Conversion(old.columns, new.columns, compute, blank) if known or old.type is new.type else None


def _blank(old: Field, new: Field, value: Sql, words: Words) -> ColumnElement[bool]:
    if old.type not in TEXTUAL or new.required:
        return value.is_(None)  # an empty text is nothing, but a required field must have something
    return or_(value.is_(None), words.trim(value) == text(""))


def identity(names: Mapping[str, str], new: Field) -> Conversion:
    """The values as they are, in columns of their own: target → source."""
    sources = tuple(names.values())

    def compute(columns: Columns, _words: Words) -> Mapping[str, Sql]:
        return {target: type_coerce(columns[source], column_type(new, target)) for target, source in names.items()}

    return Conversion(sources, tuple(names), compute, lambda columns, _words: _all_empty(columns, sources))


def filled(found: Conversion, new: Field, default: Any) -> Conversion:
    """The same conversion with the default of a field that must have a value."""
    return replace(found, defaults={new.columns[0]: literal(default, column_type(new))})


def restoring(
    old: Field, new: Field, forward: Conversion | None, back: Conversion | None, aside: Mapping[str, str]
) -> Conversion:
    """The way back of a conversion whose old values are still there: target → column in which they are aside.

    What is as ``forward`` made it gets its old value again; what has changed since is converted by ``back``, if there
    is a way.
    """

    def unchanged(columns: Columns, words: Words) -> ColumnElement[bool]:
        if forward is None:
            return _all_empty(columns, old.columns)
        made = forward.values({name: columns[aside[name]] for name in forward.sources}, words.dialect)
        return and_(*(made[name].is_not_distinct_from(columns[name]) for name in old.columns))

    def compute(columns: Columns, words: Words) -> Mapping[str, Sql]:
        converted = {} if back is None else back.values(columns, words.dialect)
        same = unchanged(columns, words)
        return {
            name: case(
                (same, type_coerce(columns[aside[name]], column_type(new, name))), else_=converted.get(name, null())
            )
            for name in new.columns
        }

    def blank(columns: Columns, words: Words) -> ColumnElement[bool]:
        nothing = _all_empty(columns, old.columns) if back is None else back.blank(columns, words)
        return or_(nothing, unchanged(columns, words))

    sources = (*old.columns, *aside.values())
    return Conversion(sources, new.columns, compute, blank, {} if back is None else back.defaults)


def _all_empty(columns: Columns, names: Iterable[str]) -> ColumnElement[bool]:
    return and_(*(columns[name].is_(None) for name in names))


def keeps_values(old: Field, new: Field) -> bool:
    """True if every value of the old field is one of the new field as it is stored."""
    if old.type in TEXTUAL and new.type in TEXTUAL:
        return True
    if old.type is not new.type:
        return False
    if new.type is FieldType.DECIMAL:
        return new.scale == old.scale and new.precision >= old.precision
    if new.type is FieldType.MONEY:
        wider = new.scale == old.scale and new.precision >= old.precision
        return wider and set(old.currencies) <= set(new.currencies)
    if new.type in (FieldType.ENUM, FieldType.SET):
        return set(old.enum) <= set(new.enum)
    return True


def _rule(old: Field, new: Field) -> Rule | None:
    found = _RULES.get((_kind(old), _kind(new)))
    if found is None and _kind(old) == "enum":
        return _RULES.get(("text", _kind(new)))  # its values are texts
    return found


def _kind(field: Field) -> str:
    if field.type in TEXTUAL:
        return "text"
    return "integer" if field.type in WHOLE else str(field.type)


def _same(_old: Field, _new: Field, _words: Words, value: Sql) -> Sql:
    return value


_RULES: Mapping[tuple[str, str], Rule] = {
    ("text", "integer"): convert_numbers.text_to_integer,
    ("integer", "integer"): convert_numbers.integer_to_integer,
    ("text", "decimal"): convert_numbers.text_to_decimal,
    ("integer", "decimal"): convert_numbers.integer_to_decimal,
    ("decimal", "decimal"): convert_numbers.decimal_to_decimal,
    ("decimal", "integer"): convert_numbers.decimal_to_integer,
    ("integer", "text"): convert_numbers.integer_to_text,
    ("decimal", "text"): convert_numbers.decimal_to_text,
    ("text", "boolean"): convert_words.text_to_boolean,
    ("boolean", "text"): convert_words.boolean_to_text,
    ("integer", "boolean"): convert_words.integer_to_boolean,
    ("boolean", "integer"): convert_words.boolean_to_integer,
    ("text", "enum"): convert_words.text_to_enum,
    ("enum", "enum"): convert_words.text_to_enum,
    ("enum", "text"): _same,
    ("text", "uuid"): convert_words.text_to_uuid,
    ("uuid", "text"): convert_words.uuid_to_text,
    ("relation", "text"): convert_words.uuid_to_text,
    ("relation", "uuid"): _same,
    ("enum", "set"): convert_sets.text_to_set,
    ("text", "set"): convert_sets.text_to_set,
    ("set", "set"): convert_sets.set_to_set,
    ("set", "enum"): convert_sets.set_to_text,
    ("set", "text"): convert_sets.set_to_text,
    ("text", "time"): convert_times.text_to_time,
    ("time", "text"): convert_times.time_to_text,
    ("text", "date"): convert_times.text_to_date,
    ("date", "text"): convert_times.date_to_text,
    ("text", "datetime"): convert_times.text_to_datetime,
    ("datetime", "text"): convert_times.datetime_to_text,
    ("date", "datetime"): convert_times.date_to_datetime,
    ("datetime", "date"): convert_times.datetime_to_date,
}
