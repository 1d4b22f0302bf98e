"""What changes of the model have put aside: columns and tables that are kept until ``xrm schema contract``.

Why nothing is destroyed by a change is told in ``docs/adr/0017-asides-and-undo.md``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, inspect, select

from xrm_core import naming
from xrm_core.storage.system import ASIDE, MODEL


@dataclass(frozen=True)
class Aside:
    """A column, or a whole table if ``column`` is empty, as change number ``change`` found it and where it is now.

    ``entity`` and ``column`` are its names in the model before that change; ``table`` and ``name`` are those in the
    database now, where ``name`` is empty for a table.
    """

    change: int
    entity: str
    column: str
    table: str
    name: str

    @property
    def whole_table(self) -> bool:
        """True for the table of an entity, False for a column."""
        return not self.column


@dataclass(frozen=True)
class Asides:
    """All that is aside. ``number`` is that of the change which comes next."""

    found: tuple[Aside, ...] = ()
    number: int = 1

    def __iter__(self) -> Iterator[Aside]:
        return iter(self.found)

    def of(self, change: int) -> tuple[Aside, ...]:
        """What one change has put aside."""
        return tuple(aside for aside in self.found if aside.change == change)

    def in_table(self, table: str) -> tuple[Aside, ...]:
        """The columns that are aside in a table, which may be aside itself."""
        return tuple(aside for aside in self.found if aside.table == table and not aside.whole_table)

    def column(self, entity: str, column: str, table: str) -> Aside:
        """A column that the next change puts aside."""
        return Aside(self.number, entity, column, table, naming.aside(self.number, column))


def read_asides(connection: Connection) -> Asides:
    """All that is aside in this database."""
    if not inspect(connection).has_table(ASIDE.name):
        return Asides()
    number = (connection.scalar(select(func.max(MODEL.c.id))) or 0) + 1
    rows = connection.execute(select(ASIDE).order_by(ASIDE.c.id))
    return Asides(tuple(Aside(row.change_id, row.entity, row.former, row.place, row.name) for row in rows), number)


def write_asides(connection: Connection, asides: Iterable[Aside]) -> None:
    """Note that these are aside from now on, and no others."""
    connection.execute(delete(ASIDE))
    for number, aside in enumerate(asides, 1):
        values = {"former": aside.column, "place": aside.table, "name": aside.name, "entity": aside.entity}
        connection.execute(insert(ASIDE).values(id=number, change_id=aside.change, **values))
