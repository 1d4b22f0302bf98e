"""Uploads in the database: begun, grown piece by piece, read when they are whole, and let go.

A piece is taken only at the place at which the upload stands. That is looked at by the statement that moves it, so of
two who send to one upload at the same time one is told that it has moved on; nothing of theirs is mixed.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, delete, func, insert, select, update

from xrm_core.storage.file_tables import CHUNK_BYTES
from xrm_core.storage.upload_tables import UPLOAD, UPLOAD_CHUNK


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload as it stands. ``size`` and ``received`` in bytes; ``sha256``: what its sender says of the
    whole. The file that it becomes is a version of ``former_id``. Of a ``sealed`` one that has all that was said.
    """

    id: str
    name: str
    media_type: str | None
    size: int
    sha256: str | None
    received: int
    expires_at: dt.datetime
    former_id: str | None = None
    sealed: str | None = None


class Coat(Protocol):
    """How chunks are stored: as they are, if there is none."""

    def seal(self, number: int, clear: bytes) -> bytes:
        """A chunk as it is stored."""
        ...

    def open(self, number: int, stored: bytes) -> bytes:
        """A chunk in clear."""
        ...


_COLUMNS = tuple(UPLOAD.c[name] for name in Upload.__dataclass_fields__)


def begin(connection: Connection, upload: Upload, created_by: str) -> None:
    """Keep a new upload."""
    values = {column.name: getattr(upload, column.name) for column in _COLUMNS}
    connection.execute(insert(UPLOAD).values(**values, created_by=created_by))


def find(connection: Connection, upload_id: str, created_by: str, now: dt.datetime) -> Upload | None:
    """The upload of this id, if it is this sender's and has not expired."""
    chosen = UPLOAD.c.id == upload_id, UPLOAD.c.created_by == created_by, UPLOAD.c.expires_at > now
    row = connection.execute(select(*_COLUMNS).where(*chosen)).first()
    if row is None:
        return None
    return Upload(**{**row._mapping, "expires_at": dt.datetime.fromisoformat(row.expires_at)})


def count(connection: Connection, created_by: str, now: dt.datetime) -> int:
    """How many uploads a sender has under way."""
    mine = UPLOAD.c.created_by == created_by, UPLOAD.c.expires_at > now
    return connection.scalar(select(func.count()).select_from(UPLOAD).where(*mine)) or 0


def append(
    connection: Connection,
    upload: Upload,
    content: bytes,
    expires_at: dt.datetime,
    sealed: str | None = None,
    coat: Coat | None = None,
) -> bool:
    """Add a piece; False, and nothing is done, if the upload does not stand so any longer or is gone.

    Args:
        connection: in a write transaction.
        upload: as it stands.
        content: the piece, in clear.
        expires_at: of the upload from now on.
        sealed: what its sender has said, as it is sealed from now on.
        coat: in which chunks are stored.
    """
    upload_id, offset = upload.id, upload.received
    standing = UPLOAD.c.id == upload_id, UPLOAD.c.received == offset
    values = {"received": offset + len(content), "expires_at": expires_at, "sealed": sealed}
    moved = update(UPLOAD).where(*standing).values(values)
    if connection.execute(moved).rowcount != 1:
        return False
    number, filled = divmod(offset, CHUNK_BYTES)
    if filled:  # the last chunk is not full: it is written anew, with what comes
        last = UPLOAD_CHUNK.c.upload_id == upload_id, UPLOAD_CHUNK.c.number == number
        before = connection.scalar(select(UPLOAD_CHUNK.c.content).where(*last))
        stored = bytes(before or b"")
        content = (stored if coat is None else coat.open(number, stored)) + content
        connection.execute(delete(UPLOAD_CHUNK).where(*last))
    for begin_at in range(0, len(content), CHUNK_BYTES):
        piece = content[begin_at : begin_at + CHUNK_BYTES]
        stored = piece if coat is None else coat.seal(number, piece)
        connection.execute(insert(UPLOAD_CHUNK).values(upload_id=upload_id, number=number, content=stored))
        number += 1
    return True


def pieces(connection: Connection, upload_id: str, coat: Coat | None = None) -> Iterator[bytes]:
    """What has come so far in clear, chunk by chunk."""
    number = 0
    while True:
        chosen = UPLOAD_CHUNK.c.upload_id == upload_id, UPLOAD_CHUNK.c.number == number
        content = connection.scalar(select(UPLOAD_CHUNK.c.content).where(*chosen))
        if content is None:
            return
        yield bytes(content) if coat is None else coat.open(number, bytes(content))
        number += 1


def end(connection: Connection, upload_id: str, offset: int | None = None) -> bool:
    """Let go of an upload with its content; False if it is gone, or does not stand at ``offset`` if that is given."""
    standing = UPLOAD.c.id == upload_id, *(() if offset is None else (UPLOAD.c.received == offset,))
    return connection.execute(delete(UPLOAD).where(*standing)).rowcount == 1


def end_versions_of(connection: Connection, file_ids: Sequence[str]) -> None:
    """Let go of uploads that are to be a version of one of these files."""
    connection.execute(delete(UPLOAD).where(UPLOAD.c.former_id.in_(file_ids)))


def remove_expired(connection: Connection, now: dt.datetime) -> int:
    """Let go of all uploads that have expired; answers how many."""
    return connection.execute(delete(UPLOAD).where(UPLOAD.c.expires_at <= now)).rowcount
