"""Bundle → empty database: all of it, checked by counts and checksums, or nothing.

A bundle is a stranger's file until it is read: no name in it becomes a path, no member is unpacked to disk or held in
memory, and its model is read as entity files are, with all their checks, before it makes tables.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.schema import AddConstraint, DropConstraint

from xrm_core.errors import SchemaChangeRefused, SchemaFilesInvalid, SettingsError
from xrm_core.metadata.keywords import words_of
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.model import Model
from xrm_core.metadata.snapshot import from_snapshot
from xrm_core.metadata.writer import files_of
from xrm_core.storage.apply import apply
from xrm_core.storage.bundle.content import (
    FORMAT,
    MANIFEST,
    MODEL_FILE,
    SEAL,
    BundleInvalid,
    damaged,
    seal,
    tables_of,
)
from xrm_core.storage.bundle.file_content import require_inside
from xrm_core.storage.bundle.rows import Tally, batch_size, row_of, tally
from xrm_core.storage.change_tables import put_unsealed_last
from xrm_core.storage.engines import Database
from xrm_core.storage.exclusive import exclusive
from xrm_core.storage.file_tables import FILE
from xrm_core.storage.schema_files import FILE_NAME
from xrm_core.storage.system import SCHEMA_FILE

MAX_MEMBERS = 10_000
MAX_TEXT = 64 * 1024 * 1024
"""Bytes of a manifest, a model or one line."""

MAX_BYTES = 64 * 1024**3
"""Bytes of a bundle once it is unpacked."""


def import_bundle(database: Database, file: Path, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Fill an empty database with what is in a bundle; returns the manifest.

    If it raises, the database may have empty tables, but no row: its place is to be dropped.

    Args:
        database: without a model.
        file: the bundle.
        max_bytes: what it may have once it is unpacked.

    Raises:
        BundleInvalid: it is no bundle, was changed, or is newer than this version of the platform.
        SettingsError: the file cannot be read.
    """
    try:
        with file.open("rb") as stream, zipfile.ZipFile(stream) as bundle:
            return _read(database, bundle, max_bytes)
    except OSError as error:
        raise SettingsError(f"The file {file} cannot be read: {error.strerror}.", hint="Check its path.") from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise BundleInvalid(f"{file} is not a bundle, or it is damaged.", hint="Nothing was imported.") from error


def _read(database: Database, bundle: zipfile.ZipFile, max_bytes: int) -> dict[str, Any]:
    manifest = _manifest(bundle, max_bytes)
    model = _model(bundle, manifest)
    tables = dict(tables_of(model))
    if set(manifest["tables"]) != set(tables):
        raise damaged("its tables are not those of its model")
    apply(database, model)
    try:
        with exclusive(database) as turn, turn.transaction() as connection:
            _fill_all(connection, bundle, tables, manifest["tables"], checked_at_end=database.is_sqlite)
    except SchemaChangeRefused as error:
        raise damaged("some references lead nowhere") from error
    return manifest


def _fill_all(
    connection: Connection,
    bundle: zipfile.ZipFile,
    tables: Mapping[str, Table],
    expected: Mapping[str, Any],
    *,
    checked_at_end: bool,
) -> None:
    # Records refer to each other in circles, so references are checked when all are there: SQLite does it at the end.
    references = [] if checked_at_end else [key for table in tables.values() for key in _keys(table)]
    for key in references:
        connection.execute(DropConstraint(key))
    for name, table in tables.items():
        _fill(connection, bundle, name, table, expected[name])
        _count_on(connection, table)
    for key in references:
        try:
            # or whoever makes these tables later in this process makes them without the reference
            connection.execute(AddConstraint(key, isolate_from_table=False))
        except DBAPIError as error:
            raise damaged(f"references of {key.table.name} lead nowhere") from error
    put_unsealed_last(connection)


def _manifest(bundle: zipfile.ZipFile, max_bytes: int) -> dict[str, Any]:
    infos = bundle.infolist()
    names = [info.filename for info in infos]
    if len(names) > MAX_MEMBERS or len(set(names)) != len(names):
        raise damaged("it has too many members, or one twice")
    if sum(info.file_size for info in infos) > max_bytes:
        raise BundleInvalid(
            f"The bundle has more than {max_bytes} bytes once it is unpacked.", hint="Nothing was imported."
        )
    if MANIFEST not in names or SEAL not in names:
        raise BundleInvalid("The file is not a bundle: it has no manifest.", hint="Nothing was imported.")
    content = _text(bundle, MANIFEST)
    if _text(bundle, SEAL) != seal(content):
        raise damaged("its manifest does not fit its seal")
    try:
        manifest = json.loads(content)
        format_, texts, tables = manifest["format"], manifest["texts"], manifest["tables"]
        listed = {MANIFEST, SEAL, *texts, *tables}
        for entry in tables.values():
            if set(entry) != {"rows", "sha256"}:
                raise ValueError(entry)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise damaged("its manifest cannot be read") from error
    if not isinstance(format_, int) or format_ > FORMAT:
        raise BundleInvalid(
            f"The bundle has the format {str(format_)[:20]}; this version of the platform reads {FORMAT}.",
            hint="Nothing was imported. Use a newer version of the platform.",
        )
    if set(names) != listed:
        raise damaged("it has members that its manifest does not name, or the other way round")
    for name, digest in texts.items():
        if hashlib.sha256(_text(bundle, name)).hexdigest() != digest:
            raise damaged(f"the checksum of {name[:100]} is another one")
    return dict(manifest)


def _model(bundle: zipfile.ZipFile, manifest: dict[str, Any]) -> Model:
    if MODEL_FILE not in manifest["texts"]:
        raise damaged("it has no model")
    try:
        model = from_snapshot(json.loads(_text(bundle, MODEL_FILE)))
        # Names and values of the model will stand in SQL. A snapshot is trusted; this one is read as files are.
        checked = load(
            [LayerSource("bundle", "core", texts=tuple(files_of(model).items()), words=tuple(words_of(model)))]
        )
    except SchemaFilesInvalid as error:
        raise damaged(f"its model is not one that files can say ({error.problems[0].reason})") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise damaged("its model cannot be read") from error
    if not model.fingerprint == checked.fingerprint == manifest["model"]:
        raise damaged("its model has another fingerprint")
    return checked


def _fill(connection: Connection, bundle: zipfile.ZipFile, name: str, table: Table, expected: Any) -> None:
    found = Tally()
    try:
        waiting = _lines(bundle, name)
        while batch := list(islice(waiting, batch_size(table))):
            for line in batch:
                found.add(line)
            rows = [row_of(table, line) for line in batch]
            if table is FILE:
                for row in rows:
                    require_inside(row)
            if table is SCHEMA_FILE and not all(FILE_NAME.fullmatch(row["name"]) for row in rows):
                raise damaged("a file of the tenant layer has a name that it cannot have")
            connection.execute(insert(table), rows)
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as error:
        raise damaged(f"{name} has a line that is no row") from error
    except StatementError as error:  # the database's, or that of a type which does not take the value
        raise damaged(f"{name} has a row that does not fit its table") from error
    if found.to_json() != expected:
        raise damaged(f"count or checksum of {name} is another one")
    if tally(connection, table) != expected:
        raise BundleInvalid(
            f"What was stored in {table.name} is not what {name} says.",
            hint="Nothing was imported. This is a mistake of the platform; please report it.",
        )


def _count_on(connection: Connection, table: Table) -> None:
    """Let numbers that the database gives go on after those that came along. SQLite does it by itself."""
    if connection.dialect.name == "postgresql":
        for column in table.columns:
            if column.identity is not None:
                last = connection.scalar(select(func.max(column)))
                of = func.pg_get_serial_sequence(table.name, column.name)
                connection.execute(select(func.setval(of, last or 1, last is not None)))


def _lines(bundle: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with bundle.open(name) as member:
        while line := member.readline(MAX_TEXT + 1):
            if len(line) > MAX_TEXT or not line.endswith(b"\n"):
                raise damaged(f"{name} has a line that is too long or not whole")
            yield line


def _text(bundle: zipfile.ZipFile, name: str) -> bytes:
    if bundle.getinfo(name).file_size > MAX_TEXT:
        raise damaged(f"{name[:100]} is too long")
    with bundle.open(name) as member:
        content = member.read(MAX_TEXT + 1)
    if len(content) > MAX_TEXT:
        raise damaged(f"{name[:100]} is too long")
    return content


def _keys(table: Table) -> Iterator[Any]:
    yield from sorted(table.foreign_key_constraints, key=lambda key: str(key.name))
