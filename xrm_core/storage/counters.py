"""The counters of sequence numbers, and how many a new one has to step over.

A counter is a row of ``xrm_sequence``. It is made when it is first needed, from the numbers that the records have: so
records may come from anywhere (an older database, an import, a field that was added), and no number comes twice.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Table, case, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.sequence import Sequence
from xrm_core.storage.evolution import Evolution
from xrm_core.storage.system import SEQUENCE

TAKEN_BACK = "xrm_taken_back"
"""Option of a connection whose transaction will be rolled back whatever happens: no number is used up by it."""


class Counter:
    """The counter of one field in one period.

    Args:
        connection: in a write transaction. A gapless counter is held by it until its end.
        table: the entity's.
        entity: whose records are numbered.
        field: which has the sequence.
        period: as :meth:`~xrm_core.metadata.sequence.Sequence.period` gives it.
    """

    def __init__(self, connection: Connection, table: Table, entity: Entity, field: Field, period: str) -> None:
        if field.sequence is None:
            raise TypeError(f"{entity.name}.{field.name} has no sequence")
        self._connection = connection
        self._table = table
        self._field = field
        self._sequence: Sequence = field.sequence
        self._key = {"entity": entity.name, "field": field.name, "period": period}

    def draw(self, count: int) -> int:
        """Take so many numbers at once; answers the first of them."""
        least = self._sequence.start - 1
        last = SEQUENCE.c.last
        with _transaction(self._connection, self._sequence) as connection:
            self._ensure(connection)
            taken = case((last < least, least), else_=last) + count
            return self._set(connection, taken) - count + 1

    def step_over(self, number: int) -> None:
        """A record got this number from elsewhere: the counter goes on behind it."""
        last = SEQUENCE.c.last
        with _transaction(self._connection, self._sequence) as connection:
            self._ensure(connection)
            self._set(connection, case((last < number, literal(number)), else_=last))

    def _set(self, connection: Connection, value: Any) -> int:
        statement = update(SEQUENCE).filter_by(**self._key).values(last=value).returning(SEQUENCE.c.last)
        return int(connection.execute(statement).scalar_one())

    def _ensure(self, connection: Connection) -> None:
        there = connection.scalar(select(SEQUENCE.c.last).filter_by(**self._key))
        if there is None:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            row = {**self._key, "last": self._highest(connection)}
            connection.execute(insert(SEQUENCE).values(row).on_conflict_do_nothing())

    def _highest(self, connection: Connection) -> int:
        """The highest number of this period that any record has; below ``start`` if none has one."""
        column = self._table.c[self._field.columns[0]]
        # Numbers of one period differ in the counter alone: longer ones are higher, of equal ones the later in order.
        # What does not fit the format does not count, so texts are looked at until one fits.
        start = self._sequence.start_of(self._key["period"])
        rows = select(column).where(column >= start, column < f"{start}\U0010ffff")
        rows = rows.order_by(func.length(column).desc(), column.desc()).execution_options(yield_per=200)
        with connection.execute(rows) as found:
            for text in found.scalars():
                number = self._sequence.read(text)
                if number is not None and number[0] == self._key["period"]:
                    return number[1]
        return self._sequence.start - 1


@contextmanager
def _transaction(connection: Connection, sequence: Sequence) -> Iterator[Connection]:
    """Where a counter is moved: in the write itself, or apart from it so that creators do not wait for each other."""
    taken_back = connection.get_execution_options().get(TAKEN_BACK, False)
    if sequence.gapless or taken_back or connection.dialect.name == "sqlite":
        yield connection
        return
    with connection.engine.connect() as own, own.begin():
        yield own


def rename_counters(connection: Connection, evolution: Evolution) -> None:
    """Counters follow their entities and fields to new names. Those of dropped ones stay: no number comes twice."""
    moves: dict[tuple[str, str], tuple[str, str]] = {}
    for pair in evolution.kept:
        for kept in pair.fields.values():
            before, after = (pair.old.name, kept.old.name), (pair.new.name, kept.new.name)
            if kept.new.sequence is not None and before != after:
                moves[before] = after
    # By way of names that nothing has, since two fields may change places.
    for entity, field in moves:
        _rename(connection, {"entity": entity, "field": field}, {"entity": f"~{entity}", "field": field})
    for (entity, field), (new_entity, new_field) in moves.items():
        _rename(connection, {"entity": f"~{entity}", "field": field}, {"entity": new_entity, "field": new_field})


def _rename(connection: Connection, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    connection.execute(update(SEQUENCE).filter_by(**before).values(**after))
