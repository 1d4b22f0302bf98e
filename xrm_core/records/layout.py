"""Where the values of a record stand in the row of its table: worked out once for all new records of an entity."""

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect

from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.types import FieldType
from xrm_core.records.stored import Record
from xrm_core.storage.driver_statements import Call
from xrm_core.storage.rows import Row, Rows
from xrm_core.storage.tables import Tables


class Layout:
    """Writes new records of one entity.

    Args:
        kind: the entity.
        tables: of its model.
        dialect: of the database.
    """

    def __init__(self, kind: Entity, tables: Tables, dialect: Dialect) -> None:
        places = {column: (name, part) for column, name, part in _places(kind)}
        self._rows = Rows(tables[kind.name], list(places), dialect)
        of_columns = [places[column] for column in self._rows.columns]
        self._pick = itemgetter(*(name for name, _ in of_columns))
        self._made = [
            (place, part, process)
            for place, ((name, part), process) in enumerate(zip(of_columns, self._rows.processors, strict=True))
            if part is not None or (process is not None and not _has_its_form(kind.field(name)))
        ]

    def write(self, connection: Connection, records: Sequence[Record]) -> None:
        """Insert records that have a value, or None, for each field that is stored, in their canonical form.

        Raises:
            DBAPIError: what the database has against them (IntegrityError).
        """
        self._rows.write(connection, map(self._row, records), len(records))

    def call(self, record: Record) -> Call:
        """The same for one record, to be run together with other statements."""
        return self._rows.call(self._row(record))

    def _row(self, record: Record) -> tuple[Any, ...]:
        picked: Row = self._pick(record)
        if not self._made:
            return picked
        row = list(picked)
        for place, part, process in self._made:
            value = row[place]
            if value is not None:
                if part is not None:
                    value = value.get(part)
                if process is not None and value is not None:
                    value = process(value)
                row[place] = value
        return tuple(row)


def layout(kind: Entity, tables: Tables, dialect: Dialect) -> Layout:
    """The layout of an entity, made once."""
    return tables.statements.get(("layout", dialect.name, kind.name), lambda: Layout(kind, tables, dialect))


def _has_its_form(field: Field | None) -> bool:
    """Whether the canonical form of a field's values is that of its column on SQLite, and PostgreSQL takes it, too."""
    return field is not None and not field.system and field.type in (FieldType.UUID, FieldType.RELATION)


def _places(kind: Entity) -> Iterator[tuple[str, str, str | None]]:
    """Column, field, and the key of the value in it for fields that take several columns."""
    for field in kind.all_fields():
        if field.virtual:
            continue
        if field.type is FieldType.MONEY:
            yield from ((part.columns[0], field.name, name) for name, part in field.parts.items())
        elif field.relation is not None and field.relation.polymorphic:
            for target, column in zip(field.relation.targets, field.columns, strict=True):
                yield column, field.name, target
        else:
            yield field.columns[0], field.name, None
