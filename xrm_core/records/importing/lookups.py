"""What the database already has: targets of relations, and values that must be unique. One query for many rows."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, select, tuple_

from xrm_core.metadata.model import Entity
from xrm_core.records.importing.candidates import Candidate
from xrm_core.records.importing.mapping import Column
from xrm_core.storage.tables import Tables

_CHUNK = 5000
"""Values in one query; PostgreSQL takes 65 535, SQLite 32 766."""


def find_targets(connection: Connection, tables: Tables, column: Column, named: Mapping[str, Any]) -> dict[str, str]:
    """Ids of the records that a relation column names: text in the file → id. Missing ones are left out."""
    assert column.key is not None  # noqa: S101 - for mypy; only relation columns are looked up
    table = tables[column.key.entity]
    key = table.c[column.key.field.name]
    ids: dict[Any, str] = {}
    for values in _chunks(set(named.values())):
        ids.update((value, id_) for value, id_ in connection.execute(select(key, table.c.id).where(key.in_(values))))
    return {text: ids[value] for text, value in named.items() if value in ids}


class UniqueValues:
    """The unique fields of one entity, alone or together, and who has which value of them."""

    def __init__(self, connection: Connection, tables: Tables, entity: Entity) -> None:
        self._connection = connection
        self._table = tables[entity.name]
        self._entity = entity
        fields = entity.fields
        single = [(name,) for name, field in fields.items() if field.unique]
        # A polymorphic relation has several columns; the database alone watches over it.
        self._sets = [
            names
            for names in (*single, *entity.unique_together)
            if all(len(fields[name].columns) == 1 for name in names)
        ]
        self._lines: dict[tuple[str, ...], dict[tuple[Any, ...], int]] = {names: {} for names in self._sets}

    def blame_repeated(self, candidate: Candidate, columns: Mapping[str, str]) -> None:
        """Find a value that an earlier row of the file has. Call it once for each row, in the order of the file."""
        for names in self._sets:
            values = self._values(candidate, names)
            first = candidate.line if values is None else self._lines[names].setdefault(values, candidate.line)
            if first != candidate.line:
                self._blame(candidate, names, columns, f"line {first} has")

    def blame_existing(self, candidates: Sequence[Candidate], columns: Mapping[str, str]) -> None:
        """Find values that records in the database have: one query for each unique field."""
        for names in self._sets:
            wanted = {values for each in candidates if (values := self._values(each, names)) is not None}
            existing = self._existing(names, wanted) if wanted else frozenset()
            for candidate in candidates:
                if existing and self._values(candidate, names) in existing:
                    self._blame(candidate, names, columns, f"a {self._entity.name} in the database has")

    def _existing(self, names: tuple[str, ...], wanted: set[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
        columns = [self._table.c[self._entity.fields[name].columns[0]] for name in names]
        alone = len(columns) == 1
        condition = columns[0].in_([values[0] for values in wanted]) if alone else tuple_(*columns).in_(wanted)
        return {tuple(row) for row in self._connection.execute(select(*columns).where(condition))}

    def _values(self, candidate: Candidate, names: tuple[str, ...]) -> tuple[Any, ...] | None:
        """The values of a row, or None if one is empty: empty values are never equal."""
        record, fields = candidate.record, self._entity.fields
        values = tuple(record.get(name, fields[name].default) for name in names)
        return None if None in values else values

    def _blame(self, candidate: Candidate, names: tuple[str, ...], columns: Mapping[str, str], who: str) -> None:
        column = next((columns[name] for name in names if name in columns), "")
        what = " and ".join(names)
        candidate.blame(column, "unique", f"The {what} must be unique, and {who} the same.")


def _chunks(values: Iterable[Any]) -> Iterable[list[Any]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
