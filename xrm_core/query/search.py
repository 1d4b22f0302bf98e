"""``search: "text"``: every word occurs in one of the fields that are searched, whatever its case and accents.

Plain SQL that looks at each record; ranking and full-text indexes are another matter. Words arrive as one bind value,
so that a statement is the same however many there are.
"""

import json
import unicodedata
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Dialect,
    Text,
    exists,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeDecorator, TypeEngine

from xrm_core.errors import QueryTooLarge
from xrm_core.metadata.model import Entity
from xrm_core.metadata.predicate import SEARCH_LENGTH, SEARCH_WORDS
from xrm_core.permissions.policy import Action
from xrm_core.query.scan import Condition, Row, Scope
from xrm_core.storage.folded_sql import folded
from xrm_core.storage.folding import fold_accents


class Words(TypeDecorator[str]):
    """A text bound as the list of its words in small letters without accents, each once."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """An array on PostgreSQL, JSON text on SQLite."""
        return dialect.type_descriptor(ARRAY(Text()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """The words; QueryTooLarge if there are too many."""
        words = words_of(value or "")
        return words if dialect.name == "postgresql" else json.dumps(words)


def words_of(text: str) -> list[str]:
    """The words of a text in small letters without accents, each once.

    Raises:
        QueryTooLarge: it is too long, or has too many.
    """
    if len(text) > SEARCH_LENGTH:
        raise QueryTooLarge(f"A search has at most {SEARCH_LENGTH} characters.", hint="Search for less at once.")
    words = list(dict.fromkeys((fold_accents(unicodedata.normalize("NFC", text)) or "").split()))
    if len(words) > SEARCH_WORDS:
        raise QueryTooLarge(f"A search has at most {SEARCH_WORDS} words.", hint="Search for less at once.")
    return words


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
        words: a bind value of the type :class:`Words`.
        trusted: the administrator's words, not limited by rights.
    """
    postgres = scope.dialect.name == "postgresql"
    if postgres:
        each: Any = func.unnest(words).table_valued("value", name="xrm_words").render_derived()
        occurs = func.strpos
    else:
        each = func.json_each(words).table_valued("value", name="xrm_words")
        occurs = func.instr
    names = searched(scope, entity, trusted=trusted)
    columns = [folded(scope.dialect.name, row.column(entity[name]), "CASE_AND_ACCENTS") for name in names]
    hits = [func.coalesce(occurs(column, each.c.value) > literal_column("0"), false()) for column in columns]
    missed = select(literal(1)).select_from(each).where(not_(or_(false(), *hits)))
    return not_(exists(missed.correlate(row.source)))
