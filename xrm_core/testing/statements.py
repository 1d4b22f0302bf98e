"""Which statements the database was asked meanwhile: what a request costs must not grow with the data."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from xrm_core.storage.engines import Database
from xrm_core.storage.pq_connection import PqConnection
from xrm_core.storage.prepared_steps import PreparedSteps, Step, Text
from xrm_core.storage.sqlite_reader import SqliteReader
from xrm_core.telemetry.request import REQUEST

_AROUND = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA", "SET ", "--")
"""Beginnings of what keeps transactions together, and of the remarks of SQLite on triggers."""

_ASKS_WHO = ("xrm-auth", "xrm-seen")
"""Threads that find out who is asking: that is done once in a while, whatever is asked."""


class Statements:
    """Those of one database. Kept are those of requests and of the thread that wants to know, but nothing of what a
    server does by itself.

    Args:
        database: of the app, of which nothing has been asked yet.
        patch: undone at the end of the test.
    """

    def __init__(self, database: Database, patch: pytest.MonkeyPatch) -> None:
        self._database = database
        self._seen: list[str] | None = None
        self._thread = 0
        if database.is_sqlite:
            self._watch_sqlite(patch)
        else:
            self._watch_postgres(patch)

    @contextmanager
    def counted(self, most: int | None) -> Iterator[list[str]]:
        """Those that are asked in here, as texts; more than ``most`` are an AssertionError."""
        seen: list[str] = []
        self._seen, self._thread = seen, threading.get_ident()
        # Some statements go to the driver at once unless somebody listens (``driver_calls``).
        hears = not self._database.is_sqlite
        if hears:
            event.listen(self._database.engine, "before_cursor_execute", self._heard)
        try:
            yield seen
        finally:
            self._seen = None
            if hears:
                event.remove(self._database.engine, "before_cursor_execute", self._heard)
        if most is not None and len(seen) > most:
            told = "\n".join(f"  {text}" for text in seen)
            raise AssertionError(f"{len(seen)} statements, not {most} at most:\n{told}")

    def _note(self, text: str) -> None:
        seen = self._seen
        if seen is None or text.lstrip().upper().startswith(_AROUND):
            return
        asked = REQUEST.get() is not None and not threading.current_thread().name.startswith(_ASKS_WHO)
        if asked or threading.get_ident() == self._thread:
            seen.append(text)

    def _heard(self, _connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        self._note(text)

    def _watch_sqlite(self, patch: pytest.MonkeyPatch) -> None:
        open_ = SqliteReader._open

        def opened(reader: SqliteReader) -> Any:
            connection = open_(reader)
            connection.set_trace_callback(self._note)
            return connection

        def connected(connection: Any, _record: Any) -> None:
            connection.set_trace_callback(self._note)

        patch.setattr(SqliteReader, "_open", opened)
        event.listen(self._database.engine, "connect", connected)

    def _watch_postgres(self, patch: pytest.MonkeyPatch) -> None:
        answer = PqConnection.answer

        async def asked(connection: PqConnection, sql: str, values: tuple[Any, ...]) -> bytes | None:
            self._note(sql)
            return await answer(connection, sql, values)

        patch.setattr(PqConnection, "answer", asked)
        # Those that plugins' documents become go by libpq as well, alone or several at once.
        run, add = PreparedSteps.run, PreparedSteps.add

        def ran(steps: PreparedSteps, text: Text, values: Sequence[Any], *, prepares: bool = True) -> Any:
            self._note(text.sql)
            return run(steps, text, values, prepares=prepares)

        def added(steps: PreparedSteps, to: list[Step], text: Text, values: Sequence[Any]) -> None:
            self._note(text.sql)
            add(steps, to, text, values)

        patch.setattr(PreparedSteps, "run", ran)
        patch.setattr(PreparedSteps, "add", added)
