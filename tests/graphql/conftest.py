"""The small world, loaded once for each database: tests only read it."""

from collections.abc import Iterator

import pytest

from tests.graphql import kit, pivot_world, small_world
from tests.graphql.kit import World
from tests.postgres import PostgresServer
from xrm_core.metadata.model import Model


@pytest.fixture(scope="session")
def model() -> Model:
    return kit.load_model()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The small world, on each database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('world') / 'world.db'}"
        yield from _open(model, url)
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as url:
            yield from _open(model, url)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def pivots(request: pytest.FixtureRequest, model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The world of figures, on each database."""
    rights = pivot_world.rights(model)
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('pivots') / 'world.db'}"
        opened = World(model, rights, url, pivot_world.ROWS)
        yield opened
        opened.close()
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as url:
            opened = World(model, rights, url, pivot_world.ROWS)
            yield opened
            opened.close()


def _open(model: Model, url: str) -> Iterator[World]:
    opened = World(model, small_world.rights(model), url, small_world.RECORDS)
    yield opened
    opened.close()
