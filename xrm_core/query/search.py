"""``search: "text"``: every word occurs in one of the fields that are searched, whatever its case and accents.

An index says which records come into question (:mod:`xrm_core.query.candidates`); plain SQL then looks at each of them.
Words arrive as one bind value, so that a statement is the same however many there are.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    column,
    exists,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    table,
)

from xrm_core import naming
from xrm_core.metadata.model import Entity
from xrm_core.permissions.policy import Action
from xrm_core.query.candidates import behind, candidates
from xrm_core.query.scan import Condition, Row, Scan, Scope, Unguarded
from xrm_core.storage.folded_sql import folded
from xrm_core.storage.search_text import searched_columns


def searched(scope: Scope, entity: Entity, *, trusted: bool) -> list[str]:
    """The fields that a search looks into: those of ``x-search`` that the caller may read on some records."""
    permission = scope.access.get(entity.name, Action.READ)
    readable = () if permission is None else permission.fields
    return [field.name for field in entity.fields.values() if field.searched and (trusted or field.name in readable)]


def search(scope: Scope, entity: Entity, row: Row, words: ColumnElement[Any], *, trusted: bool) -> Condition:
    """A condition on a row. A field that the caller may not read on this record is empty there, and finds nothing.

    Args:
        scope: whose rights.
        entity: whose ``x-search`` fields.
        row: gives the columns, guarded.
        words: a bind value of the type :class:`~xrm_core.query.words.Words`.
        trusted: the administrator's words, not limited by rights.
    """
    names = searched(scope, entity, trusted=trusted)
    if scope.dialect.name == "sqlite" and len(names) == len(searched_columns(entity)) and _whole(entity, row, names):
        found = _in_text(entity, row, words)
    else:
        found = _in_columns(scope, entity, row, words, names)
    first = candidates(scope, entity, row, words)
    return found if first is None else and_(first, found)


def _whole(entity: Entity, row: Row, names: list[str]) -> bool:
    """Whether fields can be read on all records: then the text that is stored for the index says the same as they."""
    if isinstance(row, Scan):
        return all(row.guard(entity[name]) is None for name in names)
    return isinstance(row, Unguarded)


def _in_text(entity: Entity, row: Row, words: ColumnElement[Any]) -> Condition:
    """That each word is in the stored text, on SQLite: that is faster than to fold each field by a Python function."""
    texts = table(naming.search_texts(naming.table(entity.name)), column("id"), column("text")).alias()
    each = _each(words)
    missed = select(literal(1)).select_from(each).where(func.instr(texts.c.text, each.c.value) == literal_column("0"))
    conditions = texts.c.id == row.source.c.id, not_(exists(missed.correlate(texts)))
    found = exists(select(literal(1)).select_from(texts).where(*conditions).correlate(row.source))
    count = func.json_array_length(words, literal_column("'$.words'"))
    return or_(count == literal_column("0"), found)  # no text need be looked up for no words


def _in_columns(scope: Scope, entity: Entity, row: Row, words: ColumnElement[Any], names: list[str]) -> Condition:
    """That each word is in one of the columns."""
    postgres = scope.dialect.name == "postgresql"
    each: Any = func.unnest(behind(words)).table_valued("value", name="xrm_words").render_derived()
    each, occurs = (each, func.strpos) if postgres else (_each(words), func.instr)
    columns = [folded(scope.dialect.name, row.column(entity[name]), "CASE_AND_ACCENTS") for name in names]
    hits = [func.coalesce(occurs(text, each.c.value) > literal_column("0"), false()) for text in columns]
    missed = select(literal(1)).select_from(each).where(not_(or_(false(), *hits)))
    return not_(exists(missed.correlate(row.source)))


def _each(words: ColumnElement[Any]) -> Any:
    return func.json_each(words, literal_column("'$.words'")).table_valued("value", name="xrm_words")
