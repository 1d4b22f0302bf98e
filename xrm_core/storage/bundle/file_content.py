"""The content of files in a bundle: always as chunks, wherever it lies.

So a bundle is whole, and fits a place that has another store, or none. What is imported lies in the database.
"""

import json
from collections.abc import Iterator
from contextlib import closing

from sqlalchemy import Connection, exists, select

from xrm_core.storage.bundle.content import damaged
from xrm_core.storage.bundle.rows import line_of, lines
from xrm_core.storage.contents import Contents
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import StoredFile, in_chunks
from xrm_core.storage.file_tables import FILE, FILE_CHUNK

_COLUMNS = tuple(FILE.c[name] for name in StoredFile.__dataclass_fields__)


def has_elsewhere(connection: Connection) -> bool:
    """Whether any file has its content outside of the database."""
    return bool(connection.scalar(select(exists().where(FILE.c.content_key.is_not(None)))))


def file_lines(connection: Connection) -> Iterator[bytes]:
    """The rows of files, as if all content were in the database."""
    for line in lines(connection, FILE):
        yield line_of({**json.loads(line), "content_key": None})


def chunk_lines(connection: Connection, database: Database, contents: Contents) -> Iterator[bytes]:
    """The rows of chunks, with those of content that lies elsewhere.

    Raises:
        FilesUnavailable: a store does not answer, or does not have what it should.
    """
    query = select(*_COLUMNS).order_by(FILE.c.id).execution_options(yield_per=100)
    with connection.execute(query) as rows:
        for row in rows:
            file = StoredFile(*row)
            if file.content_key is None:
                yield from _inside(connection, file)
                continue
            with closing(contents.reader(database, file, range(file.size))) as reader:
                for number, content in enumerate(in_chunks(iter(reader.read, b""))):
                    yield line_of({"file_id": file.id, "number": number, "content": content})


def _inside(connection: Connection, file: StoredFile) -> Iterator[bytes]:
    chosen = select(FILE_CHUNK).where(FILE_CHUNK.c.file_id == file.id).order_by(FILE_CHUNK.c.number)
    with connection.execute(chosen.execution_options(yield_per=16)) as rows:
        for chunk in rows.mappings():
            yield line_of(dict(chunk))


def require_inside(row: dict[str, object]) -> None:
    """Refuse a file that says its content lies elsewhere: it would be somebody else's. Raises BundleInvalid."""
    if row["content_key"] is not None:
        raise damaged("a file has its content elsewhere")
