"""Databases → a backup."""

import datetime as dt
import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import text

from xrm_core import __version__
from xrm_core.errors import SettingsError
from xrm_core.storage.backup import manifest as manifests
from xrm_core.storage.backup import sqlite
from xrm_core.storage.backup.contents import Installation, Source, by_database, count_rows, server_version
from xrm_core.storage.backup.files import Outside, copy_files, has_outside, outside_query
from xrm_core.storage.backup.manifest import BackupFailed, Manifest, Part
from xrm_core.storage.backup.postgres_tools import PostgresTools
from xrm_core.storage.contents import Stores
from xrm_core.storage.engines import Database

_EXTENSIONS = text(
    "SELECT e.extname, n.nspname FROM pg_catalog.pg_extension e "
    "JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE n.nspname <> 'pg_catalog' ORDER BY 1"
)


def back_up(what: Installation, folder: Path, tools: PostgresTools, stores: Stores | None = None) -> Manifest:
    """Write all databases into a folder that only its owner may look into, each as it is at one moment.

    The schemas of one PostgreSQL database are of the same moment; files of SQLite come one after the other.

    Args:
        what: the databases.
        folder: must not be there yet.
        tools: for databases on PostgreSQL.
        stores: where the content of files lies outside of databases, all of which is copied; None: none of it is.

    Raises:
        SettingsError: the folder is there, or cannot be written.
        BackupFailed: a database cannot be read or is damaged; nothing remains.
        DatabaseUnavailable: one does not answer.
    """
    refuse_existing(folder)
    new = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700, parents=True)
        outside: list[Outside] = []
        parts = [
            _part(sources, new, number, tools, outside) for number, sources in enumerate(by_database(what.sources))
        ]
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        # After the databases: content never changes, and what is removed stays for an hour.
        files, missing = copy_files(outside, what.sources, new, stores) if stores and outside else (None, ())
        made = Manifest(
            now, __version__, what.revision, tuple(parts), what.left_out, len(outside), files, tuple(missing)
        )
        manifests.write(made, new)
        _sync(new)
        new.rename(folder)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be written: {error.strerror}.", hint="Name another place.") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return made


def refuse_existing(folder: Path) -> None:
    """Raise SettingsError if there is something of this name."""
    if folder.exists():
        raise SettingsError(f"{folder} is there already.", hint="Name a folder that is not.")


def _part(sources: Sequence[Source], folder: Path, number: int, tools: PostgresTools, outside: list[Outside]) -> Part:
    with closing(Database(sources[0].url)) as database:
        if database.is_sqlite:
            return _of_sqlite(database, sources[0], folder, outside)
        file = folder / (f"postgresql-{number}.dump" if number else "main.dump")
        return _of_postgres(database, sources, file, tools, outside)


def _of_sqlite(database: Database, source: Source, folder: Path, outside: list[Outside]) -> Part:
    name = source.place.name
    file = folder / (f"tenant-{name}.db" if name else "main.db")
    path = Path(database.url.database or "")
    if not path.is_file():
        raise BackupFailed(f"The file {path} of {name or 'the main database'} is not there.")
    try:
        sqlite.copy(path, file)
        rows = rows_of_file(file)
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as copied:
            if has_outside(rows):
                outside += [Outside(name, *row) for row in copied.execute(outside_query())]
    except sqlite3.Error as error:
        raise BackupFailed(f"The file {path} cannot be copied: {error}.", hint="Nothing was kept.") from error
    return Part(file.name, "sqlite", manifests.digest(file), (source.place,), {name: rows}, {})


def rows_of_file(file: Path) -> dict[str, int]:
    """The number of rows of each table of a file that nobody changes; not even a journal is left beside it."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        ordinary = [name for name in names if not name.startswith("sqlite_")]
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in sorted(ordinary)}


def _of_postgres(
    database: Database, sources: Sequence[Source], file: Path, tools: PostgresTools, outside: list[Outside]
) -> Part:
    with database.read() as connection:
        tools.require(server_version(connection))
        snapshot = str(connection.execute(text("SELECT pg_export_snapshot()")).scalar())
        schemas = [source.place.schema for source in sources]
        rows = {source.place.name: count_rows(connection, source.place.schema) for source in sources}
        for source in sources:
            if has_outside(rows[source.place.name]):
                found = connection.exec_driver_sql(outside_query(f'"{source.place.schema}".'))
                outside += [
                    Outside(source.place.name, str(id_), name, sha256, size) for id_, name, sha256, size in found
                ]
        extensions = {str(row[0]): str(row[1]) for row in connection.execute(_EXTENSIONS)}
        tools.dump(database, schemas, snapshot, file)
    places = tuple(source.place for source in sources)
    return Part(file.name, "postgresql", manifests.digest(file), places, rows, extensions)


def _sync(folder: Path) -> None:
    """What a backup has is on the disk before it has its name."""
    for file in (*folder.rglob("*"), folder):
        opened = os.open(file, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
