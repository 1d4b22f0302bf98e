"""System tables made from what the revisions said once: those take a while, and all tests need them."""

from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError

from tests.records.prepared_worlds import change_mask_key
from xrm_core.storage import apply, extensions, system_upgrade
from xrm_core.storage.engines import Database
from xrm_core.storage.mask_hash import new_key
from xrm_core.storage.system import MASK_KEY

_NOT_KEPT = ("SELECT", "PRAGMA", "INSERT INTO xrm_mask_key")

_EXTENSIONS = """SELECT extname, nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
    ORDER BY extname"""


class Replay:
    """Takes the place of :func:`~xrm_core.storage.system_upgrade.run_revisions`: tells an empty database the same.

    The first empty one of each kind is made by the revisions themselves, and so is all that is not empty. On PostgreSQL
    what they say depends on the extensions that are there, and all of it goes at once.
    """

    def __init__(self, revisions: Callable[[Connection, str | None], None]) -> None:
        self._revisions = revisions
        self._said: dict[object, list[tuple[str, Any]]] = {}

    def __call__(self, connection: Connection, current: str | None) -> None:
        """As the revisions do it."""
        if current is not None:
            self._revisions(connection, current)
            return
        kind = _kind(connection)
        if kind not in self._said:
            self._said[kind] = self._heard(connection)
        elif connection.dialect.name == "sqlite":
            driver: Any = connection.connection.driver_connection
            for statement, values in self._said[kind]:
                driver.execute(statement, values)
            connection.execute(MASK_KEY.insert().values(**new_key()))
        else:
            try:
                with connection.begin_nested():
                    _say_at_once(connection, [statement for statement, _ in self._said[kind]])
            except DBAPIError:
                self._revisions(connection, None)  # they know what to say about it

    def _heard(self, connection: Connection) -> list[tuple[str, Any]]:
        said: list[tuple[str, Any]] = []

        def hear(_connection: Any, _cursor: Any, statement: str, values: Any, context: Any, _many: bool) -> None:
            if statement.lstrip().startswith(_NOT_KEPT):
                return
            if connection.dialect.name != "sqlite":
                assert not values, "what goes at once has no placeholders"
                raw = context.execution_options.get("no_parameters", False)
                statement = statement if raw else statement.replace("%%", "%")
            said.append((statement, values))

        event.listen(connection, "before_cursor_execute", hear)
        try:
            self._revisions(connection, None)
        finally:
            event.remove(connection, "before_cursor_execute", hear)
        return said


class Copies:
    """Takes the place of :func:`~xrm_core.storage.system_upgrade.upgrade_system`, which then finds nothing to do where
    a file of SQLite was not there yet: it is a copy of one that has the system tables, with a key of masks of its own.
    """

    def __init__(self, upgrade: Callable[[Database], None]) -> None:
        self._upgrade = upgrade
        self._pattern: bytes | None = None

    def __call__(self, database: Database) -> None:
        """As the platform does it."""
        name = database.url.database if database.is_sqlite else None
        if name and ":" not in name and not Path(name).exists() and Path(name).parent.is_dir():
            self._copy(Path(name))
        self._upgrade(database)

    def _copy(self, place: Path) -> None:
        """At once, or not at all if somebody else is quicker."""
        with TemporaryDirectory(dir=place.parent) as folder:
            file = Path(folder, place.name)
            file.write_bytes(self._made())
            change_mask_key(file)
            with suppress(FileExistsError):
                place.hardlink_to(file)

    def _made(self) -> bytes:
        if self._pattern is None:
            with TemporaryDirectory() as folder:
                file = Path(folder, "pattern.db")
                with closing(Database(f"sqlite:///{file}")) as database:
                    self._upgrade(database)
                self._pattern = file.read_bytes()
                assert not file.with_name("pattern.db-wal").exists()
        return self._pattern


def _kind(connection: Connection) -> object:
    if connection.dialect.name == "sqlite":
        return "sqlite"
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({extensions._ADVISORY_LOCK})")
    return tuple(map(tuple, connection.exec_driver_sql(_EXTENSIONS)))


def _say_at_once(connection: Connection, statements: list[str]) -> None:
    driver: Any = connection.connection.driver_connection
    driver.execute(";\n".join(statements))
    connection.execute(MASK_KEY.insert().values(**new_key()))


def replayed() -> Replay:
    """In the place of the revisions from now on."""
    replay = Replay(system_upgrade.run_revisions)
    system_upgrade.run_revisions = replay
    copies = Copies(system_upgrade.upgrade_system)
    for module in (system_upgrade, apply):
        module.upgrade_system = copies  # type: ignore[attr-defined]
    return replay
