"""Servers that go from test to test, as long as no test leaves a change in their databases: to make one takes longer
than most tests."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import pytest
from sqlalchemy import Table, func, select, union_all

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
    _held: dict[str, tuple[T, ExitStack, object]] = field(default_factory=dict)

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
            self._held[kind] = made, stack, sight(made)
        made, stack, before = self._held[kind]
        try:
            yield made
        finally:
            if sight(made) != before:
                del self._held[kind]
                stack.close()

    def close(self) -> None:
        """At the end."""
        for _, stack, _ in self._held.values():
            stack.close()
        self._held.clear()


def sight(of: Kind) -> object:
    """All records, and how much there is of anything else."""
    tables: list[Table] = [of.records.tables[entity.name] for entity in of.records.model]
    # The server seals the log of changes by itself, some seconds after they were made.
    kept = [table for table in METADATA.sorted_tables if table is not CHANGE_BATCH]
    counts = [select(func.count()).select_from(table) for table in kept]
    with of.database.read() as connection:
        records = [connection.execute(select(table).order_by(table.c.id)).all() for table in tables]
        return records, connection.scalars(union_all(*counts)).all()
