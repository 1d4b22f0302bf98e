"""The tables before and after a change as they are in the database: those of the model, and what is aside in them."""

from collections.abc import Callable, Iterable

from sqlalchemy import Column, Connection, PrimaryKeyConstraint, Table

from xrm_core import naming
from xrm_core.metadata.model import Entity, Model
from xrm_core.storage.applied import model_before
from xrm_core.storage.asides import Aside, read_asides
from xrm_core.storage.columns import column_type
from xrm_core.storage.evolution import Evolution
from xrm_core.storage.tables import Tables

Before = Callable[[int], Model]
"""Number of a change → the model before it."""


class TablesWithAsides(Tables):
    """Tables of a model, to which is added what is aside. A table that is aside goes by its name there."""

    def __init__(self, model: Model, asides: Iterable[Aside], before: Before) -> None:
        super().__init__(model)
        found = tuple(asides)
        for aside in found:
            if aside.whole_table:
                self._by_entity[aside.table] = self._bare(aside, before(aside.change)[aside.entity])
        by_name = {table.name: table for table in self._by_entity.values()}
        for aside in found:
            if not aside.whole_table:
                entity = before(aside.change)[aside.entity]
                type_ = next(
                    column_type(field, aside.column) for field in entity.all_fields() if aside.column in field.columns
                )
                by_name[aside.table].append_column(Column(aside.name, type_, nullable=True))

    def _bare(self, aside: Aside, entity: Entity) -> Table:
        """A table without any constraint but its key."""
        columns = [
            Column(name, column_type(field, name), nullable=name != "id")
            for field in entity.all_fields()
            for name in field.columns
        ]
        key = PrimaryKeyConstraint("id", name=naming.bounded(f"pk_{aside.table}"))
        return Table(aside.table, self.metadata, *columns, key, sqlite_strict=True)


def present_tables(connection: Connection, evolution: Evolution) -> Tables:
    """What there is before an evolution."""
    return TablesWithAsides(evolution.old or Model({}), evolution.asides, models_before(connection, evolution))


def wanted_tables(connection: Connection, evolution: Evolution) -> Tables:
    """What there shall be afterwards."""
    return TablesWithAsides(evolution.new, evolution.remaining, models_before(connection, evolution))


def current_tables(connection: Connection, model: Model) -> Tables:
    """The tables of an applied model with what is aside."""
    return present_tables(connection, Evolution(model, model, read_asides(connection)))


def models_before(connection: Connection, evolution: Evolution) -> Before:
    """The models before all changes, the one that is to come included; each is read once for an evolution."""

    def before(change: int) -> Model:
        if change not in evolution.models:
            evolution.models[change] = model_before(connection, change)
        return evolution.models[change]

    return before
