"""Numbers for the records of a table that gets a sequence on PostgreSQL: made ahead, so that nobody waits for them.

A table beside has the number of each record that is there when it is made; a function looks one up, and the usual
filling (:mod:`xrm_core.storage.fill_postgresql`) writes it. Records that come meanwhile are numbered at the switch.
"""

from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, MetaData, Table, Text, func, select, text, update

from xrm_core import naming
from xrm_core.metadata.sequence import Sequence
from xrm_core.storage.columns import Id
from xrm_core.storage.exclusive import Turn, run
from xrm_core.storage.numbering import numbers, period
from xrm_core.storage.prepared import Prepared
from xrm_core.storage.script import DIALECT, quoted
from xrm_core.storage.table_pair import TablePair


def sequences(pair: TablePair) -> dict[str, Sequence]:
    """New column → its sequence, for columns whose values do not come back from aside."""
    restored = {
        name for conversion in pair.pair.conversions for name in conversion.values(dict(pair.old.c), "postgresql")
    }
    found = {column.name: pair.pair.new.fields.get(column.name) for column in pair.added}
    return {
        name: field.sequence
        for name, field in found.items()
        if field is not None and field.sequence is not None and name not in restored
    }


def number_of(pair: TablePair, column: str) -> ColumnElement[Any]:
    """The number of a record of the old table, or empty if it came later."""
    found: ColumnElement[Any] = getattr(func, _name(pair, column))(pair.old.c.id, type_=Text())
    return found


def make_numbers(turn: Turn, pair: TablePair) -> None:
    """Make the tables of numbers that are not there yet, from one look at the records."""
    for column, sequence in sequences(pair).items():
        turn.patiently(lambda connection, column=column, sequence=sequence: _make(connection, pair, column, sequence))  # type: ignore[misc]


def number_the_rest(connection: Connection, pair: TablePair) -> None:
    """At the switch: numbers for the records that came after the table of numbers was made."""
    for column, sequence in sequences(pair).items():
        new, beside = pair.new, _table(pair, column)
        records = new.alias()
        same = beside.c.period == period(sequence, records, connection)
        before = select(func.count()).select_from(beside).where(same).scalar_subquery()
        text_of = numbers(sequence, records, connection, after=before)
        later = select(records.c.id, text_of.label("number")).where(records.c[column].is_(None)).subquery()
        connection.execute(update(new).where(new.c.id == later.c.id).values({column: later.c.number}))


def _make(connection: Connection, pair: TablePair, column: str, sequence: Sequence) -> None:
    name = _name(pair, column)
    if Prepared(connection).has("table", "", name):
        return
    records = pair.old.alias()
    found = select(
        records.c.id,
        numbers(sequence, records, connection).label("number"),
        period(sequence, records, connection).label("period"),
    )
    query = found.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True})
    table = quoted(name)
    run(connection, f"CREATE UNLOGGED TABLE {table} AS {query}")
    run(connection, f"ALTER TABLE {table} ADD PRIMARY KEY (id)")
    run(
        connection,
        f"CREATE OR REPLACE FUNCTION {table}(uuid) RETURNS text LANGUAGE sql STABLE "
        f"AS 'SELECT number FROM {table} WHERE id = $1'",
    )
    connection.execute(text(f"ANALYZE {table}"))


def _name(pair: TablePair, column: str) -> str:
    return naming.prepared(f"number_{pair.new.name}_{column}")


def _table(pair: TablePair, column: str) -> Table:
    return Table(
        _name(pair, column), MetaData(), Column("id", Id()), Column("number", Text()), Column("period", Text())
    )
