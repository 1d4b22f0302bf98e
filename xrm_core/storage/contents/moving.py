"""Content that lies elsewhere than new content goes: brought there, file by file, while people read and write."""

from contextlib import closing
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from sqlalchemy import ColumnElement, delete, or_, select, true, update

from xrm_core.errors import XrmError
from xrm_core.storage import content_leftovers, file_store
from xrm_core.storage.contents.contents import Contents
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import FileState, StoredFile
from xrm_core.storage.file_tables import FILE, FILE_CHUNK

_IN_MEMORY = 1024 * 1024
_COLUMNS = tuple(FILE.c[name] for name in StoredFile.__dataclass_fields__)


class ContentChanged(XrmError):
    """The content of a file is not what was stored."""

    code = "CONTENT_CHANGED"
    http_status = 500


def move_content(database: Database, contents: Contents) -> int:
    """Bring the content of all files to where that of new ones goes; answers of how many.

    Who is reading one while it is moved reads on: content that lay in a store is removed an hour later.

    Raises:
        FilesUnavailable: a store does not answer. What was moved until then stays there.
        ContentChanged: the content of a file is damaged. It stays where it is.
    """
    return _move_all(database, contents, true())


def move_passing(database: Database, contents: Contents) -> int:
    """The same for files alone whose content lies in the database since they were sealed, or opened again."""
    meant = FILE.c.sealed.is_not(None) | FILE.c.in_passing
    return _move_all(database, contents, meant & (FILE.c.state != FileState.VAULTED))


def _move_all(database: Database, contents: Contents, which: ColumnElement[bool]) -> int:
    moved = 0
    while True:
        with database.read() as connection:
            row = connection.execute(select(*_COLUMNS).where(which, _elsewhere(contents)).limit(1)).first()
        if row is None:
            return moved
        moved += _move(database, contents, StoredFile(*row))


def _elsewhere(contents: Contents) -> ColumnElement[bool]:
    if contents.scheme is None:
        return FILE.c.content_key.is_not(None)
    return or_(FILE.c.content_key.is_(None), ~FILE.c.content_key.startswith(f"{contents.scheme}:", autoescape=True))


def _move(database: Database, contents: Contents, file: StoredFile) -> bool:
    """False: the file was removed meanwhile."""
    with SpooledTemporaryFile(_IN_MEMORY) as spool:
        content = cast(BinaryIO, spool)
        with closing(contents.reader(database, file, range(file.size))) as reader:
            for piece in iter(reader.read, b""):
                content.write(piece)
        if file_store.sha256_of(content) != file.sha256:
            raise ContentChanged(
                f"The content of the file {file.id} is not what was stored.",
                hint="Restore it from a backup, or attach another file in its place and try again.",
            )
        return put_anew(database, contents, file, content)


def put_anew(database: Database, contents: Contents, file: StoredFile, content: BinaryIO) -> bool:
    """Put the content of a file where that of new ones goes, in place of where it lies. False: the file is gone.

    Raises:
        FilesUnavailable: the store does not take it.
    """
    with contents.put(database, file, content) as kept, database.begin() as connection:
        before = FILE.c.id == file.id, FILE.c.content_key.is_not_distinct_from(file.content_key)
        moved = update(FILE).where(*before).values(content_key=kept.name, in_passing=None)
        found = connection.execute(moved).rowcount == 1
        if not found:
            connection.rollback()  # the content that was put is swept up
            return False
        if kept.content is None:
            content_leftovers.take(connection, kept.name or "")
        else:
            kept.content.seek(0)
            file_store.add_chunks(connection, file.id, kept.content)
        if file.content_key is None:
            connection.execute(delete(FILE_CHUNK).where(FILE_CHUNK.c.file_id == file.id))
        else:
            file_store.leave(connection, [file.content_key])
    return True
