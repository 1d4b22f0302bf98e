"""Every occurrence of an entity in a statement goes through :class:`Scan`: here a permission becomes SQL.

A scan is a table under an alias of its own, with the caller's row rule for that entity and columns that are empty
where the caller's rights on the field do not hold. No other code of this room touches a table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Dialect, FromClause, TableClause, case, true
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.sql import ColumnElement

from xrm_core.errors import Forbidden
from xrm_core.metadata.model import Entity, Field, Model
from xrm_core.metadata.predicate import EVERYTHING, NOTHING, Predicate
from xrm_core.permissions.access import Access, Permission
from xrm_core.permissions.policy import Action
from xrm_core.query.implied import Way, beyond
from xrm_core.query.masks import masked
from xrm_core.query.sql_json import JsonSql, json_sql
from xrm_core.storage.tables import Tables

Condition = ColumnElement[bool]


@dataclass(frozen=True)
class Scope:
    """What a statement is compiled for: model, tables, rights and database; whether with indexes for searches."""

    model: Model
    tables: Tables
    access: Access
    dialect: Dialect
    indexed: bool = True

    @property
    def json(self) -> JsonSql:
        """JSON functions of the database."""
        return json_sql(self.dialect.name)


class Row(Protocol):
    """Where the columns of a record come from: a table, or a page of it."""

    source: FromClause

    def column(self, field: Field, name: str | None = None) -> ColumnElement[Any]:
        """The column of a field; ``name`` picks one of several (polymorphic relations)."""


CompilePredicate = Callable[[Scope, Entity, Row, Predicate], Condition]


class Compilers(Protocol):
    """What a scan needs of the modules that are made of scans themselves."""

    def rule(self, scope: Scope, entity: Entity, row: Row, rule: Predicate) -> Condition:
        """A row rule; rules are the administrator's words and see all columns."""

    def virtual(
        self, scope: Scope, entity: Entity, source: FromClause, field: Field, *, trusted: bool
    ) -> ColumnElement[Any]:
        """The value of a virtual field on a table, with no regard to rights on the field itself."""


class Scan:
    """One occurrence of an entity under the caller's right to read.

    Args:
        scope: what the statement is compiled for.
        entity: whose table.
        compilers: make the conditions and the virtual fields of this scan.
        id_only: nothing but the id is read of it (and what the row rule needs): hundreds of them are made quickly.
        source: where records of the entity are that are not in its table; with all of its columns.

    Raises:
        Forbidden: if the caller may not read any record of the entity.
    """

    def __init__(
        self,
        scope: Scope,
        entity: Entity,
        compilers: Compilers,
        *,
        id_only: bool = False,
        source: FromClause | None = None,
    ) -> None:
        permission = scope.access.get(entity.name, Action.READ)
        if permission is None:
            raise Forbidden(f"You may not read {entity.plural}.")
        self.entity = entity
        self.scope = scope
        table: TableClause = scope.tables[entity.name]
        if id_only and permission.rule == EVERYTHING:
            table = sql_table(table.name, sql_column("id", table.c.id.type))
        self.source: FromClause = table.alias() if source is None else source
        self._permission: Permission = permission
        self._compilers = compilers

    @property
    def rule(self) -> Condition | None:
        """The caller's row rule, or None if every record is accessible. Belongs into every WHERE of the scan."""
        return self.rule_beyond(())

    def rule_beyond(self, ways: Sequence[Way]) -> Condition | None:
        """The caller's row rule less what holds anyway, since the records are reached or asked for on these ways."""
        return self._condition(beyond(self._permission.rule, ways))

    def column(self, field: Field, name: str | None = None) -> ColumnElement[Any]:
        """The column, guarded: empty on the records on which the caller has no right to the field.

        The right to a computed field includes that to each field it is made of, so its expression may see them all.
        """
        condition = self.guard(field)
        if field.virtual:
            column = self._compilers.virtual(self.scope, self.entity, self.source, field, trusted=False)
        else:
            column = self.source.c[name or field.columns[0]]
        return column if condition is None else case((condition, column))

    def shown(self, field: Field, name: str | None = None) -> ColumnElement[Any]:
        """The column as an answer shows it: where the caller has no right to it, what a mask leaves of it.

        For answers alone. To compare with it, to sort by it or to work with it, take :meth:`column`: else whoever sees
        the last letters could find out the others.
        """
        masks = self._permission.masks.get(field.name, ())
        if not masks:
            return self.column(field, name)
        column = self.source.c[field.columns[0]]
        rules = [(rule, masked(self.scope.dialect.name, self.entity, field, column, mask)) for mask, rule in masks]
        in_full = self._permission.field_rules[field.name]
        if in_full is not None and in_full != NOTHING:
            rules.insert(0, (in_full, column))
        return case(*((self._holding(rule), value) for rule, value in rules))

    def guard(self, field: Field) -> Condition | None:
        """On which records the caller has the right to the field; None: on all. Raises Forbidden: on none."""
        if field.holder not in self._permission.field_rules:
            raise Forbidden(f"You may not read {self.entity.name}.{field.name}.")
        rule = self._permission.field_rules[field.holder]
        return None if rule is None else self._condition(rule)

    def _holding(self, rule: Predicate) -> Condition:
        found = self._condition(rule)
        return true() if found is None else found

    def _condition(self, rule: Predicate) -> Condition | None:
        if rule == EVERYTHING:
            return None
        row = Unguarded(self.scope, self.entity, self.source, self._compilers)
        return self._compilers.rule(self.scope, self.entity, row, rule)


class Unguarded:
    """The columns of a table as they are: for row rules, which are not the caller's words, and for writes."""

    def __init__(self, scope: Scope, entity: Entity, source: FromClause, compilers: Compilers) -> None:
        self.source = source
        self._scope = scope
        self._entity = entity
        self._compilers = compilers

    def column(self, field: Field, name: str | None = None) -> ColumnElement[Any]:
        """The column itself."""
        if field.virtual:
            return self._compilers.virtual(self._scope, self._entity, self.source, field, trusted=True)
        return self.source.c[name or field.columns[0]]


class Page:
    """The columns that a page carries, which has been filtered and guarded already; or those of a file."""

    def __init__(self, source: FromClause) -> None:
        self.source = source

    def column(self, field: Field, name: str | None = None) -> ColumnElement[Any]:
        """The column of the page; a virtual field has its own name there."""
        return self.source.c[name or next(iter(carried(field)))]


def shown(row: Row, field: Field, name: str | None = None) -> ColumnElement[Any]:
    """The value of a row as an answer shows it; a page has it so already."""
    return row.shown(field, name) if isinstance(row, Scan) else row.column(field, name)


def carried(field: Field) -> tuple[str, ...]:
    """Names of the columns in which a page carries a field."""
    return field.columns or (field.name,)
