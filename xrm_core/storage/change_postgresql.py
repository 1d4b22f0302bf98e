"""The switch to a new model on PostgreSQL: one short transaction that changes nothing but the catalogue.

What takes time was made ahead (``prepare_postgresql``). Here it gets its names, and what the new model has not goes.
"""

from dataclasses import dataclass
from typing import Any

from alembic.operations import Operations
from alembic.operations.ops import AddConstraintOp, CreateIndexOp, CreateTableOp
from sqlalchemy import CheckConstraint, Column, Connection, UniqueConstraint, select, text, update

from xrm_core import naming
from xrm_core.metadata.sequence import Sequence
from xrm_core.storage.columns import ExactDecimal
from xrm_core.storage.evolution import Evolution
from xrm_core.storage.exclusive import Turn, run
from xrm_core.storage.mending import mend
from xrm_core.storage.numbering import numbers
from xrm_core.storage.prepare_postgresql import validate
from xrm_core.storage.prepared import remove_from, remove_functions
from xrm_core.storage.switch_locks import lock
from xrm_core.storage.table_pair import TablePair, foreign_keys, indexes, table_pairs
from xrm_core.storage.tables import Tables


def change(operations: Operations, evolution: Evolution, old: Tables, new: Tables) -> None:
    """Bring the tables ``old`` to ``new`` in the transaction of ``operations``."""
    connection = operations.get_bind()
    pairs = table_pairs(evolution, old, new)
    kept = [_TableChange(operations, pair) for pair in pairs if pair.differs]
    lock(connection, evolution, [table_change.pair for table_change in kept], old, new)
    for table_change in kept:
        table_change.drop_parts(foreign_keys=True)
    for table_change in kept:
        table_change.drop_parts(foreign_keys=False)
        table_change.rename()
    for entity in evolution.created:
        # without its foreign keys: they may go in circles
        operations.invoke(CreateTableOp.from_table(new[entity.name]))
        for index in indexes(new[entity.name]):
            operations.invoke(CreateIndexOp.from_index(index))
    for table_change in kept:
        table_change.change_columns()
        table_change.add_parts()
    mend(connection, evolution, new)
    for table_change in kept:
        table_change.add_foreign_keys()
    for entity in evolution.created:
        for constraint in foreign_keys(new[entity.name]):
            operations.invoke(AddConstraintOp.from_constraint(constraint))
    remove_functions(connection)


def finish(turn: Turn, tables: Tables) -> None:
    """Look through the tables for what new foreign keys refuse, which is nothing, so that the database knows it."""
    names = {table.name for table in tables.metadata.sorted_tables}
    for table, constraint in turn.patiently(_not_validated):
        if table in names:
            turn.patiently(lambda connection, found=(table, constraint): validate(connection, *found))  # type: ignore[misc]


def _not_validated(connection: Connection) -> list[tuple[str, str]]:
    found = text(
        "SELECT t.relname, c.conname FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid "
        "WHERE NOT c.convalidated AND c.contype = 'f' AND t.relnamespace = current_schema()::regnamespace ORDER BY 1, 2"
    )
    return [(row[0], row[1]) for row in connection.execute(found)]


@dataclass(frozen=True)
class _TableChange:
    """One table that stays. The steps are called in the order in which they stand here."""

    operations: Operations
    pair: TablePair

    def drop_parts(self, *, foreign_keys: bool) -> None:
        """Drop what the new table does not have; the foreign keys of all tables come first."""
        for part, name in self.pair.old_parts.items():
            if part in self.pair.new_parts or (part.kind == "foreign key") is not foreign_keys:
                continue
            if part.kind == "index":
                self.operations.drop_index(name, self.pair.old.name)
            else:
                self.operations.drop_constraint(name, self.pair.old.name)

    def rename(self) -> None:
        """New names for the table, its columns and the parts that stay; columns that go make room first."""
        old, new = self.pair.old, self.pair.new
        if old.name != new.name:
            self.operations.rename_table(old.name, new.name)
        for column in old.columns:
            if column.name not in self.pair.columns.values():
                self.operations.drop_column(new.name, column.name)
        for name, former in self.pair.columns.items():
            if name != former:
                self.operations.alter_column(new.name, former, new_column_name=name)
        for part, former in self.pair.old_parts.items():
            name = self.pair.new_parts.get(part, former)
            if name == former:
                continue
            if part.kind == "index":
                self._rename_index(former, name)
            else:
                self._rename_constraint(former, name)

    def change_columns(self) -> None:
        """Take the prepared columns, and change what the others allow."""
        for column in self.pair.added:
            self.operations.alter_column(self.pair.new.name, naming.prepared(column.name), new_column_name=column.name)
            field = self.pair.pair.new.fields.get(column.name)
            if field is not None and field.sequence is not None:
                self._number(column, field.sequence)
            self.operations.alter_column(
                self.pair.new.name, column.name, nullable=column.nullable, server_default=None
            )  # defaults are set at the write door
        for name, former in self.pair.columns.items():
            self._alter(self.pair.old.columns[former], self.pair.new.columns[name])

    def _number(self, column: Column[Any], sequence: Sequence) -> None:
        """Numbers for the records that are there. Nobody may come in between, so it is done here, long as it takes."""
        new = self.pair.new
        records = new.alias()
        number = numbers(sequence, records, self._connection)
        numbered = select(records.c.id, number.label("number")).subquery()
        fill = update(new).where(new.c.id == numbered.c.id).values({column.name: numbered.c.number})
        self.operations.execute(fill)

    def _alter(self, old: Column[Any], new: Column[Any]) -> None:
        if isinstance(new.type, ExactDecimal) and repr(new.type) != repr(old.type):
            self.operations.alter_column(self.pair.new.name, new.name, type_=new.type)
        if new.nullable != old.nullable:
            self.operations.alter_column(self.pair.new.name, new.name, nullable=new.nullable)

    def add_parts(self) -> None:
        """Take the prepared constraints and indexes, except foreign keys; what only served the switch goes."""
        table, missing = self.pair.new.name, self.pair.missing.values()
        for constraint in sorted(self.pair.new.constraints, key=lambda found: str(found.name)):
            name = str(constraint.name)
            if name in missing and isinstance(constraint, UniqueConstraint):
                made = self._quote(naming.prepared(name))
                self._run(
                    f"ALTER TABLE {self._quote(table)} ADD CONSTRAINT {self._quote(name)} UNIQUE USING INDEX {made}"
                )
            elif name in missing and isinstance(constraint, CheckConstraint):
                self._rename_constraint(naming.prepared(name), name)
        for index in indexes(self.pair.new):
            if index.name in missing:
                self._rename_index(naming.prepared(str(index.name)), str(index.name))
        remove_from(self._connection, table)

    def add_foreign_keys(self) -> None:
        """Add foreign keys, once all tables have their columns; records that are there are looked at afterwards.

        They fit: the columns are new and empty, or another foreign key has watched over them.
        """
        for constraint in foreign_keys(self.pair.new):
            if constraint.name in self.pair.missing.values():
                constraint.dialect_options["postgresql"]["not_valid"] = True
                self.operations.invoke(AddConstraintOp.from_constraint(constraint))

    def _rename_index(self, former: str, name: str) -> None:
        self._run(f"ALTER INDEX {self._quote(former)} RENAME TO {self._quote(name)}")

    def _rename_constraint(self, former: str, name: str) -> None:
        table = self._quote(self.pair.new.name)
        self._run(f"ALTER TABLE {table} RENAME CONSTRAINT {self._quote(former)} TO {self._quote(name)}")

    @property
    def _connection(self) -> Connection:
        return self.operations.get_bind()

    def _quote(self, name: str) -> str:
        return self._connection.dialect.identifier_preparer.quote(name)

    def _run(self, statement: str) -> None:
        run(self._connection, statement)
