"""Records as the caller knows them ↔ rows as the database has them."""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import partial
from operator import itemgetter
from typing import Any

from xrm_core.metadata.clock import duration_seconds, duration_text, moment_text, time_text
from xrm_core.metadata.model import AMOUNT, CURRENCY, Entity, Field
from xrm_core.metadata.types import FieldType
from xrm_core.metadata.worked_out import WorkedOut
from xrm_core.sealed.envelope import PREFIX
from xrm_core.translation import say, say_n

Record = dict[str, Any]


def to_columns(entity: Entity, record: Mapping[str, Any]) -> dict[str, Any]:
    """Column → value for the fields that a record has; other columns are absent."""
    columns: dict[str, Any] = {}
    for name, value in record.items():
        field = entity.field(name)
        if field is None:
            raise KeyError(f"{entity.name}.{name}")
        if field.virtual:
            continue
        columns.update(_columns(field, value))
    return columns


def _columns(field: Field, value: Any) -> dict[str, Any]:
    if field.type is FieldType.MONEY:
        given: Mapping[str, Any] = value or {}
        return {part.columns[0]: given.get(name) for name, part in field.parts.items()}
    if field.relation is None or not field.relation.polymorphic:
        return {field.columns[0]: value}
    chosen: Mapping[str, Any] = value or {}
    return {column: chosen.get(target) for target, column in zip(field.relation.targets, field.columns, strict=True)}


def from_row(entity: Entity, row: Mapping[str, Any]) -> Record:
    """The whole record as it is stored, system fields included, out of a row of its table."""
    return {field.name: value_of(field, row) for field in entity.all_fields() if not field.virtual}


def record_maker(entity: Entity, columns: Iterable[str]) -> Callable[[Sequence[Any]], Record]:
    """What makes a record, as :func:`from_row` does, of the values of these columns in their order.

    It has the fields whose columns are there.
    """
    order = {column: place for place, column in enumerate(columns)}
    names, plain = [], []
    others: list[tuple[str, Field]] = []
    for field in entity.all_fields():
        if field.virtual or field.columns[0] not in order:
            continue
        if field.type is FieldType.MONEY or (field.relation is not None and field.relation.polymorphic):
            others.append((field.name, field))
        names.append(field.name)
        plain.append(order[field.columns[0]])
    pick = itemgetter(*plain)

    def make(row: Sequence[Any]) -> Record:
        record = dict(zip(names, pick(row), strict=True))
        if others:
            of_columns = dict(zip(order, row, strict=True))
            for name, field in others:
                record[name] = value_of(field, of_columns)
        return record

    return make


def value_of(field: Field, row: Mapping[str, Any]) -> Any:
    """The value of a field, not a virtual one, out of a row that has its columns."""
    if field.parts:
        found = {name: row[part.columns[0]] for name, part in field.parts.items()}
        return None if found[AMOUNT] is None else found
    if field.relation is None or not field.relation.polymorphic:
        return row[field.columns[0]]
    for target, column in zip(field.relation.targets, field.columns, strict=True):
        if row[column] is not None:
            return {target: row[column]}
    return None


def targets_of(field: Field, value: Any) -> list[tuple[str, str]]:
    """Entity and id of the records that a relation's value refers to: none or one."""
    if value is None or field.relation is None:
        return []
    if field.relation.polymorphic:
        return [(target, str(identifier)) for target, identifier in value.items() if identifier is not None]
    return [(field.relation.targets[0], str(value))]


def canonical(entity: Entity, values: Mapping[str, Any]) -> Record:
    """The values in the one form that records have: decimals as such, moments, times and durations in their canonical
    text, ids in small letters, the values of a set in the order of its enum.

    They may be given in other forms (a decimal as text, ``PT90M``, another time zone). What has no such form is left as
    it is, for validation to report.
    """
    found = dict(values)
    for name, form in _FORMED(entity):
        value = found.get(name)
        if value is not None:
            try:
                found[name] = form(value)
            except (ValueError, InvalidOperation, TypeError):
                continue
    return found


def _decimal(value: Any) -> Any:
    return Decimal(value) if isinstance(value, str) else value


def _money(field: Field, value: Mapping[str, Any]) -> dict[str, Any]:
    """An amount as a decimal; a currency only needs to be said if there are several."""
    money = {name: part for name, part in value.items() if part is not None}
    if len(field.currencies) == 1:
        money.setdefault(CURRENCY, field.currencies[0])
    if isinstance(money.get(AMOUNT), str | int):
        with contextlib.suppress(InvalidOperation):
            money[AMOUNT] = Decimal(money[AMOUNT])
    return money


def _set(field: Field, value: Any) -> Any:
    """Raises ValueError: it has a value that is not allowed."""
    return sorted(value, key=field.enum.index) if isinstance(value, list | tuple) else value


def _money_if(field: Field, value: Any) -> Any:
    return _money(field, value) if isinstance(value, Mapping) else value


def _id(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _ids(value: Any) -> Any:
    return {target: _id(each) for target, each in value.items()} if isinstance(value, Mapping) else _id(value)


def _duration(value: Any) -> str:
    return duration_text(duration_seconds(value))


_FORMS: Mapping[FieldType, Callable[[Any], Any]] = {
    FieldType.DECIMAL: _decimal,
    FieldType.DATETIME: moment_text,
    FieldType.TIME: time_text,
    FieldType.DURATION: _duration,
    FieldType.UUID: _id,
    FieldType.RELATION: _ids,
}


def _formed(entity: Entity) -> list[tuple[str, Callable[[Any], Any]]]:
    found: list[tuple[str, Callable[[Any], Any]]] = []
    for name, field in entity.fields.items():
        form = _form(field.given)
        if form is not None:
            found.append((name, form if field.sealing is None else partial(_unless_sealed, form)))
    return found


def _form(field: Field) -> Callable[[Any], Any] | None:
    if field.type is FieldType.MONEY:
        return partial(_money_if, field)
    return partial(_set, field) if field.type is FieldType.SET else _FORMS.get(field.type)


def _unless_sealed(form: Callable[[Any], Any], value: Any) -> Any:
    """What stands sealed in the database stays as it is."""
    return value if isinstance(value, str) and value.startswith(PREFIX) else form(value)


_FORMED = WorkedOut(_formed)


def digits_problem(field: Field, number: Decimal) -> str | None:
    """What is wrong with the digits of a decimal, or None. Nothing is ever rounded away."""
    if not number.is_finite():
        return say("is not a number")
    exponent = number.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > field.scale:
        return say_n(
            "has more than {number} digit after the point", "has more than {number} digits after the point", field.scale
        )
    return None
