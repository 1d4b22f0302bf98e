"""The switch to a new model on PostgreSQL: one short transaction that changes nothing but the catalogue.

What takes time was made ahead (``prepare_postgresql``). Here it gets its names, and what the new model has not goes.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import CheckConstraint, Column, Connection, UniqueConstraint, text

from xrm_core import naming
from xrm_core.metadata.model import Model
from xrm_core.storage.columns import ExactDecimal
from xrm_core.storage.ddl import add_constraint, create_index, create_table
from xrm_core.storage.evolution import Evolution
from xrm_core.storage.exclusive import Turn
from xrm_core.storage.link_ahead import links_ahead
from xrm_core.storage.linking import became_many, make_links, unmake_links
from xrm_core.storage.mending import mend
from xrm_core.storage.misfits_postgresql import refuse, watched
from xrm_core.storage.number_ahead import number_the_rest
from xrm_core.storage.plan import Plan
from xrm_core.storage.prepare_postgresql import validate
from xrm_core.storage.prepared import FILL, Prepared, removal, removal_of_helpers
from xrm_core.storage.script import DIALECT, Script, quoted
from xrm_core.storage.switch_locks import lock
from xrm_core.storage.table_pair import TablePair, foreign_keys, indexes, table_pairs
from xrm_core.storage.tables import Tables


def change(connection: Connection, evolution: Evolution, old: Tables, new: Tables, plan: Plan) -> None:
    """Bring the tables ``old`` to ``new`` in a transaction. ``plan`` says which values may be lost.

    The tables are locked as late as can be: everything is thought out before.

    Raises:
        OperationalError: a table is in use.
        IntegrityError, NoLongerFits: the data is not as the plan thought.
    """
    pairs = [pair for pair in table_pairs(evolution, old, new) if pair.differs]
    prepared = Prepared(connection)
    first, second, third = Script(), Script(), Script()
    kept = [_TableChange(pair, prepared) for pair in pairs]
    ahead = {links.linked.link.name: links for links in links_ahead(evolution, old, new)}
    for links in ahead.values():
        links.stop(first)
    for table in kept:
        table.drop_parts(first, foreign_keys=True)
    for table in kept:
        table.drop_parts(first, foreign_keys=False)
        table.rename(first)
    for entity in evolution.created:
        if entity.name in ahead:
            ahead[entity.name].take(first)
            continue
        first.add(create_table(new[entity.name], DIALECT))
        for index in indexes(new[entity.name]):
            first.add(create_index(index, DIALECT))
    for table in kept:
        table.take_columns(first)
        table.change_columns(second)
        table.add_parts(second)
    for table in kept:
        table.add_foreign_keys(third)
    for entity in evolution.created:
        for constraint in foreign_keys(new[entity.name]):
            if entity.name in ahead:  # as in add_foreign_keys: another foreign key has watched over the records
                constraint.dialect_options["postgresql"]["not_valid"] = True
            third.add(add_constraint(constraint, DIALECT))
    for statement in removal_of_helpers(prepared, {links.name for links in ahead.values()}):
        third.add(statement)
    lock(connection, evolution, pairs, old, new, beside=[links.name for links in ahead.values()])
    for pair in pairs:
        refuse(connection, pair.old.name, watched(pair, plan))
    unmake_links(connection, evolution, old)
    first.send(connection)
    for pair in pairs:
        number_the_rest(connection, pair)
    second.send(connection)
    for each in became_many(evolution):
        if each.link.name not in ahead:
            make_links(connection, each, evolution, new)
    mend(connection, evolution, new)
    third.send(connection)


def finish(turn: Turn, model: Model) -> None:
    """Look through tables for what new foreign keys refuse, which is nothing, so that the database knows it."""
    names = {naming.table(entity.name) for entity in model}
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

    pair: TablePair
    prepared: Prepared

    def drop_parts(self, script: Script, *, foreign_keys: bool) -> None:
        """Drop what the new table does not have; the foreign keys of all tables come first."""
        for part, name in self.pair.old_parts.items():
            if part in self.pair.new_parts or (part.kind == "foreign key") is not foreign_keys:
                continue
            if part.kind == "index":
                script.operations.drop_index(name, self.pair.old.name)
            else:
                script.operations.drop_constraint(name, self.pair.old.name)

    def rename(self, script: Script) -> None:
        """New names for the table, its columns and the parts that stay; columns that go make room first."""
        old, new = self.pair.old, self.pair.new
        if old.name != new.name:
            script.operations.rename_table(old.name, new.name)
        for column in old.columns:
            if column.name not in self.pair.columns.values():
                script.operations.drop_column(new.name, column.name)
        for name, former in self.pair.columns.items():
            if name != former:
                script.operations.alter_column(new.name, former, new_column_name=name)
        for part, former in self.pair.old_parts.items():
            name = self.pair.new_parts.get(part, former)
            if name == former:
                continue
            if part.kind == "index":
                _rename_index(script, former, name)
            else:
                self._rename_constraint(script, former, name)

    def take_columns(self, script: Script) -> None:
        """Give the prepared columns their names; the trigger that fills them knows the former ones only."""
        if self.prepared.has("trigger", self.pair.old.name, FILL):
            script.add(f"DROP TRIGGER {FILL} ON {quoted(self.pair.new.name)}")
        for column in self.pair.added:
            now = naming.prepared(column.name)
            script.operations.alter_column(self.pair.new.name, now, new_column_name=column.name)

    def change_columns(self, script: Script) -> None:
        """Change what columns allow. Defaults are set at the write door, not in the database."""
        table = self.pair.new.name
        for column in self.pair.added:
            script.operations.alter_column(table, column.name, nullable=column.nullable, server_default=None)
        for name, former in self.pair.columns.items():
            self._alter(script, self.pair.old.columns[former], self.pair.new.columns[name])

    def _alter(self, script: Script, old: Column[Any], new: Column[Any]) -> None:
        if isinstance(new.type, ExactDecimal) and repr(new.type) != repr(old.type):
            script.operations.alter_column(self.pair.new.name, new.name, type_=new.type)
        if new.nullable != old.nullable:
            script.operations.alter_column(self.pair.new.name, new.name, nullable=new.nullable)

    def add_parts(self, script: Script) -> None:
        """Take the prepared constraints and indexes, except foreign keys; what only served the switch goes."""
        table, missing = self.pair.new.name, self.pair.missing.values()
        taken = {naming.prepared(column.name) for column in self.pair.added}
        for constraint in sorted(self.pair.new.constraints, key=lambda found: str(found.name)):
            name = str(constraint.name)
            if name not in missing:
                continue
            now = naming.prepared(name)
            if isinstance(constraint, UniqueConstraint):
                taken.add(now)
                made, wanted = quoted(now), quoted(name)
                script.add(f"ALTER TABLE {quoted(table)} ADD CONSTRAINT {wanted} UNIQUE USING INDEX {made}")
            elif isinstance(constraint, CheckConstraint):
                taken.add(now)
                self._rename_constraint(script, now, name)
        for index in indexes(self.pair.new):
            if index.name in missing:
                now = naming.prepared(str(index.name))
                taken.add(now)
                _rename_index(script, now, str(index.name))
        for statement in removal(self.prepared, self.pair.old.name, table, taken):
            script.add(statement)

    def add_foreign_keys(self, script: Script) -> None:
        """Add foreign keys, once all tables have their columns; records that are there are looked at afterwards.

        They fit: the columns are new and empty, or another foreign key has watched over them.
        """
        for constraint in foreign_keys(self.pair.new):
            if constraint.name in self.pair.missing.values():
                constraint.dialect_options["postgresql"]["not_valid"] = True
                script.add(add_constraint(constraint, DIALECT))

    def _rename_constraint(self, script: Script, former: str, name: str) -> None:
        script.add(f"ALTER TABLE {quoted(self.pair.new.name)} RENAME CONSTRAINT {quoted(former)} TO {quoted(name)}")


def _rename_index(script: Script, former: str, name: str) -> None:
    script.add(f"ALTER INDEX {quoted(former)} RENAME TO {quoted(name)}")
