"""Hears from PostgreSQL that somebody has enqueued a job, so that it is not left until the next look.

Only a convenience: what is not heard, because the connection was lost or a pooler stands in between, is found by
looking. All tenants of a database have one channel.
"""

import threading
from collections.abc import Callable
from typing import Any

import psycopg

from xrm_core.jobs.enqueue import CHANNEL
from xrm_core.storage.engines import POSTGRES_CONNECTION, Database

_LOOK_SECONDS, _AGAIN_SECONDS = 1.0, 5.0


class Listener:
    """A connection that listens, in a thread of its own.

    Args:
        database: on PostgreSQL.
        wake: called when something was enqueued.
    """

    def __init__(self, database: Database, wake: Callable[[], None]) -> None:
        arguments, more = database.dialect.create_connect_args(database.url)
        self._arguments: list[Any] = list(arguments)
        self._more: dict[str, Any] = {**POSTGRES_CONNECTION, **more, "autocommit": True}
        self._wake = wake
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="xrm-job-listener", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End; waits until the connection is closed."""
        self._over.set()
        self._thread.join(2 * _LOOK_SECONDS)

    def _listen(self) -> None:
        while not self._over.is_set():
            try:
                with psycopg.connect(*self._arguments, **self._more) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._wake()  # for what came before
                    while not self._over.is_set():
                        for _ in connection.notifies(timeout=_LOOK_SECONDS, stop_after=1):
                            self._wake()
            except psycopg.Error:
                self._over.wait(_AGAIN_SECONDS)
