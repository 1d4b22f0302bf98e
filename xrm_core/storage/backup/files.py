"""The content of files that lies outside of databases, in a backup: by its checksum, so that each is there once."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from xrm_core.storage.backup import manifest as manifests
from xrm_core.storage.backup.contents import Source
from xrm_core.storage.backup.manifest import BackupFailed, Manifest, damaged
from xrm_core.storage.content_names import borrow_all
from xrm_core.storage.contents import FilesUnavailable, Stores
from xrm_core.storage.contents.moving import put_anew
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import StoredFile
from xrm_core.storage.file_tables import FILE

FOLDER, LIST = "files", "files.sha256"
_IS_OUTSIDE = FILE.c.content_key.is_not(None)
_DIGITS = 64
_IN_A_ROW = 20
"""So many that cannot be read one after the other are no accident: their store does not answer."""


@dataclass(frozen=True)
class Outside:
    """A file of a place whose content lies under a name outside of its database."""

    place: str
    id: str
    name: str
    sha256: str
    size: int


def has_outside(rows: Mapping[str, int]) -> bool:
    """Whether a database with these tables has files at all."""
    return FILE.name in rows


def outside_query(prefix: str = "") -> str:
    """SQL for the files of a database: id, name, checksum, size."""
    return f"SELECT id, content_key, sha256, size FROM {prefix}{FILE.name} WHERE content_key IS NOT NULL"


def copy_files(
    files: Iterable[Outside], sources: Iterable[Source], folder: Path, stores: Stores
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Copy content into a backup: the checksum of its list, and the files whose content is not what was stored.

    Raises:
        BackupFailed: a store does not answer.
        OSError: it cannot be written.
    """
    urls = {source.place.name: source.url for source in sources}
    done: set[str] = set()
    missing: list[Outside] = []
    failed = 0
    for file in files:
        if file.sha256 in done:
            continue
        if _copy(file, _path(folder, file.sha256), stores):
            done.add(file.sha256)
            failed = 0
            continue
        missing.append(file)
        failed += 1
        if failed == _IN_A_ROW:
            raise BackupFailed(
                "The content of files cannot be read where it lies.",
                hint="Look at XRM_FILES, or leave the content out by --without-files. Nothing was kept.",
            )
    content = "".join(f"{each}  {_path(Path(), each).as_posix()}\n" for each in sorted(done)).encode()
    (folder / LIST).write_bytes(content)
    return hashlib.sha256(content).hexdigest(), tuple(
        (each.place, each.id) for each in missing if each.sha256 not in done and _is_there(urls[each.place], each)
    )


def verify_files(manifest: Manifest, folder: Path) -> None:
    """Raise BackupInvalid unless all content of a backup is what it was."""
    if manifest.files is None:
        return
    try:
        content = (folder / LIST).read_bytes()
    except OSError:
        raise damaged(f"the file {LIST} is missing") from None
    if hashlib.sha256(content).hexdigest() != manifest.files:
        raise damaged(f"{LIST} is not what {manifests.MANIFEST} says")
    for line in content.decode("ascii", "replace").splitlines():
        sha256 = line.partition(" ")[0]
        path = _path(folder, sha256)
        if not path.is_file():
            raise damaged(f"the content {sha256[:16]}… is missing")
        if manifests.digest(path) != sha256:
            raise damaged(f"the content {sha256[:16]}… is not what it was")


def borrow_files(manifest: Manifest, place: str, url: str) -> None:
    """Let a restored place own no content that lies where it lay."""
    if _has_files(manifest, place):
        with closing(Database(url)) as database, database.begin() as connection:
            borrow_all(connection)


def bring_files_back(manifest: Manifest, folder: Path, place: str, url: str, stores: Stores | None) -> None:
    """Put what is in the backup where it goes now, for a place that has only borrowed it.

    Raises:
        FilesUnavailable: it cannot be put there.
        OSError: it cannot be read.
    """
    if stores is None or manifest.files is None or not _has_files(manifest, place):
        return
    columns = [FILE.c[name] for name in StoredFile.__dataclass_fields__]
    with closing(Database(url)) as database:
        with database.read() as connection:
            files = [StoredFile(*row) for row in connection.execute(select(*columns).where(_IS_OUTSIDE))]
        for file in files:
            path = _path(folder, file.sha256)
            if path.is_file():  # else it was missing then
                with path.open("rb") as content:
                    put_anew(database, stores.of(place), file, content)


def take_files_away(place: str, url: str, stores: Stores) -> None:
    """Remove the content that was put for a place that could not be restored, as far as its store answers.

    The place must have borrowed what it was restored with: that is somebody else's.
    """
    with suppress(Exception), closing(Database(url)) as database:
        with database.read() as connection:
            names = connection.scalars(select(FILE.c.content_key).where(_IS_OUTSIDE)).all()
        stores.of(place).remove_all([name for name in names if name is not None])


def _has_files(manifest: Manifest, place: str) -> bool:
    return any(has_outside(part.rows.get(place, {})) for part in manifest.parts)


def _copy(file: Outside, path: Path, stores: Stores) -> bool:
    """Whether the content is there, and is what was stored."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part, digest = path.with_name(f".{path.name}.part"), hashlib.sha256()
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            if file.size:
                with closing(stores.of(file.place).outside(file.name, range(file.size))) as reader:
                    for piece in iter(reader.read, b""):
                        digest.update(piece)
                        stream.write(piece)
        if digest.hexdigest() != file.sha256:
            return False
        part.replace(path)
    except FilesUnavailable:
        return False
    finally:
        part.unlink(missing_ok=True)
    return True


def _is_there(url: str, file: Outside) -> bool:
    """Whether the file is still there: one that was removed meanwhile need not have content."""
    with closing(Database(url)) as database, database.read() as connection:
        return connection.scalar(select(FILE.c.id).where(FILE.c.id == file.id)) is not None


def _path(folder: Path, sha256: str) -> Path:
    if len(sha256) != _DIGITS or not sha256.isalnum():  # it becomes the name of a file
        raise damaged("a checksum in it is none")
    return folder / FOLDER / sha256[:2] / sha256
