"""The connection by which a process writes to SQLite: one at a time, kept from each to the next.

Writers queue up before SQLite: to wait there is a busy loop that may starve one of them. To give the connection back to
SQLAlchemy's pool and to take it again costs a write a tenth of its time.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from xrm_core.errors import Busy
from xrm_core.storage.deadlines import Deadlines
from xrm_core.storage.driver_statements import Ahead
from xrm_core.translation import say

WAIT_SECONDS = 30
"""How long a write waits for others on SQLite, of its process or of another: of ``xrm schema apply``, say."""

STOP_AGAIN_SECONDS = 0.005
"""SQLite stops only what it does at that moment, and there may be nothing: Python may be between two statements."""

DEADLINES = Deadlines()


class OneWriter:
    """Of one database.

    Args:
        engine: SQLite.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = threading.Lock()
        self._kept: Connection | None = None
        self._closed = False

    @property
    def kept(self) -> int:
        """How many connections are kept that nobody uses: one or none."""
        return int(self._kept is not None and not self._turn.locked())

    @contextmanager
    def begin(self, timeout: float | None, ahead: Ahead | None) -> Iterator[Connection]:
        """A transaction, as :meth:`~xrm_core.storage.engines.Database.begin` has it.

        Raises:
            Busy: others have written for too long.
            DBAPIError: SQLAlchemy's.
        """
        if not self._turn.acquire(timeout=WAIT_SECONDS):
            raise Busy(
                say("Other changes have held the database for too long; nothing was done."), hint=say("Try again.")
            )
        connection, self._kept = self._kept, None
        try:
            if connection is None:
                connection = self._engine.connect()
            options = connection.get_execution_options()
            with connection.begin():
                if timeout is None:
                    _run(ahead, connection)
                    yield connection
                else:
                    with DEADLINES.within(timeout, _stopping(connection), STOP_AGAIN_SECONDS):
                        _run(ahead, connection)
                        yield connection
            # Who comes next begins as if it was new; and whatever has gone wrong is not there any more.
            if connection.get_execution_options() is options and not self._closed:
                self._kept, connection = connection, None
        finally:
            if connection is not None:
                connection.close()
            self._turn.release()

    def close(self) -> None:
        """Keep none any more; one in use is given back when its transaction ends."""
        self._closed = True
        if self._turn.acquire(blocking=False):
            try:
                connection, self._kept = self._kept, None
                if connection is not None:
                    with suppress(SQLAlchemyError):
                        connection.close()
            finally:
                self._turn.release()


def _stopping(connection: Connection) -> Callable[[], None]:
    driver: Any = connection.connection.driver_connection
    stop: Callable[[], None] = driver.interrupt
    return stop


def _run(ahead: Ahead | None, connection: Connection) -> None:
    if ahead is not None:
        ahead.run(connection)
