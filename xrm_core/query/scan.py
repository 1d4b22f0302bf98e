"""Every occurrence of an entity in a statement goes through :class:`Scan`: here a permission becomes SQL.

A scan is a table under an alias of its own, with the caller's row rule for that entity and columns that are empty
where the caller's rights on the field do not hold. No other code of this room touches a table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Dialect, FromClause, case
from sqlalchemy.sql import ColumnElement

from xrm_core.errors import Forbidden
from xrm_core.metadata.model import Entity, Field, Model
from xrm_core.metadata.predicate import EVERYTHING, Predicate
from xrm_core.permissions.access import Access, Permission
from xrm_core.permissions.policy import Action
from xrm_core.query.sql_json import JsonSql, json_sql
from xrm_core.storage.tables import Tables

Condition = ColumnElement[bool]


@dataclass(frozen=True)
class Scope:
    """What a statement is compiled for: model, tables, rights and database."""

    model: Model
    tables: Tables
    access: Access
    dialect: Dialect

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


class Scan:
    """One occurrence of an entity under the caller's right to read.

    Args:
        scope: what the statement is compiled for.
        entity: whose table.
        trusted: compiles a row rule on this scan; rules are the administrator's words and see all columns.

    Raises:
        Forbidden: if the caller may not read any record of the entity.
    """

    def __init__(self, scope: Scope, entity: Entity, trusted: CompilePredicate) -> None:
        permission = scope.access.get(entity.name, Action.READ)
        if permission is None:
            raise Forbidden(f"You may not read {entity.plural}.")
        self.entity = entity
        self.scope = scope
        self.source: FromClause = scope.tables[entity.name].alias()
        self._permission: Permission = permission
        self._trusted = trusted

    @property
    def rule(self) -> Condition | None:
        """The caller's row rule, or None if every record is accessible. Belongs into every WHERE of the scan."""
        return self._condition(self._permission.rule)

    def column(self, field: Field, name: str | None = None) -> ColumnElement[Any]:
        """The column, guarded: empty on the records on which the caller has no right to the field."""
        column = self.source.c[name or field.columns[0]]
        if field.name not in self._permission.field_rules:
            raise Forbidden(f"You may not read {self.entity.name}.{field.name}.")
        rule = self._permission.field_rules[field.name]
        condition = None if rule is None else self._condition(rule)
        return column if condition is None else case((condition, column))

    def _condition(self, rule: Predicate) -> Condition | None:
        if rule == EVERYTHING:
            return None
        return self._trusted(self.scope, self.entity, Unguarded(self.source), rule)


class Unguarded:
    """The columns as their source has them: a table, for row rules (which are not the caller's words) and for writes,
    or a page, which has been filtered and guarded already.
    """

    def __init__(self, source: FromClause) -> None:
        self.source = source

    def column(self, field: Field, name: str | None = None) -> ColumnElement[Any]:
        """The column itself."""
        return self.source.c[name or field.columns[0]]
