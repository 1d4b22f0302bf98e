"""What is searched in a record: the texts of its ``x-search`` fields in one, in small letters without accents.

Indexes answer conditions over it. It has all fields, whoever may read them, so that such a condition finds candidates
only: what the caller may read on a record decides.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Text, TextClause, func, literal_column, text
from sqlalchemy.dialects import postgresql

from xrm_core.metadata.model import Entity
from xrm_core.storage.folded_sql import folded

FUNCTION = "xrm_plain"
"""What :func:`~xrm_core.storage.folding.fold_accents` is called in the schema of each tenant on PostgreSQL. Being a
function, it keeps indexes and statements short; the database puts its body into their place."""


def searched_columns(entity: Entity) -> tuple[str, ...]:
    """The columns of the ``x-search`` fields, whatever their order in the file is."""
    return tuple(sorted(field.columns[0] for field in entity.fields.values() if field.searched))


def search_text(dialect: str, columns: Iterable[ColumnElement[str]]) -> ColumnElement[str]:
    """The text, of the columns of :func:`searched_columns` in their order. It is never empty.

    The words are those of the fields. On PostgreSQL there is a space between fields; on SQLite there are two around
    each word, so that trigrams know where words begin.
    """
    if dialect == "sqlite":
        return _joined([func.xrm_padded(column, type_=Text()) for column in columns], between=None)
    plain = [func.coalesce(getattr(func, FUNCTION)(column, type_=Text()), text("''")) for column in columns]
    return _joined(plain, between=text("' '"))


def _joined(parts: Sequence[ColumnElement[str]], between: TextClause | None) -> ColumnElement[str]:
    whole, *others = parts
    for part in others:
        whole = (whole if between is None else whole.concat(between)).concat(part)
    return whole


def function_sql() -> str:
    """The statement that makes or renews :data:`FUNCTION` (PostgreSQL)."""
    column: ColumnElement[str] = literal_column('($1 COLLATE "C")', Text())
    body = folded("postgresql", column, "CASE_AND_ACCENTS").compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]
    return (
        f"CREATE OR REPLACE FUNCTION {FUNCTION}(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE "
        f"RETURN {str(body).replace('%%', '%')}"
    )
