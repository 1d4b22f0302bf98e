"""The history of a record in statements: entries of the change log as JSON, with what the caller may see of them.

Who may see the history has a right of its own to it, and sees of it the fields that they may read in full on the
record as it is now. What a relation has referred to is shown if they may see that record, else as empty, as everywhere.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    FromClause,
    Text,
    cast,
    column,
    exists,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
)
from sqlalchemy import case as sql_case

from xrm_core.changes.opening import IN_ANSWER
from xrm_core.errors import Forbidden
from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.predicate import EVERYTHING, NOTHING, Predicate
from xrm_core.permissions.access import Access
from xrm_core.permissions.policy import Action
from xrm_core.query.operands import KnownNumber
from xrm_core.query.predicates import compile_rule, operand, scan, size, unguarded
from xrm_core.query.request import CauseParts, ChangeParts, History, TypeName
from xrm_core.query.scan import Condition, Row, Scope
from xrm_core.query.sql_json import Pair, constant, key
from xrm_core.query.trash import trash_source
from xrm_core.storage.change_tables import CHANGE

_NEW, _OLD = ("create", "restore"), ("delete",)
"""Operations of which an entry has the new values only, and the old ones only; others have pairs."""

_INTO, _FROM = "merged_into", "merged_from"
"""Causes of what was merged, and of what it was merged into; their names are ids of records of the same entity."""

_ID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
"""An id as the log has it."""


def history_json(scope: Scope, entity: Entity, row: Row, item: History) -> ColumnElement[Any]:
    """The newest entries of a record as an array."""
    change = CHANGE.alias()
    conditions: list[Condition] = [change.c.record_id == row.source.c.id, change.c.entity == constant(entity.name)]
    granted = scope.access.get(entity.name, Action.HISTORY)
    rule = NOTHING if granted is None else granted.rule
    if rule != EVERYTHING:
        conditions.append(holds(scope, entity, row, [rule]))
    if item.before is not None:
        conditions.append(change.c.id < operand(item.before, KnownNumber()))
    found = select(change).where(*conditions).order_by(change.c.id.desc()).limit(size(item.size))
    page = found.correlate(row.source).subquery()
    json = scope.json.array(scope.json.object(list(_pairs(scope, entity, row, page, item))))
    return select(json).select_from(page).correlate(row.source).scalar_subquery()


def fields_shown(access: Access, entity: Entity) -> Iterator[str]:
    """Fields of which somebody may see former values, on some records at least."""
    granted = access.get(entity.name, Action.HISTORY)
    for name in () if granted is None else granted.field_rules:
        if name in entity.fields and not entity.fields[name].virtual and access.readable_in_full(entity.name, name):
            yield name


def holds(scope: Scope, entity: Entity, row: Row, rules: Iterable[Predicate]) -> Condition:
    """Whether rules hold for the record as it is now."""
    table = scope.tables[entity.name].alias()
    conditions = [compile_rule(scope, entity, unguarded(scope, entity, table), rule) for rule in rules]
    mine = select(literal(1)).select_from(table).where(table.c.id == row.source.c.id, *conditions)
    return exists(mine.correlate(row.source))


def _pairs(scope: Scope, entity: Entity, row: Row, page: Any, item: History) -> Iterator[Pair]:
    for part in item.parts:
        match part:
            case TypeName(name_key, name):
                yield name_key, constant(name)
            case ChangeParts():
                yield part.key, scope.json.nested(_changes(scope, entity, row, page, item, part))
            case CauseParts():
                yield part.key, scope.json.nested(_causes(scope, entity, page, part))
            case (name_key, "operation"):
                yield name_key, func.upper(page.c.operation)
            case (name_key, "id"):
                yield name_key, cast(page.c.id, Text)
            case (name_key, name):
                yield name_key, page.c[name]


def _causes(scope: Scope, entity: Entity, page: Any, part: CauseParts) -> ColumnElement[Any]:
    """``[[kind, name], …]`` as objects. One that is a record is named if that can be seen."""
    postgresql = scope.dialect.name == "postgresql"
    if postgresql:
        each = func.json_array_elements(cast(page.c.causes, JSON)).table_valued(column("value", JSON), name="xrm_c")
    else:
        each = func.json_each(page.c.causes).table_valued(column("value", Text), name="xrm_c")
    kind, name = (_text(each, place, postgresql=postgresql) for place in (0, 1))
    named = kind.in_([constant(_INTO), constant(_FROM)])
    id_ = sql_case((named, name), else_=null())
    # What was merged into another lies in the trash, or has left it: to see it as it was is enough.
    then = (kind == constant(_FROM)) & _seen_in_trash(scope, entity, id_, page, each)
    seen = visible(scope, entity.name, id_, page, each) | then
    name = sql_case((named & ~seen, literal_column("''")), else_=name)
    pairs: list[Pair] = []
    for item in part.parts:
        if isinstance(item, TypeName):
            pairs.append((item.key, constant(item.name)))
        else:
            pairs.append((item[0], kind if item[1] == "kind" else name))
    return select(scope.json.array(scope.json.object(pairs))).select_from(each).scalar_subquery()


def _text(each: Any, place: int, *, postgresql: bool) -> ColumnElement[Any]:
    if postgresql:
        found: ColumnElement[Any] = each.c.value.op("->>")(literal_column(str(place)))
        return found
    return func.json_extract(each.c.value, literal_column(f"'$[{place}]'"))


def _changes(scope: Scope, entity: Entity, row: Row, page: Any, item: History, part: ChangeParts) -> ColumnElement[Any]:
    """The changed fields of an entry, those that the caller may see, by name."""
    values = values_of(scope, page)
    names = [(field, named(scope, entity, row, field, key(shown))) for field, shown in item.fields.items()]
    name = sql_case(*((values.key == key(field), shown) for field, shown in names), else_=null()) if names else null()
    relations = [entity[field] for field, _ in names if entity[field].relation is not None]
    pairs: list[Pair] = []
    for each in part.parts:
        if isinstance(each, TypeName):
            pairs.append((each.key, constant(each.name)))
        elif each[1] == "field":
            pairs.append((each[0], name))
        else:
            pairs.append((each[0], _value(scope, values, relations, newer=each[1] == "new")))
    # The order of the fields in the text is that of the alphabet on both databases.
    array = scope.json.array(scope.json.object(pairs))
    return select(array).select_from(values.each).where(name.is_not(None)).correlate(page, row.source).scalar_subquery()


def named(scope: Scope, entity: Entity, row: Row, field: str, shown: ColumnElement[str]) -> ColumnElement[Any]:
    """The name of a field in answers, if the caller may see it on this record."""
    grants = (scope.access.get(entity.name, action) for action in (Action.READ, Action.HISTORY))
    rules = [NOTHING if granted is None else granted.field_rules.get(field, NOTHING) for granted in grants]
    asked = [rule for rule in rules if rule is not None and rule != EVERYTHING]
    return sql_case((holds(scope, entity, row, asked), shown), else_=null()) if asked else shown


def _value(scope: Scope, values: "Values", relations: Sequence[Field], *, newer: bool) -> ColumnElement[Any]:
    json = values.json(newer=newer)
    branches = []
    for field in relations:
        seen = [
            visible(
                scope,
                target,
                values.text(target if field.reference.polymorphic else None, newer=newer),
                values.page,
                values.each,
            )
            for target in field.reference.targets
        ]
        # NULL stays NULL: nothing was there
        branches.append(((values.key == key(field.name)) & ~or_(*seen), null()))
    found = json if not branches else sql_case(*branches, else_=json)
    return scope.json.nested(found)


def visible(scope: Scope, target: str, id_: ColumnElement[Any], *outer: FromClause) -> Condition:
    """Whether the caller sees the record of an entity that has this id, a column of ``outer``."""
    try:
        found = scan(scope, scope.model[target], id_only=True)
    except Forbidden:
        return literal_column("1") == literal_column("0")
    same = found.source.c.id == cast(id_, CHANGE.c.record_id.type)
    conditions = [same] if found.rule is None else [same, found.rule]
    query = select(literal(1)).select_from(found.source).where(*conditions)
    return exists(query.correlate(*outer))


def _seen_in_trash(scope: Scope, entity: Entity, id_: ColumnElement[Any], *outer: FromClause) -> Condition:
    """Whether the caller could read the record with this id before it was merged into another."""
    granted = scope.access.get(entity.name, Action.READ)
    if granted is None:
        return literal_column("1") == literal_column("0")
    if granted.rule == EVERYTHING:
        return id_.is_not(None)
    found = scan(scope, entity, source=trash_source(scope, entity))
    conditions = [
        found.source.c.id == cast(id_, CHANGE.c.record_id.type),
        *([] if found.rule is None else [found.rule]),
    ]
    return exists(select(literal(1)).select_from(found.source).where(*conditions).correlate(*outer))


def values_of(scope: Scope, entries: Any) -> "Values":
    """The values of entries, by the names of their fields."""
    return _Postgresql(entries) if scope.dialect.name == "postgresql" else _Sqlite(entries)


class Values:
    """What an entry has of a field: one row of ``each`` for each of its fields."""

    each: FromClause
    key: ColumnElement[str]

    def __init__(self, page: Any) -> None:
        self.page = page
        self._operation = page.c.operation

    def json(self, *, newer: bool) -> ColumnElement[Any]:
        """The new value, or the old one, as JSON; NULL: there is none. What is closed comes as something that
        :func:`~xrm_core.changes.opening.in_answers` opens.
        """
        found = self._chosen(self._json(None), self._json(1 if newer else 0), newer=newer)
        return sql_case((self._closed(), self._to_open(newer=newer)), else_=found)

    def _to_open(self, *, newer: bool) -> ColumnElement[Any]:
        part = self._chosen(literal_column("'v'"), literal_column("'1'" if newer else "'0'"), newer=newer)
        place = [self.page.c.position, self.page.c.record_id, self.key, part, self._whole()]
        text: Any = constant(IN_ANSWER)
        for each in place:
            text = text.concat(literal_column("','")).concat(cast(each, Text))
        return self._quoted(text)

    def text(self, member: str | None, *, newer: bool) -> ColumnElement[Any]:
        """The same as the text of an id, or that in its member of this name.

        It is none where the field was no relation then, or one to records of other entities.
        """
        return self._chosen(self._text(None, member), self._text(1 if newer else 0, member), newer=newer)

    def _chosen(self, alone: Any, of_pair: Any, *, newer: bool) -> ColumnElement[Any]:
        there, missing = (_NEW, _OLD) if newer else (_OLD, _NEW)
        is_one_of = [self._operation.in_([literal_column(f"'{word}'") for word in words]) for words in (there, missing)]
        return sql_case((is_one_of[0], alone), (is_one_of[1], null()), else_=of_pair)

    def _json(self, place: int | None) -> ColumnElement[Any]:
        raise NotImplementedError

    def _text(self, place: int | None, member: str | None) -> ColumnElement[Any]:
        raise NotImplementedError

    def _closed(self) -> Condition:
        """Whether the value is one that takes a key to read."""
        raise NotImplementedError

    def _whole(self) -> ColumnElement[str]:
        """A closed value, which is a text."""
        raise NotImplementedError

    def _quoted(self, text: ColumnElement[str]) -> ColumnElement[Any]:
        """A text as JSON."""
        raise NotImplementedError


class _Postgresql(Values):
    def __init__(self, page: Any) -> None:
        super().__init__(page)
        fields = func.json_each(cast(page.c.fields, JSON))
        self.each = fields.table_valued(column("key", Text), column("value", JSON), name="xrm_f")
        self.key = self.each.c.key

    def _json(self, place: int | None) -> ColumnElement[Any]:
        value = self.each.c.value
        return value if place is None else value.op("->")(literal_column(str(place)))

    def _text(self, place: int | None, member: str | None) -> ColumnElement[Any]:
        path = ",".join([*([] if place is None else [str(place)]), *([] if member is None else [member])])
        text: ColumnElement[Any] = self.each.c.value.op("#>>")(literal_column(f"'{{{path}}}'"))
        # Anything else that is cast to an id would fail the whole statement.
        return sql_case((text.op("~")(literal_column(f"'{_ID}'")), text), else_=null())

    def _closed(self) -> Condition:
        said = func.json_extract_path_text(cast(self.page.c.erased, JSON), literal_column("'closed'"), self.key)
        return said.is_not(None)

    def _whole(self) -> ColumnElement[str]:
        text: ColumnElement[str] = self.each.c.value.op("#>>")(literal_column("'{}'"))
        return text

    def _quoted(self, text: ColumnElement[str]) -> ColumnElement[Any]:
        return func.to_json(text)


class _Sqlite(Values):
    def __init__(self, page: Any) -> None:
        super().__init__(page)
        fields = func.json_each(page.c.fields)
        self.each = fields.table_valued(column("key", Text), column("value", Text), column("type", Text), name="xrm_f")
        self.key = self.each.c.key

    def _json(self, place: int | None) -> ColumnElement[Any]:
        value: ColumnElement[Any] = self.each.c.value
        type_: ColumnElement[Any] = self.each.c.type
        if place is not None:
            path: ColumnElement[str] = literal_column(f"'$[{place}]'")
            value, type_ = func.json_extract(value, path), func.json_type(value, path)
        true, false, empty, object_, array = map(_word, ("true", "false", "null", "object", "array"))
        words = [(type_ == word, word) for word in (true, false, empty)]
        nested = [(type_ == word, value) for word in (object_, array)]
        return func.json(sql_case(*words, *nested, else_=func.json_quote(value)))

    def _text(self, place: int | None, member: str | None) -> ColumnElement[Any]:
        value = self.each.c.value
        path = ("" if place is None else f"[{place}]") + ("" if member is None else f".{member}")
        return func.json_extract(value, literal_column(f"'${path}'")) if path else value

    def _closed(self) -> Condition:
        said = func.json_extract(self.page.c.erased, literal_column("'$.closed.'").concat(self.key))
        return said.is_not(None)

    def _whole(self) -> ColumnElement[str]:
        return self.each.c.value

    def _quoted(self, text: ColumnElement[str]) -> ColumnElement[Any]:
        return func.json(func.json_quote(text))


def _word(text: str) -> ColumnElement[str]:
    return literal_column(f"'{text}'")
