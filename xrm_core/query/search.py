"""``search: "text"``: every word occurs in one of the fields that are searched, whatever its case and accents.

An index says which records come into question (:mod:`xrm_core.query.candidates`); plain SQL then looks at each of them.
Words arrive as one bind value, so that a statement is the same however many there are.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    exists,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
)

from xrm_core.metadata.model import Entity
from xrm_core.permissions.policy import Action
from xrm_core.query.candidates import behind, candidates
from xrm_core.query.scan import Condition, Row, Scope
from xrm_core.storage.folded_sql import folded


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
    postgres = scope.dialect.name == "postgresql"
    if postgres:
        each: Any = func.unnest(behind(words)).table_valued("value", name="xrm_words").render_derived()
        occurs = func.strpos
    else:
        each = func.json_each(words, literal_column("'$.words'")).table_valued("value", name="xrm_words")
        occurs = func.instr
    names = searched(scope, entity, trusted=trusted)
    columns = [folded(scope.dialect.name, row.column(entity[name]), "CASE_AND_ACCENTS") for name in names]
    hits = [func.coalesce(occurs(column, each.c.value) > literal_column("0"), false()) for column in columns]
    missed = select(literal(1)).select_from(each).where(not_(or_(false(), *hits)))
    found = not_(exists(missed.correlate(row.source)))
    first = candidates(scope, entity, row, words)
    return found if first is None else and_(first, found)
