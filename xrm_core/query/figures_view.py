"""Figures of a group as fields of an entity without a table, so that conditions on them are conditions like others."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Integer, literal_column
from sqlalchemy.sql import ColumnElement

from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.predicate import All, Any_, Compare, Not, Predicate
from xrm_core.metadata.types import WHOLE, FieldType
from xrm_core.query.figures_request import Figure
from xrm_core.query.operands import Average, Sum
from xrm_core.query.totals import AVERAGE_DIGITS


def name(figure: Figure) -> str:
    """What the field of a figure is called: ``sum.amount``, ``count``."""
    return f"{figure.function}.{figure.field}" if figure.field else figure.function


def view(entity: Entity, fields: dict[str, Field]) -> Entity:
    """The figures of groups of an entity; ``fields`` has those that can be measured."""
    found = [Field("count", FieldType.BIG_INTEGER)]
    for field in fields.values():
        figures = (Figure(function, field.name) for function in ("sum", "avg", "min", "max", "countDistinct"))
        found += [replace(result(figure.function, field), name=name(figure), required=False) for figure in figures]
    return Entity(f"{entity.name}_figures", f"{entity.name}_figures", {field.name: field for field in found})


def result(function: str, field: Field) -> Field:
    """What a figure over a field is compared as: a field of the same type, or one with more digits."""
    if function == "countDistinct":
        return Field(field.name, FieldType.BIG_INTEGER)
    if function == "avg" and field.type is not FieldType.DURATION:
        return Average(field.name, FieldType.DECIMAL, scale=AVERAGE_DIGITS)
    if function == "sum" and field.type in WHOLE:
        return Sum(field.name, FieldType.BIG_INTEGER)
    if function == "sum" and field.type is FieldType.DECIMAL:
        return Sum(field.name, FieldType.DECIMAL, scale=field.scale)
    return field


def figures_in(predicate: Predicate) -> list[Figure]:
    """The figures that a condition on groups names."""
    match predicate:
        case All(parts) | Any_(parts):
            return [figure for part in parts for figure in figures_in(part)]
        case Not(part):
            return figures_in(part)
        case Compare(field):
            function, _, of = field.partition(".")
            return [Figure(function, of)]  # type: ignore[arg-type] # the view has no other names
    raise TypeError(f"{predicate} is no condition on figures")


def comparable(columns: Any, label: str) -> ColumnElement[Any]:
    """A figure as one column that compares like the field of :func:`view`.

    Args:
        columns: those of the groups.
        label: the figure's label there.
    """
    if label in columns:
        column: ColumnElement[Any] = columns[label]
        return column
    # The two parts of a wide sum on SQLite: exact up to 63 bits, then a float.
    high: ColumnElement[Any] = columns[f"{label}h"]
    size: ColumnElement[int] = literal_column("1000000000", Integer())
    whole: ColumnElement[Any] = high * size + columns[f"{label}l"]
    return whole
