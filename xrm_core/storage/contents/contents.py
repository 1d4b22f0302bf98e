"""The content of a tenant's files, wherever it lies, and no content that nobody knows of.

A transaction covers the database only. So before content is put into a store its key is written down as one that is to
be removed, in a transaction of its own; the one that stores the file takes it off that list. Whatever happens in
between (a roll-back, a killed process), the key stays on it and is swept up. Content of a removed file is put on the
list by the transaction that removes it. No store is ever searched.
"""

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import structlog

from xrm_core.errors import NotFound
from xrm_core.storage import content_leftovers, file_store
from xrm_core.storage.content_names import BORROWED, is_own
from xrm_core.storage.contents.store import FilesUnavailable, Reader, Store, unavailable
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import OpenedFile, StoredFile

_MAIN = "main"
_WRITING = dt.timedelta(hours=24)
"""How long putting content and storing its file may take together; far longer than any upload."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores that a process knows; all are read.

    New content goes into the first of them, or into the database if there is none, or if it is to go ``inside``.
    """

    all: tuple[Store, ...] = ()
    inside: bool = False

    def of(self, tenant: str) -> "Contents":
        """What a tenant has in them; the empty name stands for the main database."""
        return Contents(self.all, tenant, inside=self.inside)


class Contents:
    """The content of a tenant's files.

    Args:
        stores: the first takes new content, all are read.
        tenant: its name; empty for the main database.
        inside: new content goes into the database all the same.
    """

    def __init__(self, stores: Sequence[Store] = (), tenant: str = "", *, inside: bool = False) -> None:
        self._stores = stores
        self._into = stores[0] if stores and not inside else None
        self._tenant = tenant or _MAIN

    @property
    def scheme(self) -> str | None:
        """Of the store that takes new content; None: the database does."""
        return None if self._into is None else self._into.scheme

    @contextlib.contextmanager
    def put(self, database: Database, file: StoredFile, content: BinaryIO) -> Iterator["Kept"]:
        """Put the content of a new file where such content goes now; the block stores the file.

        It must not be called within a transaction. If the block raises, the content is removed again.

        Raises:
            FilesUnavailable: the store does not take it.
        """
        store = self._into
        if store is None:
            yield Kept(content)
            return
        # Not the id of the file: what was restored from a backup has the same ones, and perhaps the same store.
        id_ = file_store.new_id()
        key = f"{self._tenant}/{id_[-2:]}/{id_}"
        name = f"{store.scheme}:{key}"
        with database.begin() as connection:
            content_leftovers.add(connection, name, dt.datetime.now(dt.UTC) + _WRITING)
        try:
            content.seek(0)
            store.put(key, content, file.size, file.sha256)
            yield Kept(None, name)
        except BaseException:
            with contextlib.suppress(Exception):  # else it is swept up later
                self._remove(database, name)
            raise

    def reader(self, database: Database, file: StoredFile, part: range, timeout: float | None = None) -> Reader:
        """The content of a file, or a part of it.

        Raises:
            NotFound: the file was removed.
            FilesUnavailable: its store does not answer, or does not have it.
        """
        if isinstance(file, OpenedFile) and file.stored is not None and file.read is not None:
            stored = file.stored
            return file.read(lambda inner: self.reader(database, stored, inner, timeout), part)
        if file.content_key is None:
            return _DatabaseReader(database, file.id, part, timeout)
        return self.outside(file.content_key, part)

    def outside(self, name: str, part: range) -> Reader:
        """Content of this name outside of the database. Raises FilesUnavailable."""
        store, key = self._found(name)
        return store.reader(key, part)

    def sweep(self, database: Database, now: dt.datetime | None = None) -> int:
        """Remove the content that no file has; answers how much. What cannot be reached stays for the next time."""
        now = now or dt.datetime.now(dt.UTC)
        return sum(self._sweep(database, now, store.scheme) for store in self._stores)

    def remove_all(self, names: Sequence[str]) -> None:
        """Remove the content of a tenant that is no more. Raises FilesUnavailable: some of it is still there."""
        for name in filter(is_own, names):
            store, key = self._found(name)
            store.remove(key)

    def _sweep(self, database: Database, now: dt.datetime, scheme: str) -> int:
        """The same of one store: one that is down, or is no longer named, holds up no other."""
        removed = 0
        with database.read() as connection:
            names = content_leftovers.due(connection, now, scheme)
        for name in names:
            try:
                removed += self._remove(database, name)
            except FilesUnavailable:
                _log.warning("content_not_removed", tenant=self._tenant, store=scheme)
                break
        return removed

    def _remove(self, database: Database, name: str) -> bool:
        # Claimed first: whoever would still store the file of this content finds that it is too late.
        with database.begin() as connection:
            if not content_leftovers.claim(connection, name):
                return False
        store, key = self._found(name)
        store.remove(key)
        with database.begin() as connection:
            content_leftovers.forget(connection, name)
        return True

    def _found(self, name: str) -> tuple[Store, str]:
        scheme, _, key = name.removeprefix(BORROWED).partition(":")
        for store in self._stores:
            if store.scheme == scheme:
                return store, key
        _log.error("files_unavailable", store=scheme[:10], what="find", kind="not configured")
        raise unavailable()


@dataclass(frozen=True, slots=True)
class Kept:
    """Content that is to become a file's: what goes into the database, or under which name it lies elsewhere."""

    content: BinaryIO | None
    name: str | None = None


class _DatabaseReader:
    """Chunk by chunk, each in a transaction of its own: nobody's slow download holds one open."""

    def __init__(self, database: Database, file_id: str, part: range, timeout: float | None) -> None:
        self._database, self._file_id, self._timeout = database, file_id, timeout
        self._chunks = file_store.chunks_of(part)

    def read(self) -> bytes:
        number, wanted = next(self._chunks, (None, slice(0)))
        if number is None:
            return b""
        with self._database.read(self._timeout) as connection:
            content = file_store.read_chunk(connection, self._file_id, number)
        if content is None:
            raise NotFound("There is no such file, or none that you may read.")
        return content[wanted]

    def close(self) -> None:
        """There is nothing to let go of."""
