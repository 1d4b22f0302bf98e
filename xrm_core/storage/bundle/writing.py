"""Database → bundle, from one snapshot and without holding more than a few rows."""

import datetime as dt
import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from xrm_core import __version__
from xrm_core.errors import ModelOutOfDate, SettingsError
from xrm_core.metadata.snapshot import to_snapshot
from xrm_core.storage.applied import current_model
from xrm_core.storage.bundle.content import FORMAT, MANIFEST, MODEL_FILE, SEAL, manifest_text, seal, tables_of
from xrm_core.storage.bundle.file_content import chunk_lines, file_lines, has_elsewhere
from xrm_core.storage.bundle.rows import Tally, lines
from xrm_core.storage.contents import Contents
from xrm_core.storage.engines import Database
from xrm_core.storage.file_tables import FILE, FILE_CHUNK


def export_bundle(
    database: Database, file: Path, schema_files: Mapping[str, str] | None = None, contents: Contents | None = None
) -> dict[str, Any]:
    """Write everything of a tenant into a file that only its owner may read; returns the manifest.

    Args:
        database: the tenant's.
        file: must not be there yet.
        schema_files: ``layer/name`` → text of the files of all layers, for people; the model itself goes along anyway.
        contents: where the content of files lies that is not in the database.

    Raises:
        ModelOutOfDate: there is no model.
        SettingsError: the file is there or cannot be written; nothing remains of it.
        FilesUnavailable: content cannot be reached.
    """
    if file.exists():
        raise SettingsError(f"The file {file} is there already.", hint="Name another one.")
    new = file.with_name(f".{file.name}.part")
    try:
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as stream:
            manifest = _write(database, stream, schema_files or {}, contents or Contents())
            stream.flush()
            os.fsync(stream.fileno())
        new.rename(file)
    except OSError as error:
        raise SettingsError(
            f"The file {file} cannot be written: {error.strerror}.", hint="Name another place."
        ) from error
    finally:
        new.unlink(missing_ok=True)
    return manifest


def _write(
    database: Database, stream: IO[bytes], schema_files: Mapping[str, str], contents: Contents
) -> dict[str, Any]:
    with database.read() as connection, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bundle:
        model = current_model(connection)
        if model is None:
            raise ModelOutOfDate("There is no model, so there is nothing to export.")
        texts = {MODEL_FILE: json.dumps(to_snapshot(model), ensure_ascii=False, indent=1)}
        texts |= {f"schema/{name}": text for name, text in sorted(schema_files.items())}
        manifest: dict[str, Any] = {
            "format": FORMAT,
            "platform": __version__,
            "created_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "model": model.fingerprint,
            "texts": {},
            "tables": {},
        }
        for name, text in texts.items():
            content = text.encode()
            bundle.writestr(name, content)
            manifest["texts"][name] = hashlib.sha256(content).hexdigest()
        # One way for all, but only where it is needed: the other reads many chunks at a time.
        elsewhere = has_elsewhere(connection)
        for name, table in tables_of(model):
            rows = lines(connection, table)
            if elsewhere and table is FILE:
                rows = file_lines(connection)
            elif elsewhere and table is FILE_CHUNK:
                rows = chunk_lines(connection, database, contents)
            found = Tally()
            with bundle.open(name, "w", force_zip64=True) as member:
                for line in rows:
                    member.write(line)
                    found.add(line)
            manifest["tables"][name] = found.to_json()
        content = manifest_text(manifest)
        bundle.writestr(MANIFEST, content)
        bundle.writestr(SEAL, seal(content))
    return manifest
