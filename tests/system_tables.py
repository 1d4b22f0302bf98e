"""System tables of SQLite, made from what the revisions said once: those take a while, and all tests need them."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event

from xrm_core.storage import system_upgrade
from xrm_core.storage.mask_hash import new_key

_NOT_KEPT = ("SELECT", "PRAGMA", "INSERT INTO xrm_mask_key")


class Replay:
    """Takes the place of :func:`~xrm_core.storage.system_upgrade.run_revisions`: says to an empty file what they said.

    The first empty file is made by the revisions themselves, and so is all that is not empty, or on PostgreSQL.
    """

    def __init__(self, revisions: Callable[[Connection, str | None], None]) -> None:
        self._revisions = revisions
        self._said: list[tuple[str, Any]] = []

    def __call__(self, connection: Connection, current: str | None) -> None:
        """As the revisions do it."""
        if current is not None or connection.dialect.name != "sqlite":
            self._revisions(connection, current)
        elif self._said:
            driver: Any = connection.connection.driver_connection
            for statement, values in self._said:
                driver.execute(statement, values)
            key = new_key()
            marks = ", ".join(f":{name}" for name in key)
            driver.execute(f"INSERT INTO xrm_mask_key ({', '.join(key)}) VALUES ({marks})", key)
        else:
            said: list[tuple[str, Any]] = []

            def hear(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
                if not statement.lstrip().startswith(_NOT_KEPT):
                    said.append((statement, values))

            event.listen(connection, "before_cursor_execute", hear)
            try:
                self._revisions(connection, None)
            finally:
                event.remove(connection, "before_cursor_execute", hear)
            self._said = said


def replayed() -> Replay:
    """In the place of the revisions from now on."""
    replay = Replay(system_upgrade.run_revisions)
    system_upgrade.run_revisions = replay
    return replay
