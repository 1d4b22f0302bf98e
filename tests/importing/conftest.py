"""A small pack with every type of field, its tables in a fresh database, and a way to import text into them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model
from xrm_core.plugins import InstalledPlugin, Plugins
from xrm_core.records.door import Records
from xrm_core.records.importing import ImportOptions, ImportResult, import_csv, parse_mappings, parse_replacements
from xrm_core.records.stored import from_row
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.engines import Database
from xrm_core.storage.file_tables import FILE
from xrm_core.storage.merge_tables import MERGE
from xrm_core.storage.system import METADATA
from xrm_core.storage.tables import Tables
from xrm_core.storage.trash_tables import TRASH, TRASH_FILE

FIRM = {
    "x-entity": "firm",
    "x-display": "name",
    "x-unique": [["country", "register"]],
    "type": "object",
    "required": ["name", "rank"],
    "properties": {
        "name": {"type": "string", "maxLength": 20, "x-unique": True},
        "number": {"type": "integer", "minimum": 0, "x-unique": True},
        "country": {"type": "string", "maxLength": 2},
        "register": {"type": "string", "maxLength": 20},
        "rank": {
            "type": "string",
            "enum": ["gold", "silver"],
            "default": "silver",
            "x-enum-labels": {"gold": {"de": "Gold"}, "silver": {"de": "Silber"}},
        },
        "revenue": {"type": "number", "x-type": "decimal", "x-precision": 12, "x-scale": 2},
        "active": {"type": "boolean"},
        "founded_on": {"type": "string", "format": "date"},
        "seen_at": {"type": "string", "format": "date-time"},
        "parent": {"x-relation": {"to": "firm", "inverse": "children", "on_delete": "set_null"}},
    },
}
PERSON = {
    "x-entity": "person",
    "x-display": "last_name",
    "type": "object",
    "required": ["last_name"],
    "properties": {
        "last_name": {"type": "string", "maxLength": 40},
        "email": {"type": "string", "format": "email", "x-unique": True},
        "badge": {"type": "integer", "x-unique": True},
    },
}
NOTE = {
    "x-entity": "note",
    "x-display": "text",
    "type": "object",
    "required": ["text"],
    "properties": {
        "text": {"type": "string", "maxLength": 200},
        "firm": {"x-relation": {"to": "firm", "inverse": "notes", "on_delete": "cascade"}},
        "author": {"x-relation": {"to": "person", "inverse": "notes", "on_delete": "set_null"}},
        "regarding": {"x-relation": {"to": ["firm", "person"], "inverse": "remarks", "on_delete": "set_null"}},
    },
}


@pytest.fixture(scope="session")
def model() -> Model:
    """Firms (with parent firms), persons, and notes about them."""
    return load_texts([(f"{each['x-entity']}.json", json.dumps(each), "core") for each in (FIRM, PERSON, NOTE)])


class Importer:
    """One fresh database and imports into it."""

    def __init__(self, model: Model, database: Database, folder: Path) -> None:
        self.model = model
        self.database = database
        self.tables = Tables(model)
        self.plugins: list[InstalledPlugin] = []
        self._folder = folder
        with database.begin() as connection:
            self.tables.metadata.create_all(connection)
            METADATA.create_all(connection, [CHANGE, FILE, MERGE, TRASH, TRASH_FILE])

    def __call__(
        self,
        entity: str,
        text: str | bytes,
        mappings: tuple[str, ...] = (),
        replacements: tuple[str, ...] = (),
        progress: Callable[[int, int], None] | None = None,
        **options: Any,
    ) -> ImportResult:
        """Import a text as a file."""
        path = self._folder / "rows.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return self.file(entity, path, mappings, replacements, progress, **options)

    def file(
        self,
        entity: str,
        path: Path,
        mappings: tuple[str, ...] = (),
        replacements: tuple[str, ...] = (),
        progress: Callable[[int, int], None] | None = None,
        **options: Any,
    ) -> ImportResult:
        """Import a file, in a transaction of its own."""
        chosen = ImportOptions(
            columns=parse_mappings(mappings), replacements=parse_replacements(replacements), **options
        )
        records = Records(self.model, self.tables, Plugins(self.plugins))
        with self.database.begin() as connection:
            return import_csv(records, connection, entity, path, chosen, progress)

    def records(self, entity: str) -> list[dict[str, Any]]:
        """All records, by id, that is in the order in which they were read."""
        table = self.tables[entity]
        with self.database.read() as connection:
            rows = connection.execute(select(table).order_by(table.c.id)).mappings().all()
        return [from_row(self.model[entity], dict(row)) for row in rows]

    def column(self, entity: str, field: str) -> list[Any]:
        """One field of all records."""
        return [record[field] for record in self.records(entity)]


@pytest.fixture
def importer(model: Model, database: Database, tmp_path: Path) -> Importer:
    """Imports into a fresh database of each kind."""
    return Importer(model, database, tmp_path)


@pytest.fixture
def sqlite_importer(model: Model, sqlite_url: str, tmp_path: Path) -> Any:
    """Imports into SQLite only, for what has nothing to do with the database."""
    database = Database(sqlite_url)
    yield Importer(model, database, tmp_path)
    database.close()
