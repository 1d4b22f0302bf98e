"""A table before and after a change on PostgreSQL, and what its columns and parts are called meanwhile."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import CheckConstraint, Column, ColumnElement, ForeignKeyConstraint, FromClause, Index, MetaData, Table
from sqlalchemy.sql.visitors import replacement_traverse

from xrm_core import naming
from xrm_core.storage.evolution import EntityPair, Evolution
from xrm_core.storage.shape import Part, parts
from xrm_core.storage.tables import Tables


@dataclass(frozen=True)
class TablePair:
    """One table that stays, if only to be put aside."""

    pair: EntityPair
    old: Table
    new: Table
    renamed: Mapping[str, str]

    @cached_property
    def columns(self) -> dict[str, str]:
        """New column → old column, for all columns that stay as they are in the table."""
        return dict(self.pair.columns)

    @property
    def added(self) -> Iterator[Column[Any]]:
        """Columns of the new table that the old one has not, or not with these values."""
        return (column for column in self.new.columns if column.name not in self.columns)

    @cached_property
    def old_parts(self) -> Mapping[Part, str]:
        """The constraints and indexes that there are, in the words of the new table."""
        former = {old: new for new, old in self.columns.items()}
        gone = {column: f"{column} (dropped)" for column in self.old.columns.keys() if column not in former}  # noqa: SIM118
        found = parts(self.old, self.renamed).items()
        moved = {name: f"{name} (moved)" for name in self._moved_checks}
        return {part.renamed(moved if part.kind == "check" else {**former, **gone}): name for part, name in found}

    @cached_property
    def new_parts(self) -> Mapping[Part, str]:
        """Those that there shall be."""
        return parts(self.new)

    @cached_property
    def missing(self) -> Mapping[Part, str]:
        """Parts that there shall be and are not."""
        return {part: name for part, name in self.new_parts.items() if part not in self.old_parts}

    @property
    def differs(self) -> bool:
        """Whether anything of the table changes."""
        return (
            self.old.name != self.new.name
            or any(name != former for name, former in self.columns.items())
            or set(self.columns.values()) != set(self.old.columns.keys())
            or any(True for _ in self.added)
            or self.old_parts != self.new_parts
            or any(self.tightened)
            or any(self.relaxed)
            or any(repr(self.old.columns[old].type) != repr(self.new.columns[new].type) for new, old in self.kept)
        )

    @property
    def kept(self) -> Iterator[tuple[str, str]]:
        """(new column, old column), as in ``columns``."""
        return iter(self.columns.items())

    @property
    def tightened(self) -> Iterator[str]:
        """Columns, by their new name, that may be empty now and must not be then."""
        return (new for new, old in self.kept if self.old.columns[old].nullable and not self.new.columns[new].nullable)

    @property
    def relaxed(self) -> Iterator[str]:
        """Columns, by their new name, that must not be empty now and may be then."""
        return (new for new, old in self.kept if self.new.columns[new].nullable and not self.old.columns[old].nullable)

    def name_now(self, column: str) -> str:
        """What a column of the new table is called until the switch."""
        return self.columns.get(column, naming.prepared(column))

    def index_now(self, name: str, columns: Index | tuple[str, ...]) -> Index:
        """An index (of columns: a unique one) on the table as it is until the switch; ``name`` is what it will have."""
        staged = self.staged
        if isinstance(columns, tuple):
            return Index(naming.prepared(name), *(staged.c[self.name_now(column)] for column in columns), unique=True)
        expressions = [
            in_terms_of(found, self.new, staged, self.name_now)
            for found in columns.expressions
            if not isinstance(found, str)
        ]
        return Index(naming.prepared(name), *expressions, unique=columns.unique, **columns.dialect_kwargs)

    @cached_property
    def staged(self) -> Table:
        """The table as it is until the switch: its old columns, and the prepared ones."""
        columns = [Column(column.name, column.type) for column in self.old.columns]
        columns += [Column(self.name_now(column.name), column.type) for column in self.added]
        return Table(self.old.name, MetaData(), *columns)

    @cached_property
    def _moved_checks(self) -> frozenset[str]:
        """Names of checks about a column that goes, is refilled or renamed: such a check is made anew."""
        staying = {old for new, old in self.columns.items() if new == old}
        checks = (found for found in self.old.constraints if isinstance(found, CheckConstraint))
        return frozenset(
            str(found.name)
            for found in checks
            if any(f'"{name}"' in str(found.sqltext) for name in self.old.columns.keys() if name not in staying)  # noqa: SIM118
        )


def in_terms_of(
    expression: ColumnElement[Any], table: Table, other: FromClause, names: Callable[[str], str] = str
) -> ColumnElement[Any]:
    """An expression over the columns of a table, over another one with the same columns, or those by other names."""

    def replaced(element: Any, **_: Any) -> Any:
        return other.c[names(element.name)] if isinstance(element, Column) and element.table is table else None

    found: ColumnElement[Any] = replacement_traverse(expression, {}, replaced)
    return found


def table_pairs(evolution: Evolution, old: Tables, new: Tables) -> list[TablePair]:
    """The tables that stay, those that are put aside, and those that come back from there."""
    return [TablePair(pair, old[pair.old.name], new[pair.new.name], evolution.renamed) for pair in evolution.pairs]


def indexes(table: Table) -> list[Index]:
    """By name."""
    return sorted(table.indexes, key=lambda index: str(index.name))


def foreign_keys(table: Table) -> list[ForeignKeyConstraint]:
    """By name."""
    return sorted(table.foreign_key_constraints, key=lambda constraint: str(constraint.name))
