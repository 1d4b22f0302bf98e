"""Versions of files: a file that was stored as a version of another keeps that and its former ones, up to a number.

A file never changes, and belongs to the record that refers to it. So does what it is a version of: who may read the
file may read its former versions, and they stay as long as it is attached. What others store as a version of the same
file is another branch, of which nobody hears here.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, Connection, exists, insert, literal, select

from xrm_core.storage.file_store import FileState, StoredFile
from xrm_core.storage.file_tables import FILE, FILE_VERSION

_COLUMNS = tuple(FILE.c[name] for name in StoredFile.__dataclass_fields__)


def former_of(
    file_id: ColumnElement[str], condition: Callable[[ColumnElement[str]], ColumnElement[bool]]
) -> ColumnElement[bool]:
    """Whether a file is a former version of one for whose id a condition holds."""
    later = FILE_VERSION.alias()
    return exists(select(literal(1)).select_from(later).where(later.c.former_id == file_id, condition(later.c.file_id)))


def former_ids(connection: Connection, file_ids: Sequence[str]) -> list[str]:
    """The ids of all former versions of files."""
    query = select(FILE_VERSION.c.former_id).where(FILE_VERSION.c.file_id.in_(file_ids)).distinct()
    return list(map(str, connection.scalars(query)))


def later_ids(connection: Connection, file_ids: Sequence[str]) -> list[str]:
    """The ids of all that was stored as a version of files."""
    query = select(FILE_VERSION.c.file_id).where(FILE_VERSION.c.former_id.in_(file_ids)).distinct()
    return list(map(str, connection.scalars(query)))


def add(connection: Connection, file_id: str, former: StoredFile, most: int) -> None:
    """Keep that a file, just stored, is a version of another and of what that is a version of; of ``most`` of them."""
    older = select(FILE_VERSION.c.former_id).where(FILE_VERSION.c.file_id == former.id)
    newest = select(FILE.c.id).where(FILE.c.id.in_(older)).order_by(FILE.c.version.desc()).limit(max(most - 1, 0))
    ids = [former.id, *connection.scalars(newest)] if most else []
    if ids:
        connection.execute(insert(FILE_VERSION), [{"file_id": file_id, "former_id": each} for each in ids])


def versions(connection: Connection, file_id: str) -> list[tuple[StoredFile, str, str | None]]:
    """A file and its former versions, the newest first; each with when and by whom it was stored."""
    former = select(FILE_VERSION.c.former_id).where(FILE_VERSION.c.file_id == file_id)
    chosen = ((FILE.c.id == file_id) | FILE.c.id.in_(former)) & (FILE.c.state != FileState.VAULTED)
    query = select(*_COLUMNS, FILE.c.created_at, FILE.c.created_by).where(chosen).order_by(FILE.c.version.desc())
    return [(StoredFile(*row), created_at, by) for *row, created_at, by in connection.execute(query)]
