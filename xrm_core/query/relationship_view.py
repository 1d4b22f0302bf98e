"""All relationships of a record as one list, whatever kind they are: rows of several tables under one roof.

What a row of that list has is said by an entity that has no table, :func:`view`; so pages, cursors and selections treat
relationships like records. Every part of the union is a scan of its own, with the row rule of its entity.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.sql import ColumnElement

from xrm_core.metadata.model import SYSTEM_FIELDS, Entity, Field, Labels, Model, Relation
from xrm_core.metadata.predicate import Literal_, Operand
from xrm_core.metadata.relationships import SOURCE, TARGET, VALID_FROM, VALID_TO
from xrm_core.metadata.types import FieldType
from xrm_core.query.operands import operand_type
from xrm_core.query.predicates import in_list, operand, scan
from xrm_core.query.request import Period, Relationships
from xrm_core.query.scan import Condition, Scan, Scope
from xrm_core.query.sql_json import constant
from xrm_core.storage.columns import column_type

VIEW = "relationship"
FORWARD, REVERSE = DIRECTIONS = ("FORWARD", "REVERSE")
_DATE = Field("date", FieldType.DATE)
_ID = SYSTEM_FIELDS[0]


def kinds(model: Model) -> list[Entity]:
    """The entities whose records are relationships."""
    return [entity for entity in model if entity.relationship is not None]


def participants(model: Model) -> list[str]:
    """Entities whose records can have relationships."""
    ends = {target for each in kinds(model) for end in (SOURCE, TARGET) for target in each[end].reference.targets}
    return sorted(ends)


def view(model: Model) -> Entity:
    """What a row of the list has, as an entity without a table."""
    others = Relation(tuple(participants(model)), "", by_entity=True)
    records = Relation(tuple(each.name for each in kinds(model)), "", by_entity=True)
    fields = (
        Field("type", FieldType.ENUM, enum=records.targets),
        Field("direction", FieldType.ENUM, enum=DIRECTIONS),
        Field(VALID_FROM, FieldType.DATE),
        Field(VALID_TO, FieldType.DATE),
        Field("other", FieldType.RELATION, relation=others),
        Field("record", FieldType.RELATION, relation=records),
    )
    return Entity(VIEW, "relationships", {field.name: field for field in fields})


def usable(scope: Scope) -> Iterator[Entity]:
    """The kinds of relationships of which the caller can see both ends."""
    for kind in kinds(scope.model):
        if all(scope.access.readable(kind.name, end) for end in (SOURCE, TARGET)):
            yield kind


def holds(scope: Scope, row: Scan, period: Period) -> Condition | None:
    """That a relationship holds on a day; None: always."""
    if period.always:
        return None
    day = today(scope) if period.day is None else operand(period.day, operand_type(_DATE))
    first, last = (date(scope, row, name) for name in (VALID_FROM, VALID_TO))
    return and_(or_(first.is_(None), first <= day), or_(last.is_(None), last >= day))


def date(scope: Scope, row: Scan, name: str) -> ColumnElement[Any]:
    """A date of a relationship; empty if the caller may not read it."""
    readable = scope.access.readable(row.entity.name, name)
    return row.column(row.entity[name]) if readable else cast(null(), column_type(_DATE))


def today(scope: Scope) -> ColumnElement[Any]:
    """The present day in UTC."""
    postgres = scope.dialect.name == "postgresql"
    return literal_column("(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')::date" if postgres else "date('now')")


def of_type(scope: Scope, name: str, types: Operand | None) -> Condition | None:
    """That relationships of a kind are asked for; None: all are."""
    if types is None:
        return None
    return in_list(scope, text_of(name), types, operand_type(Field("type", FieldType.TEXT)))


def wanted(name: str, types: Operand | None) -> bool:
    """Whether a kind can be asked for, as far as it is known before the statement runs."""
    return not isinstance(types, Literal_) or name in types.value


class RelationshipRows:
    """The relationships of one record, as a scan of :func:`view`. Rules stand in the parts of the union."""

    rule: Condition | None = None

    def __init__(self, scope: Scope, entity: Entity, owner: Any, request: Relationships) -> None:
        self.scope = scope
        self.entity = view(scope.model)
        self._request = request
        terms = [term.correlate(owner) for term in self._terms(entity, owner.c.id)]
        self.source: FromClause = union_all(*terms or [nothing(self.entity)]).subquery()

    def column(self, field: Field, name: str | None = None) -> ColumnElement[Any]:
        """A column of the list."""
        return self.source.c[name or field.columns[0]]

    def _terms(self, entity: Entity, owner: ColumnElement[Any]) -> Iterator[Select[Any]]:
        for kind in usable(self.scope):
            if not wanted(kind.name, self._request.types):
                continue
            for direction, near, far in ((FORWARD, SOURCE, TARGET), (REVERSE, TARGET, SOURCE)):
                if entity.name in kind[near].reference.targets and self._request.direction in (None, direction):
                    yield self._term(kind, direction, entity.name, kind[near], kind[far], owner)

    def _term(
        self, kind: Entity, direction: str, here: str, near: Field, far: Field, owner: ColumnElement[Any]
    ) -> Select[Any]:
        row = scan(self.scope, kind)
        conditions = [
            row.column(near, near.column_to(here)) == owner,
            row.rule,
            holds(self.scope, row, self._request.period),
            of_type(self.scope, kind.name, self._request.types),
        ]
        others = {name: row.column(far, far.column_to(name)) for name in far.reference.targets}
        values: dict[str, Any] = {
            "id": row.source.c.id,
            "type": text_of(kind.name),
            "direction": text_of(direction),
            VALID_FROM: date(self.scope, row, VALID_FROM),
            VALID_TO: date(self.scope, row, VALID_TO),
        }
        other, record = self.entity["other"], self.entity["record"]
        for name in other.reference.targets:
            values[other.column_to(name)] = others.get(name, _no_id())
        for name in record.reference.targets:
            values[record.column_to(name)] = row.source.c.id if name == kind.name else _no_id()
        columns = (value.label(name) for name, value in values.items())
        query: Select[Any] = (
            select(*columns).select_from(row.source).where(*(each for each in conditions if each is not None))
        )
        return query


def nothing(entity: Entity) -> Select[Any]:
    """No rows, with the columns of an entity."""
    columns: list[Any] = [
        cast(null(), column_type(field)).label(name)
        for field in (_ID, *entity.fields.values())
        for name in field.columns
    ]
    query: Select[Any] = select(*columns)
    return query.where(literal_column("1") == literal_column("0"))


def label_of(
    scope: Scope, type_: ColumnElement[Any], direction: ColumnElement[Any], language: Operand
) -> ColumnElement[Any]:
    """What a relationship is called in a language, seen from the record; in another if it has none in that."""
    cases = [
        (and_(type_ == text_of(kind.name), direction == text_of(way)), _in_language(texts, language, name))
        for kind in usable(scope)
        for way, texts, name in _names(kind)
    ]
    return case(*cases, else_=type_) if cases else type_


def _names(kind: Entity) -> Iterator[tuple[str, Labels, str]]:
    """For each direction, the labels of a relationship, and what it is called without any."""
    reverse = kind.relationship.reverse_labels if kind.relationship is not None else {}
    symmetric = kind.relationship is not None and kind.relationship.symmetric
    yield FORWARD, kind.labels, kind.name
    yield REVERSE, kind.labels if symmetric else reverse, kind.name if symmetric else kind[TARGET].reference.inverse


def _in_language(texts: Labels, language: Operand, name: str) -> ColumnElement[Any]:
    usual = _literal(texts.get("en") or next(iter(texts.values()), name))
    if isinstance(language, Literal_):
        chosen = texts.get(language.value) or texts.get(str(language.value)[:2])
        return usual if chosen is None else _literal(chosen)
    asked = operand(language, Text())
    exact = [(asked == _literal(code), _literal(text)) for code, text in texts.items()]
    near = [(func.substr(asked, 1, 2) == _literal(code), _literal(text)) for code, text in texts.items()]
    return case(*exact, *near, else_=usual) if texts else usual


def _literal(text: str) -> ColumnElement[Any]:
    return bindparam(None, text, type_=Text(), unique=True)


def text_of(word: str) -> ColumnElement[Any]:
    """A name as a text, which a union of parts needs to know."""
    return cast(constant(word), Text)


def _no_id() -> ColumnElement[Any]:
    return cast(null(), column_type(_ID))
