"""Both databases side by side, to be asked the same."""

import os
from collections.abc import Iterator

import pytest

from tests.graphql import kit
from tests.graphql.kit import World
from tests.postgres import PostgresServer
from tests.query.virtual_world import WORLD
from xrm_core.graphql.limits import DocumentLimits
from xrm_core.metadata.model import Model

_RANDOM = DocumentLimits(aliases=10_000, fields=100_000)
"""Random documents have an alias at nearly every field."""


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
    found = {"sqlite": World(model, nothing, f"sqlite:///{path}", {}, documents=_RANDOM)}
    if os.environ.get("XRM_TEST_POSTGRES") == "off":
        yield found
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as url:
            found["postgresql"] = World(model, nothing, url, {}, documents=_RANDOM)
            yield found
            found["postgresql"].close()
    found["sqlite"].close()
