"""Make ahead all that takes time on PostgreSQL: new columns and their values, indexes, constraints.

Each step is a short transaction, or one that holds up nobody, and finds out by itself whether it was done before, by
an applier that was killed. The former model goes on meanwhile and does not see any of it: the names begin with
``xrm_new_``. Towards the end, however, the database begins to refuse what the new model would refuse.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    Index,
    MetaData,
    Table,
    UniqueConstraint,
    literal,
)
from sqlalchemy.schema import CreateIndex, DropIndex

from xrm_core import naming
from xrm_core.storage import misfits_postgresql
from xrm_core.storage.evolution import Evolution, backfill
from xrm_core.storage.exclusive import Turn, run
from xrm_core.storage.fill_postgresql import Refill, fill, keep_in_step
from xrm_core.storage.link_ahead import links_ahead
from xrm_core.storage.misfits_postgresql import watched
from xrm_core.storage.number_ahead import make_numbers, number_of, sequences
from xrm_core.storage.plan import Plan
from xrm_core.storage.prepared import FILL, Prepared
from xrm_core.storage.script import Script, quoted
from xrm_core.storage.table_pair import TablePair, indexes, table_pairs
from xrm_core.storage.tables import Tables
from xrm_core.storage.under_way import change_under_way, note

_TOKEN = re.compile(r"""'(?:[^']|'')*'|"([^"]+)\"""")


def has_work(evolution: Evolution, old: Tables, new: Tables) -> bool:
    """Whether any table that stays is changed."""
    return any(pair.differs for pair in table_pairs(evolution, old, new))


def prepare(turn: Turn, evolution: Evolution, old: Tables, new: Tables, plan: Plan) -> None:
    """Do all of it, or what of it is not yet done. ``plan`` says which values may be lost.

    Raises:
        SchemaChangeRefused: tables stay in use.
        IntegrityError: the data does not allow the new model, or no longer.
    """
    pairs = [pair for pair in table_pairs(evolution, old, new) if pair.differs]
    works = [_Work(turn, pair, _refill(pair), watched(pair, plan)) for pair in pairs]
    for pair in pairs:
        make_numbers(turn, pair)
    for links in links_ahead(evolution, old, new):
        links.make(turn)
    for work in works:
        work.add_columns()
    for work in works:
        work.fill()
    for work in works:
        work.add_indexes()
    for work in works:
        work.add_uniques()
    for work in works:
        work.add_checks()


def _refill(pair: TablePair) -> Refill:
    """The columns whose values are converted, come back from aside, or are numbers."""
    found: dict[str, ColumnElement[Any]] = {}
    for conversion in pair.pair.conversions:
        found |= conversion.values(dict(pair.old.c), "postgresql")
    return found | {name: number_of(pair, name) for name in sequences(pair)}


def _defaults(pair: TablePair) -> Mapping[str, ColumnElement[Any]]:
    values = {name: backfill(field) for name, field in pair.pair.new.fields.items()}
    return {
        name: literal(value, pair.new.columns[name].type)
        for name, value in values.items()
        if value is not None and name in pair.new.columns
    }


class _Work:
    """What is made ahead for one table. The steps are called in the order in which they stand here."""

    def __init__(self, turn: Turn, pair: TablePair, values: Refill, watched: Refill) -> None:
        self.turn, self.pair, self.watched = turn, pair, watched
        self.refill = {**values, **watched}
        self.table = pair.old.name

    def add_columns(self) -> None:
        """New columns, empty or with a default that the database gives to whoever does not know them."""
        self.turn.patiently(self._add_columns)

    def _add_columns(self, connection: Connection) -> None:
        prepared, script, defaults = Prepared(connection), Script(), _defaults(self.pair)
        wanted = []
        for column in self.pair.added:
            # With a constant default of the column no record is rewritten.
            value = None if column.name in self.refill else defaults.get(column.name)
            required = not column.nullable and value is not None
            name = naming.prepared(column.name)
            wanted.append(Column(name, column.type, nullable=not required, server_default=value))
        wanted += misfits_postgresql.columns(self.watched)
        missing = [column for column in wanted if not prepared.has("column", self.table, column.name)]
        for column in missing:
            script.add_column(self.table, column)
        if self.refill and (missing or not prepared.has("trigger", self.table, FILL)):
            keep_in_step(script, self.pair.old, self.refill)
        if missing:
            note(connection, f"Add columns to {self.table}.")
        script.send(connection)

    def fill(self) -> None:
        """Values for the new columns."""
        if not self.refill:
            return
        change = self.turn.patiently(change_under_way)
        position = change.position if change else {}
        after = position.get("after") if position.get("table") == self.table else None
        now = self.pair.staged
        staged = Table(
            now.name,
            MetaData(),
            *(Column(column.name, column.type) for column in now.columns),
            *misfits_postgresql.columns(self.watched),
        )
        fill(self.turn, self.pair.old, staged, self.refill, after)

    def add_indexes(self) -> None:
        """Indexes, while others write."""
        for index in indexes(self.pair.new):
            if index.name in self.pair.missing.values():
                self._index(self.pair.index_now(str(index.name), index))
        for index in misfits_postgresql.indexes(self.table, self.watched):
            self._index(index)

    def add_uniques(self) -> None:
        """Unique indexes, of which the switch makes constraints."""
        for constraint in sorted(self.pair.new.constraints, key=lambda found: str(found.name)):
            if isinstance(constraint, UniqueConstraint) and constraint.name in self.pair.missing.values():
                self._index(self.pair.index_now(str(constraint.name), tuple(constraint.columns.keys())))

    def _index(self, index: Index) -> None:
        name = str(index.name)
        index.dialect_options["postgresql"]["concurrently"] = True
        prepared = self.turn.patiently(Prepared)
        if prepared.is_ready("index", self.table, name):
            return
        if prepared.has("index", self.table, name):  # what a killed applier left
            self.turn.concurrently(DropIndex(index))
        self.turn.patiently(lambda connection: note(connection, f"Build the index {name} of {self.table}."))
        self.turn.concurrently(CreateIndex(index))

    def add_checks(self) -> None:
        """Checks and the ban of empty values: first for new records only, then the others are looked through."""
        for name, condition in self._checks():
            self._check(name, condition)

    def _checks(self) -> Iterator[tuple[str, str]]:
        for constraint in sorted(self.pair.new.constraints, key=lambda found: str(found.name)):
            if isinstance(constraint, CheckConstraint) and constraint.name in self.pair.missing.values():
                yield str(constraint.name), self._now(str(constraint.sqltext))
        # Records that come before the switch get their numbers there.
        filled = self.refill.keys() - self.watched.keys() - sequences(self.pair).keys()
        required = sorted(name for name in filled if not self.pair.new.columns[name].nullable)
        for name in (*self.pair.tightened, *required):
            yield naming.not_null(self.pair.new.name, name), self._now(f'"{name}" IS NOT NULL')

    def _now(self, condition: str) -> str:
        """A condition with the columns' names until the switch; words in single quotes are values."""
        return _TOKEN.sub(
            lambda found: f'"{self.pair.name_now(found[1])}"' if found[1] else found[0],
            condition,
        )

    def _check(self, name: str, condition: str) -> None:
        prepared = self.turn.patiently(Prepared)
        name = naming.prepared(name)
        if prepared.is_ready("constraint", self.table, name):
            return

        def add(connection: Connection) -> None:
            head = f"ALTER TABLE {quoted(self.table)}"
            run(connection, f"{head} ADD CONSTRAINT {quoted(name)} CHECK ({condition}) NOT VALID")
            note(connection, f"Look through {self.table} for what {name} would refuse.")

        if not prepared.has("constraint", self.table, name):
            self.turn.patiently(add)
        self.turn.patiently(lambda connection: validate(connection, self.table, name))


def validate(connection: Connection, table: str, constraint: str) -> None:
    """Look through a table for what a constraint refuses, while others read and write."""
    run(connection, f"ALTER TABLE {quoted(table)} VALIDATE CONSTRAINT {quoted(constraint)}")
