"""Lists, records and what hangs on them → SQL that gives JSON."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import FromClause, Select, func, literal_column, select
from sqlalchemy import case as sql_case
from sqlalchemy.sql import ColumnElement

from xrm_core.metadata.model import AMOUNT, Entity, Field
from xrm_core.query.aggregate import aggregate
from xrm_core.query.as_of import as_of_json
from xrm_core.query.files import file_json
from xrm_core.query.history import history_json
from xrm_core.query.joint import Joint
from xrm_core.query.merged import merged_into
from xrm_core.query.needs import Nested, needed, nested
from xrm_core.query.network import NetworkRows, edge_view, node_view
from xrm_core.query.operands import KnownId
from xrm_core.query.order import Sort, beyond, digest, sorts
from xrm_core.query.predicates import compile_predicate, operand, scan, size
from xrm_core.query.relationship_view import RelationshipRows, label_of
from xrm_core.query.request import (
    AsOf,
    Connection,
    EdgePart,
    Edges,
    Figures,
    FileValue,
    History,
    Label,
    MoneyValue,
    Network,
    Nodes,
    Page,
    PageInfo,
    PageInfoField,
    Relationships,
    Seen,
    Selection,
    Shares,
    ToMany,
    ToOne,
    TotalCount,
    TypeName,
    Value,
)
from xrm_core.query.roots import Record
from xrm_core.query.scan import Condition, Row, Scan, Scope, carried, shown
from xrm_core.query.scan import Page as PageRow
from xrm_core.query.shares import shares_json
from xrm_core.query.sql_json import Pair, constant, seen
from xrm_core.query.trash import fitting, trash_scan
from xrm_core.query.virtual import bare_columns, virtual_column
from xrm_core.query.ways import Belonging, belonging, ways_asked

_GUARD, _BARE = "xrm_g_", "xrm_b_"
"""Before names of columns of a page: whether a virtual field may be seen there; what it is worked out of."""


def record(scope: Scope, request: Record) -> ColumnElement[Any]:
    """One record by id as a scalar sub-query; NULL if it does not exist for the caller."""
    entity = scope.model[request.entity]
    found = scan(scope, entity)
    id_: ColumnElement[Any] = operand(request.id, KnownId())
    return one(
        scope, found, found.source.c.id == (merged_into(entity, id_) if request.merged else id_), request.selection
    )


def one(
    scope: Scope, found: Scan, condition: Condition, selection: Selection, outer: Row | None = None
) -> ColumnElement[Any]:
    """The one record of a scan for which a condition holds; NULL if there is none that the caller may see."""
    json = scope.json.record(list(pairs(scope, found.entity, found, selection)))
    query = select(json).select_from(found.source).where(*_all(condition, found.rule))
    return (query.correlate(outer.source) if outer else query).scalar_subquery()


def pairs(scope: Scope, entity: Entity, row: Row, selection: Selection) -> Iterator[Pair]:
    """Key and JSON of each item of a selection on a row."""
    for item in selection:
        match item:
            case Value(key, name):
                yield key, scope.json.value(entity[name], shown(row, entity[name]))
            case MoneyValue(key):
                yield key, _money(scope, entity, row, item)
            case TypeName(key, name):
                yield key, constant(name)
            case Seen(key, number):
                yield key, seen(number, row.source.c.id)
            case Label(key, language):
                yield key, label_of(scope, row.column(entity["type"]), row.column(entity["direction"]), language)
            case _:
                yield item.key, scope.json.nested(_nested_json(scope, entity, row, item))


def _money(scope: Scope, entity: Entity, row: Row, item: MoneyValue) -> ColumnElement[Any]:
    parts = entity[item.field].parts
    columns = {name: row.column(part) for name, part in parts.items()}
    json = scope.json.object(
        [
            (each.key, constant(each.name))
            if isinstance(each, TypeName)
            else (each[0], scope.json.value(parts[each[1]], columns[each[1]]))
            for each in item.parts
        ]
    )
    return scope.json.nested(sql_case((columns[AMOUNT].is_not(None), json)))


def _nested_json(scope: Scope, entity: Entity, row: Row, item: Nested) -> ColumnElement[Any]:
    if isinstance(item, FileValue):
        return file_json(scope, entity, row, item)
    if isinstance(item, Shares):
        return shares_json(scope, entity, row, item)
    if isinstance(item, AsOf):
        return as_of_json(scope, entity, row, item)
    if isinstance(item, History):
        return history_json(scope, entity, row, item)
    if isinstance(item, ToOne):
        return _to_one(scope, entity, row, item)
    if isinstance(item, Network):
        return _network(scope, entity, row, item)
    if isinstance(item, Relationships):
        found = RelationshipRows(scope, entity, row.source, item)
        return _paged(scope, found.entity, item.request, found, [], row, None)
    if isinstance(item, Figures):
        return _figures(scope, entity, row, item)
    return _to_many(scope, entity, row, item, item.request)


def _to_one(scope: Scope, entity: Entity, row: Row, item: ToOne) -> ColumnElement[Any]:
    field = entity[item.relation]
    branches: list[tuple[ColumnElement[Any], ColumnElement[Any]]] = []
    for target, selection in item.branches.items():
        column = row.column(field, field.column_to(target))
        found = scan(scope, scope.model[target])
        branches.append((column, one(scope, found, found.source.c.id == column, selection, row)))
    if len(branches) == 1:
        return branches[0][1]
    return sql_case(*((column.is_not(None), json) for column, json in branches))


def _network(scope: Scope, entity: Entity, row: Row, item: Network) -> ColumnElement[Any]:
    rows = NetworkRows(scope, entity, row, item)
    result: list[Pair] = []
    for part in item.parts:
        if part.part == "__typename":
            result.append((part.key, constant(part.name)))
            continue
        view = node_view(scope) if part.part == "nodes" else edge_view(scope)
        found = rows.nodes(view) if part.part == "nodes" else rows.edges()
        array = scope.json.array(scope.json.record(list(pairs(scope, view, found, part.selection))))
        result.append((part.key, scope.json.nested(select(array).select_from(found.source).scalar_subquery())))
    query = select(scope.json.object(result))
    if rows.members is not None and any(part.part == "edges" for part in item.parts):
        query = query.select_from(rows.members)
    return query.add_cte(rows.walk, rows.reached, nest_here=True).scalar_subquery()


def _to_many(scope: Scope, entity: Entity, row: Row, item: ToMany, request: Connection) -> ColumnElement[Any]:
    if item.inverse in entity.links:
        link = entity.links[item.inverse]
        return connection(scope, request, outer=row, joint=Joint(scope, link, row.source.c.id))
    return connection(scope, request, belongs=belonging(scope, entity, row, item.inverse), outer=row)


def _figures(scope: Scope, entity: Entity, row: Row, item: Figures) -> ColumnElement[Any]:
    if item.inverse in entity.links:
        joint = Joint(scope, entity.links[item.inverse], row.source.c.id)
        return aggregate(scope, item.request, outer=row, joint=joint)
    return aggregate(scope, item.request, belongs=belonging(scope, entity, row, item.inverse), outer=row)


def connection(
    scope: Scope,
    request: Connection,
    belongs: Belonging | None = None,
    outer: Row | None = None,
    joint: Joint | None = None,
) -> ColumnElement[Any]:
    """A page of records with what was asked of it, as a scalar sub-query; ``joint`` are links that lead to them."""
    entity = scope.model[request.entity]
    if request.trashed:
        return _trashed(scope, entity, request)
    found = scan(scope, entity)
    ways = [*([belongs.way] if belongs else []), *ways_asked(scope, entity, request.where)]
    conditions = _all(
        belongs.condition(found) if belongs else None,
        found.rule_beyond(ways),
        compile_predicate(scope, entity, found, request.where),
    )
    if joint is not None:
        conditions = [*joint.conditions(request.where_link), *conditions]
    return _paged(scope, entity, request, found, conditions, outer, joint)


def _trashed(scope: Scope, entity: Entity, request: Connection) -> ColumnElement[Any]:
    found, may_delete = trash_scan(scope, entity)
    where = compile_predicate(replace(scope, indexed=False), entity, found, request.where)  # no index knows the trash
    conditions = [*_all(found.rule, may_delete, where), *fitting(entity, found)]
    return _paged(scope, entity, request, found, conditions, None, None)


def _paged(
    scope: Scope,
    entity: Entity,
    request: Connection,
    found: Row,
    conditions: list[Condition],
    outer: Row | None,
    joint: Joint | None,
) -> ColumnElement[Any]:
    builder = _Page(scope, entity, request, joint)
    page = builder.query(found, conditions, outer) if builder.is_read else None
    result = [(key, json) for part in request.parts for key, json in builder.part(part, found, conditions, outer)]
    query = select(scope.json.object(result))
    if page is not None:
        query = query.select_from(page)
    return query.scalar_subquery()


class _Page:
    """A page as SQL: an inner query of plain columns (filtered, sorted, cut), around it the JSON."""

    def __init__(self, scope: Scope, entity: Entity, request: Connection, joint: Joint | None) -> None:
        self.scope = scope
        self.entity = entity
        self.joint = joint
        self.request = request
        self.page: Page = request.page
        self.size = size(self.page.size)
        parts = request.parts
        self.numbered = self.page.backward or any(isinstance(part, PageInfo) for part in parts)
        self.with_cursor = any(
            (isinstance(part, Edges) and any(each.part == "cursor" for each in part.parts))
            or isinstance(part, PageInfo)
            for part in parts
        )
        self._row: PageRow | None = None
        self._ready: dict[int, str] = {}

    @property
    def is_read(self) -> bool:
        """Whether rows are needed; if only constants were made of them, there would be one for each row."""
        known = "hasNextPage" if self.page.backward else "hasPreviousPage"
        return any(
            any(not isinstance(each, TypeName) and each[1] != known for each in part.parts)
            if isinstance(part, PageInfo)
            else isinstance(part, Nodes | Edges)
            for part in self.request.parts
        )

    @property
    def row(self) -> PageRow:
        """The columns of the page, once :meth:`query` has made it."""
        if self._row is None:
            raise RuntimeError("the page has not been queried")
        return self._row

    def query(self, found: Row, conditions: list[Condition], outer: Row | None) -> Any:
        """The rows of the page, one more than asked for where it matters whether there are more."""
        criteria = sorts(self.scope, self.entity, found, self.request.order)
        if self.page.cursor is not None:
            conditions = [*conditions, beyond(criteria, self.page.cursor, backward=self.page.backward)]
        later = self._later(found, criteria)
        columns = dict(self._columns(found, later))
        labels = [f"xrm_o{number}" for number in range(len(criteria))]
        size = self.size + literal_column("1") if self.numbered else self.size
        inner: Select[Any] = (
            select(
                *(column.label(name) for name, column in columns.items()),
                *(sort.column.label(label) for sort, label in zip(criteria, labels, strict=True) if self.numbered),
                *([self._cursor(criteria).label("xrm_cursor")] if self.with_cursor else []),
            )
            .select_from(self._source(found))
            .where(*conditions)
            .order_by(*(sort.by(reverse=self.page.backward) for sort in criteria))
            .limit(size)
        )
        page = (inner.correlate(outer.source) if outer else inner).subquery()
        if self.numbered:
            page = self._number(page, criteria, labels)
        inside = list(nested(self.request.parts))
        if inside or later:
            # Nested JSON gets columns of its own, so that the text nests by few parentheses a level: SQLite's parser
            # (before 3.46) takes about a hundred in all.
            row = PageRow(page)
            self._ready = {id(item): f"xrm_j{number}" for number, item in enumerate(inside)}
            extra = [_nested_json(self.scope, self.entity, row, item).label(self._ready[id(item)]) for item in inside]
            extra += [self._worked_out(page, field).label(field.name) for field in later]
            page = select(*page.c, *extra).select_from(page).subquery()
        self._row = PageRow(page)
        return page

    def _number(self, page: Any, criteria: Sequence[Sort], labels: Sequence[str]) -> Any:
        order = [
            sort.by(reverse=self.page.backward, column=page.c[label])
            for sort, label in zip(criteria, labels, strict=True)
        ]
        numbered = select(
            *page.c,
            func.row_number().over(order_by=order).label("xrm_number"),
            func.count().over().label("xrm_fetched"),
        ).subquery()
        # Read in the order of the list. A LIMIT keeps SQLite from dropping the ORDER BY of a sub-query.
        by = numbered.c.xrm_number.desc() if self.page.backward else numbered.c.xrm_number.asc()
        return select(numbered).order_by(by).limit(literal_column("1000000000")).subquery()

    def _source(self, found: Row) -> FromClause:
        return found.source if self.joint is None else self.joint.source(found)

    def _later(self, found: Row, criteria: Sequence[Sort]) -> list[Field]:
        """Virtual fields that are worked out for the page only. SQLite would do it for each record that is among
        the first at the time: for all, if they are stored the other way round. PostgreSQL puts it off itself.
        """
        if self.scope.dialect.name != "sqlite" or not isinstance(found, Scan):
            return []
        wanted = [self.entity[name] for name in sorted(set(needed(self.request.parts)))]
        return [field for field in wanted if field.virtual and not any(sort.field is field for sort in criteria)]

    def _worked_out(self, page: FromClause, field: Field) -> ColumnElement[Any]:
        value = virtual_column(self.scope, self.entity, page, field, trusted=False, prefix=_BARE)
        guard = page.c.get(_GUARD + field.name)
        return value if guard is None else sql_case((guard == literal_column("1"), value))

    def _columns(self, found: Row, later: Sequence[Field]) -> Iterator[tuple[str, ColumnElement[Any]]]:
        yield "id", found.source.c.id
        for field in later:
            guard = found.guard(field) if isinstance(found, Scan) else None
            if guard is not None:
                yield _GUARD + field.name, sql_case((guard, literal_column("1")))
            for column in sorted(bare_columns(self.entity, field)):
                yield _BARE + column, found.source.c[column]
        for name in sorted(set(needed(self.request.parts))):
            field = self.entity[name]
            if name != "id" and field not in later:
                for column in carried(field):
                    yield column, shown(found, field, column)
        if self.joint is not None:
            yield from self.joint.columns(self.request.parts)

    def _cursor(self, criteria: Sequence[Sort]) -> ColumnElement[Any]:
        mark = constant(digest(self.entity, self.request.order))
        return self.scope.json.hex([mark, *(self.scope.json.value(sort.field, sort.column) for sort in criteria)])

    def part(self, part: Any, found: Row, conditions: list[Condition], outer: Row | None) -> Iterable[Pair]:
        """Key and JSON of one part of the connection."""
        match part:
            case TypeName(key, name):
                yield key, constant(name)
            case Nodes(key, selection):
                yield key, self._array(list(self._pairs(selection)))
            case Edges(key, parts):
                yield key, self._array([(each.key, self._edge(each)) for each in parts])
            case PageInfo(key, parts):
                yield (
                    key,
                    self.scope.json.object(
                        [
                            (each.key, constant(each.name))
                            if isinstance(each, TypeName)
                            else (each[0], self._page_info(each[1]))
                            for each in parts
                        ]
                    ),
                )
            case TotalCount(key):
                count = select(func.count()).select_from(self._source(found)).where(*conditions)
                yield key, (count.correlate(outer.source) if outer else count).scalar_subquery()

    def _pairs(self, selection: Selection) -> Iterator[Pair]:
        for item in selection:
            if id(item) in self._ready:
                yield item.key, self.scope.json.nested(self.row.source.c[self._ready[id(item)]])
            else:
                yield from pairs(self.scope, self.entity, self.row, (item,))

    def _array(self, elements: list[Pair]) -> ColumnElement[Any]:
        return self.scope.json.array(self.scope.json.record(elements), self._kept() if self.numbered else None)

    def _edge(self, part: EdgePart) -> ColumnElement[Any]:
        match part.part:
            case "cursor":
                return self.row.source.c.xrm_cursor
            case "link" if self.joint is not None:
                [item] = part.selection
                [(_, json)] = pairs(self.scope, self.joint.entity, self.joint.row(self.row.source), (item,))
                return json
            case "node":
                return self.scope.json.record(list(self._pairs(part.selection)))
            case _:
                return constant(part.name)

    def _kept(self) -> Condition:
        return self.row.source.c.xrm_number <= self.size

    def _page_info(self, field: PageInfoField) -> ColumnElement[Any]:
        if field == ("hasNextPage" if self.page.backward else "hasPreviousPage"):
            return self.scope.json.flag(self.page.cursor is not None)  # we came from there
        columns = self.row.source.c
        more = func.coalesce(func.max(columns.xrm_fetched), literal_column("0")) > self.size
        nearest = func.max(sql_case(((columns.xrm_number == literal_column("1")) & self._kept(), columns.xrm_cursor)))
        last = sql_case((columns.xrm_fetched < self.size, columns.xrm_fetched), else_=self.size)
        farthest = func.max(sql_case((columns.xrm_number == last, columns.xrm_cursor)))
        match field, self.page.backward:
            case ("hasNextPage", False) | ("hasPreviousPage", True):
                return self.scope.json.boolean(more)
            case ("startCursor", False) | ("endCursor", True):
                return nearest
            case _:
                return farthest


def _all(*conditions: Condition | None) -> list[Condition]:
    return [condition for condition in conditions if condition is not None]
