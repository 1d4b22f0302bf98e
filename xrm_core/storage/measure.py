"""What a schema change would meet in the data: counts and a few samples, read from the applied tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, true

from xrm_core.metadata.model import Entity, Field, Model
from xrm_core.storage.tables import Tables

SAMPLES = 5
"""How many records are shown for an operation."""


@dataclass(frozen=True)
class Found:
    """How many records, and some of them."""

    rows: int = 0
    samples: tuple[Mapping[str, Any], ...] = ()


class Measure:
    """Asks the tables of the applied model. ``model`` is None if there are none yet."""

    def __init__(self, connection: Connection, model: Model | None) -> None:
        self._connection = connection
        self._tables = Tables(model or Model({}))

    def column(self, entity: Entity, name: str) -> ColumnElement[Any]:
        """A column of an entity's table."""
        return self._tables[entity.name].c[name]

    def rows(self, entity: Entity) -> int:
        """All records of an entity."""
        return self._count(entity, true())

    def filled(self, entity: Entity, columns: Sequence[str]) -> Found:
        """Records with a value in any of the columns."""
        return self.matching(entity, or_(*(self.column(entity, name).is_not(None) for name in columns)), columns)

    def empty(self, entity: Entity, field: Field) -> Found:
        """Records without a value for the field."""
        return self.matching(
            entity, and_(*(self.column(entity, name).is_(None) for name in field.columns)), field.columns
        )

    def matching(self, entity: Entity, condition: ColumnElement[bool], columns: Sequence[str]) -> Found:
        """Records that meet the condition; samples show the first value in ``columns``."""
        rows = self._count(entity, condition)
        if not rows:
            return Found()
        value = func.coalesce(*(self.column(entity, name) for name in columns), None)
        value.type = self.column(entity, columns[0]).type
        key = self.column(entity, "id")
        chosen = select(key, value).where(condition).order_by(key).limit(SAMPLES)
        return Found(
            rows, tuple({"id": id_, "value": _plain(found)} for id_, found in self._connection.execute(chosen))
        )

    def duplicates(self, entity: Entity, columns: Sequence[str]) -> Found:
        """Records that share their values in all of the columns with another one; empty values are never equal."""
        key = [self.column(entity, name) for name in columns]
        filled = and_(*(column.is_not(None) for column in key))
        groups = select(*key, func.count().label("records")).where(filled).group_by(*key).having(func.count() > 1)
        rows = self._connection.scalar(select(func.sum(groups.subquery().c.records)))
        if not rows:
            return Found()
        found = self._connection.execute(groups.order_by(*key).limit(SAMPLES))
        return Found(
            int(rows), tuple({"value": [_plain(value) for value in row[:-1]], "records": row[-1]} for row in found)
        )

    def records(self, entity: Entity) -> Found:
        """All records, with a few ids."""
        return self.matching(entity, true(), ("id",))

    def _count(self, entity: Entity, condition: ColumnElement[bool]) -> int:
        counted = select(func.count()).select_from(self._tables[entity.name]).where(condition)
        return self._connection.scalar(counted) or 0


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value
