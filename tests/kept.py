"""Servers that go from test to test, as long as no test leaves a change in their databases: to make one takes longer
than most tests."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import pytest
from sqlalchemy import Table, func, select, text, union_all

from tests.postgres import PostgresServer
from xrm_core.records.door import Records
from xrm_core.storage.change_tables import CHANGE_BATCH
from xrm_core.storage.engines import Database
from xrm_core.storage.system import METADATA


class Kind(Protocol):
    """What can be kept: something with a database and its records."""

    @property
    def database(self) -> Database: ...

    @property
    def records(self) -> Records: ...


T = TypeVar("T", bound=Kind)


@dataclass
class Kept(Generic[T]):
    """One for each kind of database.

    Args:
        make: makes one on an empty database, with a folder of its own.
    """

    make: Callable[[Database, Path], AbstractContextManager[T]]
    request: pytest.FixtureRequest
    folders: pytest.TempPathFactory
    _held: dict[str, "_Held[T]"] = field(default_factory=dict)

    @contextmanager
    def lent(self, kind: str) -> Iterator[T]:
        """One of this kind of database, of which nobody can tell that others had it before."""
        if kind not in self._held:
            stack = ExitStack()
            folder = self.folders.mktemp("kept")
            url = f"sqlite:///{folder / 'kept.db'}"
            if kind == "postgresql":
                server: PostgresServer = self.request.getfixturevalue("postgres_server")
                url = stack.enter_context(server.database())
            database = Database(url)
            stack.callback(database.close)
            made = stack.enter_context(self.make(database, folder))
            self._held[kind] = _Held(made, stack, _writes(database, stack))
        held = self._held[kind]
        try:
            yield held.made
        finally:
            if held.has_changed():
                del self._held[kind]
                held.stack.close()

    def close(self) -> None:
        """At the end."""
        for held in self._held.values():
            held.stack.close()
        self._held.clear()


class _Held(Generic[T]):
    """One that was made.

    Args:
        made: it.
        stack: closes it.
        writes: a value that is another one as soon as anybody has written into its database.
    """

    def __init__(self, made: T, stack: ExitStack, writes: Callable[[], object]) -> None:
        self.made, self.stack, self._writes = made, stack, writes
        self._written = writes()  # before the look: what is written meanwhile is looked at again
        self._sight = sight(made)

    def has_changed(self) -> bool:
        """Whether there is something else than at the beginning; most tests only read, and that is seen at once."""
        written = self._writes()
        if written == self._written:
            return False
        self._written = written
        return sight(self.made) != self._sight


def _writes(database: Database, stack: ExitStack) -> Callable[[], object]:
    if not database.is_sqlite:
        statement = text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")  # who writes takes the next number

        def newest() -> object:
            with database.read() as connection:
                return connection.scalar(statement)

        return newest
    watching = stack.enter_context(closing(sqlite3.connect(str(database.url.database), check_same_thread=False)))
    return lambda: watching.execute("PRAGMA data_version").fetchone()  # of what others have committed


def sight(of: Kind) -> object:
    """All records, and how much there is of anything else."""
    tables: list[Table] = [of.records.tables[entity.name] for entity in of.records.model]
    # The server seals the log of changes by itself, some seconds after they were made.
    kept = [table for table in METADATA.sorted_tables if table is not CHANGE_BATCH]
    counts = [select(func.count()).select_from(table) for table in kept]
    with of.database.read() as connection:
        records = [connection.execute(select(table).order_by(table.c.id)).all() for table in tables]
        return records, connection.scalars(union_all(*counts)).all()
