"""Files in the database: stored in chunks, read in chunks, written anew when they are sealed."""

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, BinaryIO

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update
from uuid_utils import uuid7

from xrm_core.storage import content_leftovers
from xrm_core.storage.content_names import is_own
from xrm_core.storage.file_tables import CHUNK_BYTES, FILE, FILE_CHUNK

if TYPE_CHECKING:
    from xrm_core.storage.contents.store import Reader

READING = dt.timedelta(hours=1)
"""How long content outside of the database outlives its file, for those who are reading it."""


class FileState(StrEnum):
    """Whether a file may be read, from best to worst."""

    READY = "ready"
    PENDING = "pending"
    QUARANTINED = "quarantined"
    VAULTED = "vaulted"  # with what it belongs to; for all who ask it does not exist


WAITING = "upload:"
"""Stands before what is sealed of a file to which no record has referred yet."""

FOR_ANY = f"{WAITING}any:"
"""Stands there if it may be in a field that is not sealed, too."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What there is to say about a file; ``size`` in bytes, ``sha256`` in 64 hex digits.

    ``content_key`` says where its content lies if not in the database. All of it is about what lies there; of a
    ``sealed`` file that says what it is in truth.
    """

    id: str
    name: str
    media_type: str
    size: int
    sha256: str
    content_key: str | None = None
    state: str = FileState.READY
    version: int = 1
    sealed: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedFile(StoredFile):
    """A sealed file, as it is in truth; ``stored`` is how it lies there, ``read`` reads a part of its content in clear
    out of what reads parts of that.
    """

    stored: StoredFile | None = None
    read: "Callable[[Callable[[range], Reader], range], Reader] | None" = dataclasses.field(default=None, repr=False)


_COLUMNS = tuple(FILE.c[name] for name in StoredFile.__dataclass_fields__)


def add(connection: Connection, file: StoredFile, content: BinaryIO | None, created_by: str | None) -> None:
    """Store a file with its content, which is read from where it stands to its end.

    Args:
        connection: in a write transaction.
        file: the file.
        content: None if it lies outside of the database already, under the file's ``content_key``.
        created_by: who has stored it.

    Raises:
        Busy: what lies outside is being removed, since that took too long.
    """
    if file.content_key is not None:
        content_leftovers.take(connection, file.content_key)
    connection.execute(
        insert(FILE).values(
            id=file.id,
            name=file.name,
            media_type=file.media_type,
            size=file.size,
            sha256=file.sha256,
            created_at=dt.datetime.now(dt.UTC),
            created_by=created_by,
            content_key=file.content_key,
            state=file.state,
            version=file.version,
            sealed=file.sealed,
        )
    )
    if content is not None:
        add_chunks(connection, file.id, content)


def add_chunks(connection: Connection, file_id: str, content: BinaryIO) -> None:
    """Store the content of a file, read from where it stands to its end."""
    number = 0
    while chunk := content.read(CHUNK_BYTES):
        connection.execute(insert(FILE_CHUNK).values(file_id=file_id, number=number, content=chunk))
        number += 1


def sha256_of(content: BinaryIO) -> str:
    """In hex digits; read from its start to its end."""
    content.seek(0)
    digest = hashlib.sha256()
    while chunk := content.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def in_chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in chunks of the size that the table has."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        while len(buffer) >= CHUNK_BYTES:
            yield bytes(buffer[:CHUNK_BYTES])
            del buffer[:CHUNK_BYTES]
    if buffer:
        yield bytes(buffer)


def rewrite(connection: Connection, file_id: str, pieces: Iterable[bytes]) -> tuple[int, str]:
    """Write the content of a file anew, in the database; answers its size and SHA-256.

    Args:
        connection: in a write transaction.
        file_id: of the file.
        pieces: the new content. It may be made of the former while it is written: a chunk is written once it was taken.
    """
    digest, size, number = hashlib.sha256(), 0, -1
    for number, chunk in enumerate(in_chunks(pieces)):
        digest.update(chunk)
        size += len(chunk)
        this = FILE_CHUNK.c.file_id == file_id, FILE_CHUNK.c.number == number
        if connection.execute(update(FILE_CHUNK).where(*this).values(content=chunk)).rowcount != 1:
            connection.execute(insert(FILE_CHUNK).values(file_id=file_id, number=number, content=chunk))
    connection.execute(delete(FILE_CHUNK).where(FILE_CHUNK.c.file_id == file_id, FILE_CHUNK.c.number > number))
    return size, digest.hexdigest()


def describe(connection: Connection, file: StoredFile) -> None:
    """Let a file be this from now on."""
    values = {column.name: getattr(file, column.name) for column in _COLUMNS if column is not FILE.c.id}
    connection.execute(update(FILE).where(FILE.c.id == file.id).values(values))


def passing(connection: Connection, file_id: str) -> None:
    """Content was written anew into the database, and is to be brought to where new content goes."""
    connection.execute(update(FILE).where(FILE.c.id == file_id).values(in_passing=True))


def leave(connection: Connection, names: Iterable[str], reading: dt.timedelta = READING) -> None:
    """Have content outside of the database removed that no file has any more, once nobody reads it.

    Content that another installation has put there stays.
    """
    content_leftovers.add_all(connection, filter(is_own, names), dt.datetime.now(dt.UTC) + reading)


def new_id() -> str:
    """The id of a new file."""
    return str(uuid7())


def find(
    connection: Connection, file_id: str, condition: ColumnElement[bool], values: Mapping[str, Any]
) -> StoredFile | None:
    """The file of this id, if a condition on the table ``xrm_file`` holds for it; ``values`` are its bind values."""
    there = FILE.c.id == file_id, FILE.c.state != FileState.VAULTED
    row = connection.execute(select(*_COLUMNS).where(*there, condition), values).first()
    return None if row is None else StoredFile(*row)


def chunks_of(part: range) -> Iterator[tuple[int, slice]]:
    """The numbers of the chunks that hold these bytes of a file, each with what of it belongs to them."""
    for number in range(part.start // CHUNK_BYTES, -(-part.stop // CHUNK_BYTES)):
        begin = number * CHUNK_BYTES
        yield number, slice(max(part.start - begin, 0), part.stop - begin)


def read_chunk(connection: Connection, file_id: str, number: int) -> bytes | None:
    """A chunk of a file's content; None if the file is gone."""
    chosen = FILE_CHUNK.c.file_id == file_id, FILE_CHUNK.c.number == number
    content = connection.scalar(select(FILE_CHUNK.c.content).where(*chosen))
    return None if content is None else bytes(content)


def hold(connection: Connection, ids: Sequence[str]) -> list[StoredFile]:
    """Some files, whatever their state, held until the transaction ends."""
    query = select(*_COLUMNS).where(FILE.c.id.in_(ids)).order_by(FILE.c.id).with_for_update()
    return [StoredFile(*row) for row in connection.execute(query)]


def vaulted(connection: Connection, ids: Sequence[str]) -> list[StoredFile]:
    """Those of some files that lie in the vault, held until the transaction ends."""
    chosen = FILE.c.id.in_(ids), FILE.c.state == FileState.VAULTED
    query = select(*_COLUMNS).where(*chosen).order_by(FILE.c.id).with_for_update()
    return [StoredFile(*row) for row in connection.execute(query)]


def in_vault(connection: Connection, id_: str) -> StoredFile | None:
    """One that lies in the vault, to be looked at; None: there is none."""
    row = connection.execute(select(*_COLUMNS).where(FILE.c.id == id_, FILE.c.state == FileState.VAULTED)).first()
    return None if row is None else StoredFile(*row)


def known(connection: Connection, ids: Iterable[str]) -> list[str]:
    """Those of some ids that are files'."""
    found = select(FILE.c.id).where(FILE.c.id.in_(sorted(ids)))
    return [str(id_) for id_ in connection.scalars(found)]
