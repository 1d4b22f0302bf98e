"""References that come back from aside: what they refer to may be gone by now, or another reference be set instead.

Such a reference is emptied. A record of a table that comes back as a whole goes if it must refer to something: it would
have been deleted with what it refers to, had it been there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, or_, update

from xrm_core.metadata.model import Field
from xrm_core.storage.evolution import EntityPair, Evolution
from xrm_core.storage.tables import Tables


@dataclass(frozen=True)
class Returning:
    """A column of a relation that comes back: ``column`` in the new model, ``former`` in the tables before."""

    pair: EntityPair
    field: Field
    column: str
    former: str
    target: str

    def gone(self, value: ColumnElement[Any], target: Table) -> ColumnElement[bool]:
        """The condition of records whose reference, with this value, leads nowhere."""
        there = target.alias("there")
        return and_(value.is_not(None), ~exists().where(there.c.id == value))

    def replaced(self, table: Table) -> ColumnElement[bool] | None:
        """The condition of records that refer to something else by now; None if that cannot be."""
        names = self.pair.columns
        others = [table.c[names[name]] for name in self.field.columns if name != self.column and name in names]
        column = table.c[self.former]
        return and_(column.is_not(None), or_(*(other.is_not(None) for other in others))) if others else None


def returning(evolution: Evolution) -> Iterator[Returning]:
    """The columns of relations that come back by going back."""
    if evolution.undone is None:
        return
    back = {(aside.table, aside.name) for aside in evolution.asides.of(evolution.undone) if not aside.whole_table}
    for pair in evolution.pairs:
        restored = pair.new in evolution.restored
        converted = {name for conversion in pair.conversions for name in conversion.targets}
        for field in pair.new.fields.values():
            if field.relation is None:
                continue
            for column, target in zip(field.columns, field.relation.targets, strict=True):
                former = pair.columns.get(column)
                if restored or (pair.old.name, former) in back or column in converted:
                    yield Returning(pair, field, column, former or column, target)


def make_room(connection: Connection, evolution: Evolution, old: Tables) -> None:
    """Forget references that come back to records that refer to something else by now, in the tables as they are."""
    for each in returning(evolution):
        table = old[each.pair.old.name]
        if each.pair.new in evolution.restored or each.former not in table.c:
            continue
        replaced = each.replaced(table)
        if replaced is not None:
            connection.execute(update(table).where(replaced).values({each.former: None}))


def mend(connection: Connection, evolution: Evolution, new: Tables) -> None:
    """Empty or remove what leads nowhere, in the tables as they are after the change, before foreign keys watch."""
    found = list(returning(evolution))
    changed = True
    while changed:
        changed = any(_mended(connection, evolution, each, new) for each in found)


def _mended(connection: Connection, evolution: Evolution, each: Returning, new: Tables) -> bool:
    table = new[each.pair.new.name]
    gone = each.gone(table.c[each.column], new[each.target])
    statement: Any = update(table).where(gone).values({each.column: None})
    if each.field.required and each.pair.new in evolution.restored:
        statement = delete(table).where(gone)
    return bool(connection.execute(statement).rowcount)
