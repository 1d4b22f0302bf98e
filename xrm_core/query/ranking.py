"""The root field ``search``: records of several entities that fit a text, the best first → SQL that gives JSON.

Each entity is scanned under the caller's rights, and :mod:`xrm_core.storage.matching` tells how well a record fits by
the columns that the caller may read on it: what is hidden is neither found nor counted.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Float,
    FromClause,
    Select,
    Text,
    cast,
    collate,
    func,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy import case as sql_case
from sqlalchemy.sql import ColumnElement

from xrm_core.metadata.model import Entity
from xrm_core.metadata.types import TEXTUAL, FieldType
from xrm_core.permissions.policy import Action
from xrm_core.query.by_id import ids_alone
from xrm_core.query.connection import one
from xrm_core.query.hit_candidates import How, hit_candidates
from xrm_core.query.match import match
from xrm_core.query.predicates import operand, scan, size
from xrm_core.query.reads import KEY
from xrm_core.query.relationship_view import text_of
from xrm_core.query.roots import HitPart, Search, SearchBranch
from xrm_core.query.scan import Page, Scan, Scope
from xrm_core.query.search import searched
from xrm_core.query.searched_text import SearchedText
from xrm_core.query.sql_json import Pair, constant, key, seen

_ALL: ColumnElement[int] = literal_column("1000000000")
"""A limit that is none: the database works a part out once, and not again wherever it is used."""

_MOST_TERMS = 400
"""SQLite's unions have 500 terms at most."""


def ranked(scope: Scope, request: Search) -> ColumnElement[Any]:
    """The hits as an array, the best first; those of one score by their titles, then by their ids.

    Words may have typos if there are fewer hits than are asked for without.
    """
    if not request.branches:
        return scope.json.text(literal_column("'[]'"))
    exact = _best(_hits(scope, request, "exact"), size(request.size)).cte("xrm_exact")
    exact = exact.prefix_with("MATERIALIZED")  # and not worked out wherever it is named
    # A column of what stands around all branches: SQLite reads a CTE anew wherever it is named.
    number = select(func.count().label("hits")).select_from(exact).subquery("xrm_number")
    typos = _hits(scope, request, "typos", number)
    found = union_all(select(exact), select(typos)).subquery()
    page = Page(_best(found, size(request.size)).subquery("xrm_hits"))
    marks = [(KEY, _mark(request, page))] if request.seen else []
    hit = scope.json.object([*marks, *(_part(scope, request, page, part) for part in request.parts)])
    array = select(scope.json.array(hit)).select_from(page.source).correlate(number).scalar_subquery()
    return select(array).select_from(number).scalar_subquery()


def _best(found: FromClause, number: ColumnElement[int]) -> Select[Any]:
    best = (found.c.score.desc(), found.c.title.asc().nulls_last(), found.c.id)
    return select(found).order_by(*best).limit(number)


def _hits(scope: Scope, request: Search, how: How, number: FromClause | None = None) -> FromClause:
    """The records that fit, each with its entity, id, title, score, and where words were found.

    None if ``number`` has as many hits already as are asked for.
    """
    branches = request.branches.items()
    return _union([_of_entity(scope, request, scope.model[name], each, how, number) for name, each in branches])


def _union(parts: Sequence[Select[Any]]) -> FromClause:
    if len(parts) <= _MOST_TERMS:
        return union_all(*parts).subquery()
    starts = range(0, len(parts), _MOST_TERMS)
    groups = (union_all(*parts[start : start + _MOST_TERMS]).limit(_ALL).subquery() for start in starts)
    return _union([select(group) for group in groups])


def _of_entity(
    scope: Scope, request: Search, entity: Entity, branch: SearchBranch, how: How, number: FromClause | None
) -> Select[Any]:
    row = scan(scope, entity)
    text = operand(request.text, SearchedText())
    wanted = None if branch.wanted is None else operand(branch.wanted, Boolean())
    too_few = None if number is None else number.c.hits < size(request.size)
    conditions = (too_few, wanted, row.rule, hit_candidates(scope, entity, row, text, how))
    looked_at = (
        select(row.source.c.id, _title(scope, entity, row).label("title"), _matched(scope, entity, row, text, how))
        .where(*(each for each in conditions if each is not None))
        .limit(_ALL)
        .correlate(number)
        .subquery()
    )
    columns = looked_at.c
    return select(
        text_of(entity.name).label("entity"), columns.id, columns.title, _place(scope, columns.match, 0), columns.match
    ).where(columns.match.is_not(None))


def _matched(scope: Scope, entity: Entity, row: Scan, text: ColumnElement[Any], how: How) -> ColumnElement[Any]:
    fields = [entity[name] for name in searched(scope, entity, trusted=False)]
    columns = [row.column(field) for field in fields]
    phones = [place for place, field in enumerate(fields, 1) if field.type is FieldType.PHONE]
    display = next((place for place, field in enumerate(fields, 1) if field.name == entity.display), 0)
    found = match(scope.dialect.name, row.source, columns, phones, display, text, typos=how == "typos")
    return found.label("match")


def _place(scope: Scope, match: ColumnElement[Any], place: int) -> ColumnElement[Any]:
    if scope.dialect.name == "postgresql":
        return match[literal_column(str(place + 1))].label("score")
    return func.json_extract(match, literal_column(f"'$[{place}]'")).label("score")


def _title(scope: Scope, entity: Entity, row: Scan) -> ColumnElement[Any]:
    """What the ``display`` of the entity says on a record, as a text that sorts alike on both databases."""
    permission = scope.access.get(entity.name, Action.READ)
    if not entity.display or permission is None or entity.display not in permission.fields:
        return cast(null(), Text)
    field = entity[entity.display]
    value = scope.json.value(field, row.column(field))
    if scope.dialect.name == "sqlite":
        return cast(func.json_extract(func.json_array(value), literal_column("'$[0]'")), Text)
    if field.type not in TEXTUAL:
        value = func.to_json(value).op("#>>")(literal_column("'{}'"))
    return collate(cast(value, Text), "C")


def _mark(request: Search, page: Page) -> ColumnElement[Any]:
    columns = page.source.c
    return sql_case(*((columns.entity == text_of(name), seen(each, columns.id)) for name, each in request.seen.items()))


def _part(scope: Scope, request: Search, page: Page, part: HitPart) -> Pair:
    columns = page.source.c
    match part.part:
        case "node":
            return part.key, scope.json.nested(_node(scope, request, page, part.key))
        case "score":
            return part.key, cast(columns.score, Float) / literal_column("1000.0")
        case "title":
            return part.key, columns.title
        case "fields":
            return part.key, scope.json.nested(_fields(scope, request, page))
    return part.key, constant(part.name)


def _node(scope: Scope, request: Search, page: Page, key: str) -> ColumnElement[Any]:
    looks = []
    for name, branch in request.branches.items():
        selection = branch.selections[key]
        found = scan(scope, scope.model[name], id_only=ids_alone(selection))
        record = one(scope, found, found.source.c.id == page.source.c.id, selection, page)
        looks.append((page.source.c.entity == text_of(name), record))
    return sql_case(*looks)


def _fields(scope: Scope, request: Search, page: Page) -> ColumnElement[Any]:
    """The names of the fields in which a word was found, in their order."""
    postgres, columns = scope.dialect.name == "postgresql", page.source.c
    known = sql_case(
        *((columns.entity == text_of(name), _names(scope, name, branch)) for name, branch in request.branches.items())
    )
    if postgres:
        each: Any = func.unnest(columns.match).table_valued("value", with_ordinality="key", name="xrm_places")
        each = each.render_derived()
    else:
        each = func.json_each(columns.match).table_valued("value", "key", name="xrm_places")
    place = cast(each.c.value - literal_column("1"), Text)
    if postgres:
        name = func.json_extract_path_text(cast(known, JSON), place)
    else:
        name = func.json_extract(known, literal_column("'$['").concat(place).concat(literal_column("']'")))
    first: ColumnElement[int] = literal_column("1" if postgres else "0")  # which is the score
    found = select(scope.json.array(name)).select_from(each).where(each.c.key > first)
    return found.correlate(page.source).scalar_subquery()


def _names(scope: Scope, entity: str, branch: SearchBranch) -> ColumnElement[Any]:
    names = [branch.names[field] for field in searched(scope, scope.model[entity], trusted=False)]
    return literal_column(f"'[{', '.join(map(_quoted, names))}]'")


def _quoted(name: str) -> str:
    """A name as JSON, after a look that it is one: nothing in it has to be escaped."""
    return f'"{str(key(name)).strip(chr(39))}"'
