"""Both databases side by side, to be asked the same."""

import os
from collections.abc import Iterator

import pytest

from tests.graphql import kit
from tests.graphql.kit import World, uid
from tests.postgres import PostgresServer
from tests.query.random_worlds import RANDOM, Open, opener
from tests.query.two_ways import Ways
from tests.query.virtual_world import WORLD
from xrm_core.metadata.model import Model


@pytest.fixture(scope="session")
def model() -> Model:
    return kit.load_model(WORLD)


@pytest.fixture(scope="session")
def worlds(
    request: pytest.FixtureRequest, model: Model, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, World]]:
    """An empty world on each database, by its name; PostgreSQL is missing if it is off."""
    nothing = kit.policies(model, [], {})
    path = tmp_path_factory.mktemp("worlds") / "world.db"
    found = {"sqlite": World(model, nothing, f"sqlite:///{path}", {}, documents=RANDOM)}
    if os.environ.get("XRM_TEST_POSTGRES") == "off":
        yield found
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as url:
            found["postgresql"] = World(model, nothing, url, {}, documents=RANDOM)
            yield found
            found["postgresql"].close()
    found["sqlite"].close()


@pytest.fixture(scope="session")
def ways(worlds: dict[str, World]) -> dict[str, Ways]:
    """Both databases, to be asked in both ways."""
    return {name: Ways(world) for name, world in worlds.items()}


@pytest.fixture(params=["sqlite", "postgresql"])
def open_way(request: pytest.FixtureRequest, model: Model, ways: dict[str, Ways]) -> Ways:
    """A database whose role may read everything."""
    if request.param not in ways:
        pytest.skip("PostgreSQL is off (XRM_TEST_POSTGRES=off)")
    way = ways[request.param]
    way.world.change_rights(kit.policies(model, ["role,*,read,*,,allow"], {}))
    way.world.fill({"person": [{"id": uid(1), "name": "Ada"}], "firm": [{"id": uid(101), "name": "a"}]})
    return way


@pytest.fixture(scope="session")
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Open:
    """Opens random models on both databases; PostgreSQL is missing if it is off."""
    off = os.environ.get("XRM_TEST_POSTGRES") == "off"
    return opener(None if off else request.getfixturevalue("postgres_server"), tmp_path_factory)
