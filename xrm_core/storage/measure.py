"""What a schema change would meet in the data: counts and a few samples, read from the applied tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Text, and_, func, inspect, literal, or_, select, text, true
from sqlalchemy.exc import DBAPIError

from xrm_core.metadata.model import Entity
from xrm_core.storage.evolution import EntityPair
from xrm_core.storage.tables import Tables
from xrm_core.storage.trash_tables import TRASH
from xrm_core.storage.vault_tables import VAULT

SAMPLES = 5
"""How many records are shown for an operation."""


@dataclass(frozen=True)
class Found:
    """How many records, and some of them."""

    rows: int = 0
    samples: tuple[Mapping[str, Any], ...] = ()


class Measure:
    """Asks the tables before a change; what is aside counts among them."""

    def __init__(self, connection: Connection, tables: Tables) -> None:
        self._connection = connection
        self._tables = tables

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._connection.dialect.name

    def table(self, entity: str) -> Table:
        """The table of an entity before the change."""
        return self._tables[entity]

    def column(self, entity: Entity, name: str) -> ColumnElement[Any]:
        """A column of an entity's table."""
        return self._tables[entity.name].c[name]

    def value(self, pair: EntityPair, column: str) -> ColumnElement[Any] | None:
        """What a column of the new table will have, but for defaults; None if that is nothing in all records."""
        table = self._tables[pair.old.name]
        if column in pair.columns:
            return table.c[pair.columns[column]]
        for conversion in pair.conversions:
            if column in conversion.targets:
                return conversion.converted(dict(table.c), self.dialect)[column]
        return None

    def size(self, entity: Entity) -> int:
        """Bytes that a table takes with its indexes, as far as the database says; 0 if it does not."""
        name = self._tables[entity.name].name
        if self.dialect == "postgresql":
            size = select(func.pg_total_relation_size(func.to_regclass(func.quote_ident(literal(name, Text())))))
            return int(self._connection.scalar(size) or 0)
        try:
            found = self._connection.execute(text("SELECT sum(pgsize) FROM dbstat WHERE name = :name"), {"name": name})
            return int(found.scalar() or 0)
        except DBAPIError:
            return 0  # this SQLite was built without the table of sizes

    def rows(self, entity: Entity) -> int:
        """All records of an entity."""
        return self.count(entity, true())

    def filled(self, entity: Entity, columns: Sequence[str]) -> Found:
        """Records with a value in any of the columns."""
        return self.matching(entity, or_(*(self.column(entity, name).is_not(None) for name in columns)), columns)

    def set_aside(self, entity: Entity, columns: Sequence[str]) -> int:
        """Records in the trash with a value in any of the columns, and all in the vault: nobody sees what they have."""
        names = [entity.name, *([entity.renamed_from] if entity.renamed_from else [])]
        count = 0
        if inspect(self._connection).has_table(TRASH.name):
            kept = self._connection.scalars(select(TRASH.c.record).where(TRASH.c.entity.in_(names)))
            count += sum(any(values.get(each) is not None for values in by.values() for each in columns) for by in kept)
        if inspect(self._connection).has_table(VAULT.name):
            there = select(func.count()).select_from(VAULT).where(VAULT.c.entity.in_(names))
            count += self._connection.scalar(there) or 0
        return count

    def empty(self, entity: Entity, columns: Sequence[str]) -> Found:
        """Records without a value in all of the columns."""
        return self.matching(entity, and_(*(self.column(entity, name).is_(None) for name in columns)), columns)

    def matching(self, entity: Entity, condition: ColumnElement[bool], columns: Sequence[str]) -> Found:
        """Records that meet the condition; samples show the first value in ``columns``."""
        values = [self.column(entity, name) for name in columns]
        alike = [value for value in values if type(value.type) is type(values[0].type)]  # of money, the amount
        return self.matching_values(entity, condition, alike)

    def matching_values(
        self, entity: Entity, condition: ColumnElement[bool], values: Sequence[ColumnElement[Any]]
    ) -> Found:
        """The same with any values for the samples."""
        rows = self.count(entity, condition)
        if not rows:
            return Found()
        value = func.coalesce(*values, None)
        value.type = values[0].type
        key = self.column(entity, "id")
        chosen = select(key, value).where(condition).order_by(key).limit(SAMPLES)
        return Found(
            rows, tuple({"id": id_, "value": _plain(found)} for id_, found in self._connection.execute(chosen))
        )

    def duplicates(self, values: Sequence[ColumnElement[Any]]) -> Found:
        """Records that share all of the values with another one; empty values are never equal."""
        key = [value.label(f"value_{number}") for number, value in enumerate(values)]
        filled = and_(*(value.is_not(None) for value in values))
        groups = select(*key, func.count().label("records")).where(filled).group_by(*values).having(func.count() > 1)
        rows = self._connection.scalar(select(func.sum(groups.subquery().c.records)))
        if not rows:
            return Found()
        found = self._connection.execute(groups.order_by(*values).limit(SAMPLES))
        return Found(
            int(rows), tuple({"value": [_plain(value) for value in row[:-1]], "records": row[-1]} for row in found)
        )

    def records(self, entity: Entity) -> Found:
        """All records, with a few ids."""
        return self.matching(entity, true(), ("id",))

    def count(self, entity: Entity, condition: ColumnElement[bool]) -> int:
        """How many records meet the condition."""
        counted = select(func.count()).select_from(self._tables[entity.name]).where(condition)
        return self._connection.scalar(counted) or 0


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value
