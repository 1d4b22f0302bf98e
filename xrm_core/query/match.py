"""How well a row fits a search, as SQL."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import FromClause, func, literal_column
from sqlalchemy.sql import ColumnElement

from xrm_core.query import match_postgresql
from xrm_core.storage import matching

_MOST_ARGUMENTS = 100
"""SQLite's functions take 127 arguments at most (before 3.49)."""

Sql = ColumnElement[Any]


def match(
    dialect: str,
    source: FromClause,
    columns: Sequence[Sql],
    phones: Collection[int],
    display: int,
    searched: Sql,
    *,
    typos: bool,
) -> Sql:
    """The score of a row in thousandths and the places of the columns in which words were found, from 1; NULL: no hit.

    See :func:`xrm_core.storage.matching.match`.

    Args:
        dialect: of which database.
        source: has the row.
        columns: texts of the row.
        phones: the places of those that are phone numbers.
        display: the place of the one that counts more; 0 if it is none of them.
        searched: a bind value of the type :class:`~xrm_core.query.searched_text.SearchedText`.
        typos: whether hits are those in which words have typos, or those without.

    Returns:
        An array of integers on PostgreSQL, JSON text of one on SQLite.
    """
    if dialect == "sqlite":
        packed = len(columns) > _MOST_ARGUMENTS
        if packed:
            starts = range(0, len(columns), _MOST_ARGUMENTS)
            columns = [func.json_array(*columns[start : start + _MOST_ARGUMENTS]) for start in starts]
        of_columns = matching.shape(display, sorted(phones), typos=typos, packed=packed)
        return func.xrm_match(searched, literal_column(f"'{of_columns}'"), *columns)
    return match_postgresql.match(source, columns, phones, display, searched, typos=typos)
