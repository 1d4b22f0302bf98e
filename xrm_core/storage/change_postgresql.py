"""Carry out an evolution on PostgreSQL: old constraints off, tables and columns changed, new constraints on."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from alembic.operations import Operations
from alembic.operations.ops import AddConstraintOp, CreateIndexOp, CreateTableOp
from sqlalchemy import Column, ForeignKeyConstraint, Index, Table, literal, select, update

from xrm_core.metadata.sequence import Sequence
from xrm_core.storage.columns import ExactDecimal
from xrm_core.storage.evolution import EntityPair, Evolution
from xrm_core.storage.numbering import numbers
from xrm_core.storage.plan_fields import backfill
from xrm_core.storage.shape import Part, parts
from xrm_core.storage.tables import Tables


def change(operations: Operations, evolution: Evolution, old: Tables, new: Tables) -> None:
    """Bring the tables ``old`` to ``new`` in the transaction of ``operations``."""
    kept = [
        _TableChange(operations, evolution, pair, old[pair.old.name], new[pair.new.name]) for pair in evolution.kept
    ]
    for table_change in kept:
        table_change.drop_parts(foreign_keys=True)
    for entity in evolution.dropped:
        for constraint in old[entity.name].foreign_key_constraints:
            operations.drop_constraint(str(constraint.name), old[entity.name].name, type_="foreignkey")
    for entity in evolution.dropped:
        operations.drop_table(old[entity.name].name)
    for table_change in kept:
        table_change.drop_parts(foreign_keys=False)
        table_change.rename()
    for entity in evolution.created:
        operations.invoke(
            CreateTableOp.from_table(new[entity.name])
        )  # without its foreign keys: they may go in circles
        for index in _indexes(new[entity.name]):
            operations.invoke(CreateIndexOp.from_index(index))
    for table_change in kept:
        table_change.change_columns()
    for table_change in kept:
        table_change.add_parts()
    for table_change in kept:
        table_change.add_foreign_keys()
    for entity in evolution.created:
        for constraint in _foreign_keys(new[entity.name]):
            operations.invoke(AddConstraintOp.from_constraint(constraint))


@dataclass(frozen=True)
class _TableChange:
    """One table that stays. The steps are called in the order in which they stand here."""

    operations: Operations
    evolution: Evolution
    pair: EntityPair
    old: Table
    new: Table

    @cached_property
    def old_parts(self) -> Mapping[Part, str]:
        """The constraints and indexes that there are, in the words of the new table."""
        former = {old: new for new, old in self.pair.columns.items()}
        gone = {column: f"{column} (dropped)" for column in self.old.columns.keys() if column not in former}  # noqa: SIM118
        return {
            part if part.kind == "check" else part.renamed({**former, **gone}): name
            for part, name in parts(self.old, self.evolution.renamed).items()
        }

    @cached_property
    def new_parts(self) -> Mapping[Part, str]:
        """Those that there shall be."""
        return parts(self.new)

    def drop_parts(self, *, foreign_keys: bool) -> None:
        """Drop what the new table does not have; the foreign keys of all tables come first."""
        for part, name in self.old_parts.items():
            if part in self.new_parts or (part.kind == "foreign key") is not foreign_keys:
                continue
            if part.kind == "index":
                self.operations.drop_index(name, self.old.name)
            else:
                self.operations.drop_constraint(name, self.old.name)

    def rename(self) -> None:
        """New names for the table, its columns and the parts that stay; columns that go make room first."""
        if self.old.name != self.new.name:
            self.operations.rename_table(self.old.name, self.new.name)
        for column in self.old.columns:
            if column.name not in self.pair.columns.values():
                self.operations.drop_column(self.new.name, column.name)
        for name, former in self.pair.columns.items():
            if name != former:
                self.operations.alter_column(self.new.name, former, new_column_name=name)
        quote = self.operations.get_bind().dialect.identifier_preparer.quote
        for part, former in self.old_parts.items():
            name = self.new_parts.get(part, former)
            if name == former:
                continue
            if part.kind == "index":
                self.operations.execute(f"ALTER INDEX {quote(former)} RENAME TO {quote(name)}")
            else:
                table = quote(self.new.name)
                self.operations.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {quote(former)} TO {quote(name)}")

    def change_columns(self) -> None:
        """Add columns, fill them, and change what they allow."""
        defaults = {name: backfill(field) for name, field in self.pair.new.fields.items()}
        for column in self.new.columns:
            former = self.pair.columns.get(column.name)
            field = self.pair.new.fields.get(column.name)
            if former is None and field is not None and field.sequence is not None:
                self._number(column, field.sequence)
            elif former is None:
                self._add(column, defaults.get(column.name))
            else:
                self._alter(self.old.columns[former], column, defaults.get(column.name))

    def _add(self, column: Column[Any], default: Any) -> None:
        value = None if default is None else literal(default, column.type)
        # With a default of the column no row is rewritten; it goes at once, since defaults are set at the write door.
        added = Column(column.name, column.type, nullable=column.nullable, server_default=value)
        self.operations.add_column(self.new.name, added)
        if value is not None:
            self.operations.alter_column(self.new.name, column.name, server_default=None)

    def _number(self, column: Column[Any], sequence: Sequence) -> None:
        self.operations.add_column(self.new.name, Column(column.name, column.type, nullable=True))
        records = self.new.alias()
        text = numbers(sequence, records, self.operations.get_bind())
        numbered = select(records.c.id, text.label("number")).subquery()
        fill = update(self.new).where(self.new.c.id == numbered.c.id).values({column.name: numbered.c.number})
        self.operations.execute(fill)
        self.operations.alter_column(self.new.name, column.name, nullable=column.nullable)

    def _alter(self, old: Column[Any], new: Column[Any], default: Any) -> None:
        if isinstance(new.type, ExactDecimal) and repr(new.type) != repr(old.type):
            self.operations.alter_column(self.new.name, new.name, type_=new.type)
        if new.nullable == old.nullable:
            return
        if not new.nullable and default is not None:
            self.operations.execute(update(self.new).where(new.is_(None)).values({new.name: default}))
        self.operations.alter_column(self.new.name, new.name, nullable=new.nullable)

    def add_parts(self) -> None:
        """Add the constraints and indexes that the old table did not have, except foreign keys."""
        names = {name for part, name in self.new_parts.items() if part not in self.old_parts}
        for constraint in sorted(self.new.constraints, key=lambda constraint: str(constraint.name)):
            if constraint.name in names and not isinstance(constraint, ForeignKeyConstraint):
                self.operations.invoke(AddConstraintOp.from_constraint(constraint))
        for index in _indexes(self.new):
            if index.name in names:
                self.operations.invoke(CreateIndexOp.from_index(index))

    def add_foreign_keys(self) -> None:
        """Add the foreign keys, once all tables have their columns."""
        names = {name for part, name in self.new_parts.items() if part not in self.old_parts}
        for constraint in _foreign_keys(self.new):
            if constraint.name in names:
                self.operations.invoke(AddConstraintOp.from_constraint(constraint))


def _indexes(table: Table) -> list[Index]:
    return sorted(table.indexes, key=lambda index: str(index.name))


def _foreign_keys(table: Table) -> list[ForeignKeyConstraint]:
    return sorted(table.foreign_key_constraints, key=lambda constraint: str(constraint.name))
