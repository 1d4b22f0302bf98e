"""Figures over the records that the caller may see → SQL that gives JSON."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import FromClause, Select, case, func, literal_column, null, select, union_all
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.expression import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from xrm_core import naming
from xrm_core.errors import BadQuery
from xrm_core.metadata.model import CURRENCY, Entity, Field
from xrm_core.metadata.predicate import EVERYTHING
from xrm_core.query import figures_view, totals
from xrm_core.query.figures_request import Aggregate, Figure, GroupKey, Measures
from xrm_core.query.group_json import GroupJson
from xrm_core.query.grouping import bit, sets
from xrm_core.query.joint import Joint
from xrm_core.query.order import along, fields_of
from xrm_core.query.periods import begin
from xrm_core.query.predicates import compile_predicate, scan, size
from xrm_core.query.request import Order, TypeName
from xrm_core.query.scan import Row, Scan, Scope
from xrm_core.query.ways import Belonging, ways_asked


def aggregate(
    scope: Scope,
    request: Aggregate,
    belongs: Belonging | None = None,
    outer: Row | None = None,
    joint: Joint | None = None,
) -> ColumnElement[Any]:
    """An array of groups as a scalar sub-query, sorted by what is asked for, then by their keys.

    ``belongs`` ties the records to the row ``outer``; ``joint`` are links that lead to them.
    """
    entity = scope.model[request.entity]
    groups = _Groups(scope, entity, request)
    page = groups.page(groups.rows(belongs, outer, joint))
    json = GroupJson(scope, groups.key_fields, entity, groups.keys, groups.figures, page.c, request)
    return select(scope.json.array(scope.json.object(list(json.pairs(request.parts))))).scalar_subquery()


class _Groups:
    """The way from records to groups, in three queries, each around the one before."""

    def __init__(self, scope: Scope, entity: Entity, request: Aggregate) -> None:
        self.scope = scope
        self.entity = entity
        self.request = request
        self.keys = {group: f"k{number}" for number, group in enumerate(request.groups)}
        self.key_fields = {group: _key_field(scope, entity, group) for group in request.groups}
        figures = dict.fromkeys(figure for figure in _figures(request) if figure.field)
        self.figures = {figure: f"m{number}" for number, figure in enumerate(figures)}
        self.fields = {name: f"f{number}" for number, name in enumerate(sorted({each.field for each in figures}))}
        for name in self.fields:
            _check_currency(entity[name], entity[entity[name].holder], request.groups)

    def rows(self, belongs: Belonging | None, outer: Row | None, joint: Joint | None) -> FromClause:
        """Keys and measured fields of each record."""
        scope, entity, request = self.scope, self.entity, self.request
        found = scan(scope, entity)
        conditions = [compile_predicate(scope, entity, found, request.where)]
        ways = [*([belongs.way] if belongs else []), *ways_asked(scope, entity, request.where)]
        rule = found.rule_beyond(ways)
        if rule is not None:
            conditions.insert(0, rule)
        if belongs is not None:
            conditions.insert(0, belongs.condition(found))
        if joint is not None:
            conditions = [*joint.conditions(request.where_link), *conditions]
        everything = belongs is None and joint is None and rule is None and request.where == EVERYTHING
        scanned = bool(self.fields) or not everything
        query: Select[Any] = (
            select(
                *(self._key(found, group, scanned).label(label) for group, label in self.keys.items()),
                *(found.column(entity[name]).label(label) for name, label in self.fields.items()),
                literal_column("1").label("one"),
            )
            .select_from(found.source if joint is None else joint.source(found))
            .where(*conditions)
        )
        return (query if outer is None else query.correlate(outer.source)).subquery()

    def page(self, rows: FromClause) -> FromClause:
        """The groups that are asked for, in their order."""
        groups = self._unmixed(self._grouped(rows).subquery())
        order = [*self._order(groups.c), *self._usual_order(groups.c)]
        query: Select[Any] = select(groups).order_by(*order).limit(size(self.request.limit))
        measured = {name: self.entity[name] for name in self.fields}
        view = figures_view.view(self.entity, measured)
        having = compile_predicate(self.scope, view, _Figures(self, groups), self.request.having)
        return query.where(having).subquery()

    def _unmixed(self, groups: FromClause) -> FromClause:
        """Figures over money are empty in rows that add up over its currency: they would mix several."""
        masks: dict[str, int] = {}
        labels = list(self.keys.values())
        for figure, label in self.figures.items() if self.request.totals is not None else ():
            holder = self.entity[self.entity[figure.field].holder]
            currency = GroupKey((), f"{holder.name}.{CURRENCY}")
            if len(holder.currencies) > 1 and currency in self.keys:
                masks |= dict.fromkeys((label, f"{label}h", f"{label}l"), bit(labels, self.keys[currency]))
        if not masks:
            return groups
        none: ColumnElement[int] = literal_column("0")
        columns = (
            case((groups.c.over.op("&")(literal_column(str(masks[column.name]))) == none, column)).label(column.name)
            if column.name in masks
            else column
            for column in groups.c
        )
        return select(*columns).subquery()

    def figure(self, columns: Any, figure: Figure) -> ColumnElement[Any]:
        """A figure as a column that compares."""
        return figures_view.comparable(columns, self.figures.get(figure, "n"))

    def _key(self, found: Scan, group: GroupKey, scanned: bool) -> ColumnElement[Any]:
        """A key of a record. ``scanned``: more than the key of a record is looked at."""
        field = self.key_fields[group]
        column = along(self.scope, self.entity, found, group.path, field)
        if group.part is None:
            return _by_no_index(column) if scanned and self.scope.dialect.name == "sqlite" else column
        return begin(self.scope.dialect.name, field, column, group.part, self.request.zone)

    def _grouped(self, rows: FromClause) -> Any:
        """One row for each group; ``over`` has a bit for each key that the row adds up over."""
        labels = list(self.keys.values())
        by = [rows.c[label] for label in labels]
        kind = self.request.totals
        if kind is None or not by:
            none: ColumnElement[int] = literal_column("0")
            return select(*by, *self._columns(rows), none.label("over")).select_from(rows).group_by(*by)
        if self.scope.dialect.name == "postgresql":
            over = func.grouping(*by).label("over")
            grouped = func.rollup(*by) if kind == "ROLLUP" else func.cube(*by)
            return select(*by, *self._columns(rows), over).select_from(rows).group_by(grouped)
        return union_all(*(self._part(rows, labels, kept) for kept in sets(kind, labels)))

    def _part(self, rows: FromClause, labels: Sequence[str], kept: frozenset[str]) -> Select[Any]:
        """The groups of one set of keys."""
        by = [rows.c[label] for label in labels if label in kept]
        keys = (rows.c[label] if label in kept else null().label(label) for label in labels)
        over = sum(bit(labels, label) for label in labels if label not in kept)
        query: Select[Any] = select(*keys, *self._columns(rows), literal_column(str(over)).label("over"))
        return query.select_from(rows).group_by(*by)

    def _columns(self, rows: FromClause) -> Iterator[ColumnElement[Any]]:
        yield func.count().label("n")
        for figure, label in self.figures.items():
            measured = _measure(self.scope, figure, self.entity[figure.field], rows.c[self.fields[figure.field]])
            for suffix, column in measured.items():
                yield column.label(f"{label}{suffix}")

    def _order(self, columns: Any) -> Iterator[ColumnElement[Any]]:
        for each in self.request.order:
            if isinstance(each.by, GroupKey):
                yield from self._totals_last(columns, self.keys[each.by])
                column = columns[self.keys[each.by]]
            else:
                column = self.figure(columns, each.by)
            yield column.desc().nulls_first() if each.descending else column.asc().nulls_last()

    def _usual_order(self, columns: Any) -> Iterator[ColumnElement[Any]]:
        for label in self.keys.values():
            yield from self._totals_last(columns, label)
            yield columns[label].asc().nulls_last()

    def _totals_last(self, columns: Any, label: str) -> Iterator[ColumnElement[Any]]:
        if self.request.totals is not None:
            mask: ColumnElement[int] = literal_column(str(bit(list(self.keys.values()), label)))
            yield columns.over.op("&")(mask)


def _by_no_index(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A key of which SQLite makes groups by sorting: it would read each record in the order of an index on the key.

    That is right if the index has all that is asked for. Otherwise each record is looked up at another place of the
    file, and groups take two to three times as long.
    """
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type)


class _Figures:
    """The figures of groups as a row of :func:`figures_view.view`."""

    def __init__(self, groups: _Groups, source: FromClause) -> None:
        self.source = source
        self._groups = groups

    def column(self, field: Field, _name: str | None = None) -> ColumnElement[Any]:
        function, _, of = field.name.partition(".")
        return self._groups.figure(self.source.c, Figure(function, of))  # type: ignore[arg-type] # names of the view


def _figures(request: Aggregate) -> Iterator[Figure]:
    for part in request.parts:
        if isinstance(part, Measures):
            yield from (Figure(part.function, each[1]) for each in part.parts if not isinstance(each, TypeName))
    yield from figures_view.figures_in(request.having)
    yield from (each.by for each in request.order if isinstance(each.by, Figure))


def _check_currency(field: Field, holder: Field, groups: Sequence[GroupKey]) -> None:
    """Amounts of different currencies must not be added up or compared."""
    if field is holder or len(holder.currencies) == 1 or GroupKey((), f"{holder.name}.{CURRENCY}") in groups:
        return
    name = naming.camel(holder.name)
    raise BadQuery(
        f"{name} may be in {', '.join(holder.currencies)}; figures over it would mix them.",
        hint=f"Group by its currency: groupBy: [{{{name}: {{currency: VALUE}}}}].",
    )


def _key_field(scope: Scope, entity: Entity, group: GroupKey) -> Field:
    """The field that a group key stands for."""
    return fields_of(scope.model, entity, [Order(group.path, group.field)])[0][1]


def _measure(
    scope: Scope, figure: Figure, field: Field, column: ColumnElement[Any]
) -> Mapping[str, ColumnElement[Any]]:
    match figure.function:
        case "countDistinct":
            return {"": func.count(column.distinct())}
        case "avg":
            return {"": totals.average(scope.dialect.name, field, column)}
        case "sum":
            return totals.total(scope.dialect.name, field, column)
        case "min":
            return {"": func.min(column)}
        case _:
            return {"": func.max(column)}
