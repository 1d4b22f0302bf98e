"""Whether the fields that a change leaves alone are what the entity file says, asked of the database.

They may not be: limits of an entity file that became narrower hold for what is written from then on.
"""

from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy import FromClause, and_, func, literal_column, or_, true
from sqlalchemy.sql import ColumnElement

from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.types import NUMERIC, FieldType

_NO_MORE = frozenset({FieldType.BOOLEAN, FieldType.DATE, FieldType.DATETIME, FieldType.UUID, FieldType.ENUM})
"""Types of which the table itself holds all that their values have to be."""

_TEXTS = frozenset({FieldType.TEXT, FieldType.LONG_TEXT, FieldType.PHONE})


def fits(kind: Entity, left: Collection[str], row: FromClause) -> ColumnElement[bool] | None:
    """That these fields of a row are what they have to be; None: SQL cannot say it.

    Args:
        kind: the entity.
        left: names of its fields that are not written now.
        row: with the columns of its table, as PostgreSQL has them.
    """
    if kind.rules:
        return None
    found: list[ColumnElement[bool]] = []
    for name in left:
        field = kind.fields[name]
        if field.virtual:
            continue
        limits = _limits(field, row)
        if limits is None:
            return None
        found += limits
    return and_(true(), *found)


def _limits(field: Field, row: FromClause) -> list[ColumnElement[bool]] | None:
    """Each holds for an empty field, too: that a field is not empty is held by the table."""
    if field.pattern is not None or field.const is not None or field.multiple_of is not None:
        return None
    if (
        field.sealing is not None
        or field.text_format is not None
        or field.custom_type is not None
        or not field.writable
    ):
        return None
    if field.relation is not None:
        return None if field.relation.polymorphic else []
    if field.type in _NO_MORE:
        return []
    column = row.c[field.columns[0]]
    if field.type in _TEXTS:
        return [or_(column.is_(None), each) for each in _lengths(field, column)]
    if field.type in NUMERIC and field.type is not FieldType.DURATION:
        return [or_(column.is_(None), each) for each in _bounds(field, column)]
    return None


def _lengths(field: Field, column: ColumnElement[str]) -> Iterator[ColumnElement[bool]]:
    if field.min_length is not None:
        yield func.char_length(column) >= field.min_length
    if field.max_length is not None:
        yield func.char_length(column) <= field.max_length


def _bounds(field: Field, column: ColumnElement[Any]) -> Iterator[ColumnElement[bool]]:
    if field.minimum is not None:
        yield column >= _number(field.minimum)
    if field.maximum is not None:
        yield column <= _number(field.maximum)
    if field.exclusive_minimum is not None:
        yield column > _number(field.exclusive_minimum)
    if field.exclusive_maximum is not None:
        yield column < _number(field.exclusive_maximum)


def _number(limit: float) -> ColumnElement[Any]:
    """As a number of SQL, exact: as a value it would be made one of the column's type."""
    return literal_column(format(Decimal(str(limit)), "f"))
