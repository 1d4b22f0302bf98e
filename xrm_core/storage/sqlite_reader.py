"""Reads on SQLite: what is quick in the event loop, the rest in threads."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from xrm_core.storage import folding, mask_hash, matching, periods, phone
from xrm_core.storage.engines import SQLITE_PRAGMAS, Database, set_pragmas, tables_changed
from xrm_core.storage.one_writer import STOP_AGAIN_SECONDS
from xrm_core.storage.readers import Call, understood
from xrm_core.storage.sqlite_quick import QUICK_SECONDS, QuickReads, answers, version
from xrm_core.telemetry.pool_use import PoolUse
from xrm_core.telemetry.threads import ThreadPool

SQLITE_THREADS = 4


class SqliteReader:
    """One read-only connection for the event loop, one for each thread; no more than one thread hop per document.

    Args:
        database: an SQLite database.
        timeout: seconds that a document may take.
    """

    def __init__(self, database: Database, timeout: float) -> None:
        self.dialect = database.dialect
        self._path = database.url.database or ""
        self._timeout = timeout
        self._threads = ThreadPool(SQLITE_THREADS, "xrm-read")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._quick: QuickReads | None = None
        self._opening_quick = threading.Lock()
        self._renewed = 0

    def at_once(self, calls: Sequence[Call], tables: int | None = None) -> list[bytes | None] | None:
        """See :class:`~xrm_core.storage.readers.Reader`."""
        return None if self._quick is None else self._quick.fetch(calls, tables)

    async def fetch(
        self,
        calls: Sequence[Call],
        tables: int | None = None,
        seconds: float | None = None,
        *,
        wide: bool = False,  # noqa: ARG002
    ) -> list[bytes | None]:
        """See :class:`~xrm_core.storage.readers.Reader`."""
        found = self.at_once(calls, tables)
        if found is not None:
            return found
        loop = asyncio.get_running_loop()
        job = _Job(seconds or self._timeout)
        limit: asyncio.TimerHandle

        def stop() -> None:
            nonlocal limit
            if job.stop():
                limit = loop.call_later(STOP_AGAIN_SECONDS, stop)

        limit = loop.call_later(job.seconds, stop)
        try:
            return await loop.run_in_executor(self._threads, self._fetch, calls, job, tables)
        except asyncio.CancelledError:
            loop.call_soon(stop)
            raise
        finally:
            limit.cancel()

    def _fetch(self, calls: Sequence[Call], job: "_Job", tables: int | None) -> list[bytes | None]:
        try:
            connection = self._connection()
            quick = self._quick or self._open_quick()
            job.begin(connection)
            try:
                started = time.thread_time()
                found = answers(connection, calls)
                if tables is not None and version(connection) != tables:
                    raise tables_changed()
                if time.thread_time() - started < QUICK_SECONDS / 2:
                    quick.is_quick(calls)
            finally:
                job.end()
        except sqlite3.OperationalError as error:
            raise (understood(error, job.seconds) or error) from error
        return found

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None or self._local.renewed != self._renewed:
            if found is not None:
                self._close(found)
            self._local.renewed = self._renewed
            found = self._local.connection = self._open()
        return found

    def renew(self) -> None:
        """Open connections anew before their next use: they then plan by the newest statistics."""
        self._renewed += 1
        if self._quick is not None:
            quick, self._quick = self._quick, None
            self._close(quick.connection)

    def _close(self, connection: sqlite3.Connection) -> None:
        self._opened.remove(connection)
        connection.close()

    def _open_quick(self) -> QuickReads:
        """Made in a thread, since opening a file may wait for others that have it open."""
        with self._opening_quick:
            if self._quick is None:
                self._quick = QuickReads(self._open())
            return self._quick

    def _open(self) -> sqlite3.Connection:
        # what is read is there: were it made, a file that was removed just now would be there again
        uri = f"{Path(self._path).absolute().as_uri()}?mode=rw"
        found = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=512)
        set_pragmas(found, (*SQLITE_PRAGMAS, "query_only=ON", "mmap_size=268435456"))
        found.text_factory = bytes
        folding.teach(found)
        periods.teach(found)
        phone.teach(found)
        matching.teach(found)
        mask_hash.teach(found)
        self._opened.append(found)
        return found

    def use(self) -> PoolUse:
        """See :class:`~xrm_core.storage.readers.Reader`."""
        return PoolUse(len(self._opened), self._threads.busy, self._threads.waiting)

    async def close(self) -> None:
        """See :class:`~xrm_core.storage.readers.Reader`."""
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)
        for connection in self._opened:
            connection.close()


class _Job:
    """One document's use of a connection. It can be stopped at any moment, also while it waits for a thread."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._stopped = False

    def begin(self, connection: sqlite3.Connection) -> None:
        """Take a connection; OperationalError if the job was stopped before."""
        with self._lock:
            if self._stopped:
                raise sqlite3.OperationalError("interrupted")
            self._connection = connection

    def end(self) -> None:
        """Give the connection back: from now on it is another job's."""
        with self._lock:
            self._connection = None

    def stop(self) -> bool:
        """End the statement that runs, and refuse those to come.

        Answers whether to do so again: SQLite takes no notice of it in the moment before a statement begins.
        """
        with self._lock:
            self._stopped = True
            if self._connection is None:
                return False
            self._connection.interrupt()
            return True
