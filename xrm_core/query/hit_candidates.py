"""Records among which the hits of the root field ``search`` are: see :mod:`xrm_core.query.candidates`."""

from collections.abc import Iterator
from typing import Any, Literal

from sqlalchemy import ColumnElement, Text, and_, func, literal_column, or_
from sqlalchemy.sql.elements import Grouping

from xrm_core.metadata.model import Entity
from xrm_core.metadata.types import FieldType
from xrm_core.query.candidates import in_full_text
from xrm_core.query.phone import digits_of, same_number
from xrm_core.query.scan import Condition, Scan, Scope
from xrm_core.query.searched_text import NUMBER, PATTERNS
from xrm_core.storage.search_text import search_text, searched_columns

How = Literal["exact", "typos"]
"""Whether words are looked for as they are typed, or with typos."""


def hit_candidates(scope: Scope, entity: Entity, row: Scan, searched: ColumnElement[Any], how: How) -> Condition | None:
    """A condition that holds for each hit, and for few others; None if no index is to be used.

    Args:
        scope: which database.
        entity: has searched fields.
        row: of the entity's table.
        searched: a bind value of the type :class:`~xrm_core.query.searched_text.SearchedText`.
        how: whether words may have typos.
    """
    if not scope.indexed:
        return None
    # A record that has the number has all of its words, as they are typed.
    number = _numbers(scope, entity, row, searched) if how == "exact" else None
    if scope.dialect.name == "sqlite":
        match = func.json_extract(searched, literal_column(f"'$.{how}'"))
        fits = in_full_text(entity, row, func.coalesce(match, literal_column("'\"...\"'")), match.is_(None))
    else:
        fits = and_(
            *_postgresql(
                search_text("postgresql", [row.source.c[name] for name in searched_columns(entity)]), searched, how
            )
        )
    return fits if number is None else or_(number, fits)


def _numbers(scope: Scope, entity: Entity, row: Scan, searched: ColumnElement[Any]) -> Condition | None:
    """That a number is looked for and is in one of the phone fields; the index knows them only as they are written."""
    phones = [field for field in entity.fields.values() if field.searched and field.type is FieldType.PHONE]
    if not phones:
        return None
    dialect = scope.dialect.name
    sqlite = dialect == "sqlite"
    number = func.json_extract(searched, literal_column("'$.text[1]'")) if sqlite else _item(searched, NUMBER)
    occurs: Any = func.instr if sqlite else func.strpos
    found = []
    for field in phones:
        column = row.source.c[field.columns[0]]
        found += [
            same_number(dialect, column, number),
            occurs(digits_of(dialect, column), number) > literal_column("0"),
        ]
    return and_(number != literal_column("''"), or_(*found))


def _postgresql(text: ColumnElement[str], searched: ColumnElement[Any], how: How) -> Iterator[Condition]:
    first = 1 if how == "exact" else PATTERNS + 1
    for place in range(first, first + PATTERNS):
        pattern = _item(searched, place)
        fits = text.like(pattern) if how == "exact" else text.op("~", is_comparison=True)(pattern)
        yield or_(pattern.is_(None), fits)


def _item(searched: ColumnElement[Any], place: int) -> ColumnElement[Any]:
    return Grouping(searched).op("", return_type=Text())(literal_column(f"[{place}]"))
