"""Servers for tests that leave little behind."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.kept import Kept
from tests.postgres import PostgresServer
from tests.server.door_world import DoorWorld, door_world
from tests.server.http_kit import Client, serving
from xrm_core.auth import authenticator
from xrm_core.storage.engines import Database


@pytest.fixture(scope="module")
def clients(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept[Client]]:
    """Servers with the world of ``tests/records/kit.py``."""
    kept = Kept(serving, request, tmp_path_factory)
    yield kept
    kept.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def client(request: pytest.FixtureRequest, clients: Kept[Client]) -> Iterator[Client]:
    """A client of a server that may have served other tests, once for each kind of database."""
    with clients.lent(request.param) as found:
        yield found


@pytest.fixture
def fresh_client(database: Database, tmp_path: Path) -> Iterator[Client]:
    """A client of a server that has served nobody: for tests that break it, or of what it remembers."""
    with serving(database, tmp_path) as found:
        yield found


@pytest.fixture
def remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers remember who was let in for as long as a test may take on a slow machine."""
    monkeypatch.setattr(authenticator, "REMEMBER_SECONDS", 300.0)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DoorWorld]:
    """One world for all tests of a module, once for each kind of database: each empties it before it begins."""
    folder = tmp_path_factory.mktemp("door")
    with ExitStack() as stack:
        url = f"sqlite:///{folder / 'door.db'}"
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database())
        database = stack.enter_context(closing(Database(url)))
        yield stack.enter_context(door_world(database, folder))
