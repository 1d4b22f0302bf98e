"""Links of a many-to-many relation, joined with the records to which they lead."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import FromClause
from sqlalchemy.sql import ColumnElement

from xrm_core.metadata.model import Field, Link
from xrm_core.metadata.predicate import Predicate
from xrm_core.query.predicates import compile_predicate, scan
from xrm_core.query.request import Edges, MoneyValue, Value
from xrm_core.query.scan import Condition, Row, Scope

_PREFIX = "xrm_l_"


class Joint:
    """The links of one record, under the caller's right to read them.

    Args:
        scope: what the statement is compiled for.
        link: the relation, seen from the record.
        owner: the record's id.
    """

    def __init__(self, scope: Scope, link: Link, owner: ColumnElement[Any]) -> None:
        self.scope = scope
        self.link = link
        self.entity = scope.model[link.through]
        self.scan = scan(scope, self.entity)
        self._owner = owner

    def source(self, found: Row) -> FromClause:
        """Links and records. Whoever looks for the records of one begins at its links, which have an index."""
        return self.scan.source.join(found.source, found.source.c.id == self.scan.column(self.entity[self.link.far]))

    def conditions(self, where: Predicate) -> list[Condition]:
        """The record's own links, those that the caller may see, and of these the ones asked for."""
        own = self.scan.column(self.entity[self.link.near]) == self._owner
        rule = self.scan.rule
        return [own, *([] if rule is None else [rule]), compile_predicate(self.scope, self.entity, self.scan, where)]

    def columns(self, parts: Iterable[Any]) -> Iterator[tuple[str, ColumnElement[Any]]]:
        """The columns of the links that the edges are made of, under names of their own."""
        names = {
            item.field
            for part in parts
            if isinstance(part, Edges)
            for edge in part.parts
            if edge.part == "link"
            for item in edge.selection
            if isinstance(item, Value | MoneyValue)
        }
        for name in sorted(names):
            for column in self.entity[name].columns:
                yield _PREFIX + column, self.scan.shown(self.entity[name], column)

    def row(self, page: FromClause) -> Row:
        """The link of a row of a page."""
        return _LinkOfPage(page)


class _LinkOfPage:
    def __init__(self, source: FromClause) -> None:
        self.source = source

    def column(self, field: Field, name: str | None = None) -> ColumnElement[Any]:
        return self.source.c[_PREFIX + (name or field.columns[0])]
