"""What a backup says of itself: its databases, what is in each of them, and checksums by which damage is noticed."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xrm_core.errors import XrmError
from xrm_core.storage.file_tables import FILE
from xrm_core.storage.tenants import NAME

FORMAT = 2
"""1: the same without content of files, of which nothing is said."""

MANIFEST, SEAL = "manifest.json", "manifest.sha256"
_CHUNK = 1024 * 1024


class BackupFailed(XrmError):
    """A backup cannot be made, or cannot be brought back; nothing of it remains."""

    code = "BACKUP_FAILED"


class BackupInvalid(XrmError):
    """A folder is no backup, was damaged or changed, or comes from a newer version."""

    code = "BACKUP_INVALID"


class RestoreRefused(XrmError):
    """There is something already where a backup is to be brought back to."""

    code = "RESTORE_REFUSED"


@dataclass(frozen=True)
class Place:
    """A database in a backup: the main one (without a name), or that of a tenant.

    ``schema`` is its schema on PostgreSQL. ``elsewhere``: it is not where the main database has its tenants.
    """

    name: str
    schema: str
    elsewhere: bool


@dataclass(frozen=True)
class Part:
    """A file of a backup: one SQLite database, or one PostgreSQL database with the schemas of several places.

    ``rows`` has the number of rows of each table, by place and table; ``extensions`` where PostgreSQL had them.
    """

    file: str
    kind: str
    sha256: str
    places: tuple[Place, ...]
    rows: dict[str, dict[str, int]]
    extensions: dict[str, str]


@dataclass(frozen=True)
class Manifest:
    """All of a backup. ``left_out`` names tenants that were being made or removed.

    ``outside`` is how many files have their content outside of databases, ``files`` the checksum of its list; None: it
    is not in the backup. ``missing`` are files whose content could not be read: place and id.
    """

    created_at: str
    platform: str
    revision: str
    parts: tuple[Part, ...]
    left_out: tuple[str, ...]
    outside: int
    files: str | None
    missing: tuple[tuple[str, str], ...]

    @property
    def places(self) -> list[Place]:
        """All databases, the main one first."""
        return sorted((place for part in self.parts for place in part.places), key=lambda place: place.name)

    def count(self) -> int:
        """Rows of all tables together."""
        return sum(number for part in self.parts for tables in part.rows.values() for number in tables.values())


def write(manifest: Manifest, folder: Path) -> None:
    """Write it, with its own checksum beside it."""
    content = json.dumps({"format": FORMAT, **asdict(manifest)}, ensure_ascii=False, indent=1).encode()
    (folder / MANIFEST).write_bytes(content)
    (folder / SEAL).write_text(hashlib.sha256(content).hexdigest() + "\n")


def read(folder: Path) -> Manifest:
    """The manifest of a backup whose files are what it says.

    Raises:
        BackupInvalid: there is none, it was changed, a file is missing or damaged, or it is of a newer version.
    """
    try:
        content, seal = (folder / MANIFEST).read_bytes(), (folder / SEAL).read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise BackupInvalid(f"{folder} is no backup: it has no {MANIFEST}.", hint="Name the folder itself.") from error
    if hashlib.sha256(content).hexdigest() != seal:
        raise damaged(f"{MANIFEST} is not what {SEAL} says")
    try:
        found: dict[str, Any] = json.loads(content)
        made_as = found.pop("format")
        if made_as > FORMAT:
            raise BackupInvalid("The backup was made by a newer version of the platform.", hint="Use that version.")
        if made_as == 1:
            found |= {"outside": _files(found), "files": None, "missing": ()}
        parts = tuple(
            Part(**{**part, "places": tuple(Place(**place) for place in part["places"])}) for part in found["parts"]
        )
        missing = tuple((str(place), str(file)) for place, file in found["missing"])
        manifest = Manifest(**{**found, "parts": parts, "left_out": tuple(found["left_out"]), "missing": missing})
    except (ValueError, TypeError, KeyError) as error:
        raise damaged(f"{MANIFEST} cannot be read") from error
    for place in manifest.places:
        if place.name and not NAME.fullmatch(place.name):  # it becomes the name of a file
            raise damaged("no tenant can be called as one in it is")
    for part in manifest.parts:
        path = folder / part.file
        if path.name != part.file or not path.is_file():
            raise damaged(f"the file {part.file} is missing")
        if digest(path) != part.sha256:
            raise damaged(f"the file {part.file} is not what it was")
    return manifest


def _files(found: dict[str, Any]) -> int:
    """How many files there are at all: nothing says where their content lies."""
    return sum(tables.get(FILE.name, 0) for part in found["parts"] for tables in part["rows"].values())


def digest(file: Path) -> str:
    """SHA-256 of a file."""
    found = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def damaged(what: str) -> BackupInvalid:
    """The error for a backup that is not what it was."""
    return BackupInvalid(f"The backup is damaged or was changed: {what}.", hint="Nothing was done. Take another one.")
