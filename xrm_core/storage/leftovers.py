"""Values that a change of type could not convert: they are aside and can be seen until ``xrm schema contract``."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Table, select

from xrm_core.metadata.model import Model
from xrm_core.storage.applied import current_model
from xrm_core.storage.aside_tables import present_tables
from xrm_core.storage.asides import Asides, read_asides
from xrm_core.storage.conversions import Conversion
from xrm_core.storage.evolution import EntityPair, Evolution, FieldPair
from xrm_core.storage.history import way_of


@dataclass(frozen=True)
class Leftover:
    """A value that was not converted by change number ``change``; ``entity`` and ``field`` are as after it."""

    change: int
    entity: str
    field: str
    id: str
    value: Any

    def to_json(self) -> dict[str, Any]:
        """All values by name."""
        return dict(vars(self))


def leftovers(connection: Connection) -> Iterator[Leftover]:
    """All of them, by change, entity, field and id."""
    asides = read_asides(connection)
    model = current_model(connection) or Model({})
    tables = present_tables(connection, Evolution(model, model, asides))
    by_name = {table.name: table for table in tables.metadata.tables.values()}
    for change in sorted({aside.change for aside in asides if not aside.whole_table}):
        for pair in way_of(connection, change).kept:
            for kept in pair.fields.values():
                if kept.conversion is not None:
                    yield from _of_field(connection, asides, by_name, change, pair, kept, kept.conversion)


def _of_field(
    connection: Connection,
    asides: Asides,
    tables: dict[str, Table],
    change: int,
    pair: EntityPair,
    kept: FieldPair,
    conversion: Conversion,
) -> Iterator[Leftover]:
    found = {aside.column: aside for aside in asides.of(change) if aside.entity == pair.old.name}
    if not all(name in found for name in conversion.sources):
        return
    table = tables[found[conversion.sources[0]].table]
    columns = {name: table.c[found[name].name] for name in conversion.sources}
    misfit = conversion.misfit(columns, connection.dialect.name)
    value = columns[conversion.sources[0]]
    for row in connection.execute(select(table.c.id, value).where(misfit).order_by(table.c.id)):
        text = str(row[1]) if isinstance(row[1], Decimal) else row[1]
        yield Leftover(change, pair.new.name, kept.new.name, row[0], text)
