"""Databases for the tests of storage: a second one to compare with, one that is a PostgreSQL."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from xrm_core.storage.engines import Database


@pytest.fixture
def another_database(database: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A fresh one without a model, of the same kind as ``database``."""
    yield from _another(database, request, tmp_path, empty=False)


@pytest.fixture
def another_empty_database(database: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """The same without system tables."""
    yield from _another(database, request, tmp_path, empty=True)


def _another(database: Database, request: pytest.FixtureRequest, tmp_path: Path, *, empty: bool) -> Iterator[Database]:
    with ExitStack() as stack:
        if database.is_sqlite:
            url = f"sqlite:///{tmp_path / 'another.db'}"
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database(empty=empty))
        opened = Database(url)
        yield opened
        opened.close()


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Database]:
    """A fresh empty PostgreSQL."""
    opened = Database(postgres_url)
    yield opened
    opened.close()
