"""An SQLite database → a copy of its file, while others write, and back."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from xrm_core.storage import folding, mask_hash, matching, periods, phone
from xrm_core.storage.backup.manifest import BackupFailed


def copy(source: Path, target: Path) -> None:
    """Copy a database as it is at one moment into a file that only its owner may read.

    What was deleted or changed before is still in pages that nobody has used since: it is not in the copy. It takes
    room for a second one beside it meanwhile.

    Raises:
        BackupFailed: the copy is not sound.
        OSError, sqlite3.Error: it cannot be read or written.
    """
    whole = target.with_name(f".{target.name}.part")
    for file in (whole, target):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        # Opened as a URI that cannot make a new file of a name that is gone.
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, timeout=60)) as opened,
            closing(sqlite3.connect(whole)) as copied,
        ):
            opened.backup(copied)
            copied.execute("PRAGMA journal_mode=DELETE")  # all of it in one file
            check(copied, target.name)
            copied.execute("VACUUM INTO ?", (str(target),))
    finally:
        whole.unlink()


def check(connection: sqlite3.Connection, name: str) -> None:
    """Raise BackupFailed unless a database is sound: its pages, its indexes, its references."""
    for teacher in (folding, periods, phone, matching, mask_hash):
        teacher.teach(connection)
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok" or connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise BackupFailed(
            f"The database in {name} is damaged.", hint="Keep the last backup that is sound, and look at the disk."
        )


def bring_back(file: Path, target: Path) -> None:
    """Put a copy where the database belongs, whole or not at all. Raises OSError: it cannot be written."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = target.with_name(f".{target.name}.part")
    new.unlink(missing_ok=True)
    with (
        file.open("rb") as source,
        os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream,
    ):
        shutil.copyfileobj(source, stream)
        stream.flush()
        os.fsync(stream.fileno())
    new.rename(target)


def is_taken(file: Path) -> bool:
    """Whether there is a database, or what one has left behind."""
    return any(file.with_name(file.name + suffix).exists() for suffix in ("", "-wal", "-shm"))
