"""Records among which those are that a search finds: a condition that an index answers, before the one that decides.

The index knows all ``x-search`` fields of a record, also those that the caller may not read. So what it says is never
an answer; it only leaves out records that have a word in no field at all.
"""

from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, column, func, literal_column, or_, select, table, union_all
from sqlalchemy import Text as SqlText
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import Grouping

from xrm_core import naming
from xrm_core.metadata.model import Entity
from xrm_core.query.scan import Condition, Row, Scope
from xrm_core.query.words import PATTERNS, has_trigrams
from xrm_core.storage.search_text import search_text, searched_columns


def candidates(scope: Scope, entity: Entity, row: Row, words: ColumnElement[Any]) -> Condition | None:
    """A condition that holds for each record that has all of the words in its ``x-search`` fields, and for few others.

    Args:
        scope: which database.
        entity: has such fields.
        row: of the entity's table.
        words: a bind value of the type :class:`~xrm_core.query.words.Words`.

    Returns:
        None if no index helps: the words are known, and too short.
    """
    names = searched_columns(entity)
    if not names or not scope.indexed or any(name not in row.source.c for name in ("id", *names)):
        return None
    if isinstance(words, BindParameter) and not words.required and not has_trigrams(words.value):
        return None
    if scope.dialect.name == "sqlite":
        return in_full_text(entity, row, _part(words, "match"), _part(words, "all"))
    text = search_text("postgresql", [row.source.c[name] for name in names])
    patterns = [_pattern(words, place) for place in range(1, PATTERNS + 1)]
    return and_(*(or_(pattern.is_(None), text.like(pattern)) for pattern in patterns))


def _pattern(words: ColumnElement[Any], place: int) -> ColumnElement[Any]:
    return Grouping(words).op("", return_type=SqlText())(literal_column(f"[{place}]"))


def behind(words: ColumnElement[Any]) -> ColumnElement[Any]:
    """The words themselves of a bind value on PostgreSQL."""
    return Grouping(words).op("", return_type=ARRAY(SqlText()))(literal_column(f"[{PATTERNS + 1}:]"))


def in_full_text(entity: Entity, row: Row, match: ColumnElement[Any], everything: ColumnElement[Any]) -> Condition:
    """A condition on a row on SQLite: its text has what FTS5 looks for, or all are wanted.

    Args:
        entity: has ``x-search`` fields.
        row: of the entity's table.
        match: an expression of FTS5, which is never wrong: of trigrams in quotes, with AND, OR and brackets.
        everything: true if all records are meant.
    """
    name = naming.table(entity.name)
    trigrams = table(naming.search_trigrams(name), column("rowid"))
    texts = table(naming.search_texts(name), column("number"), column("id")).alias()
    fits = literal_column(f'"{trigrams.name}"').op("MATCH", is_comparison=True)(match)
    found = select(texts.c.id).select_from(trigrams.join(texts, texts.c.number == trigrams.c.rowid)).where(fits)
    return row.source.c.id.in_(union_all(found, select(texts.c.id).where(everything)))


def _part(words: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    return func.json_extract(words, literal_column(f"'$.{name}'"))
