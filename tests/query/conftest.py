"""Both databases side by side, to be asked the same."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.graphql import kit
from tests.graphql.kit import World
from tests.postgres import PostgresServer
from xrm_core.metadata.model import Model

_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
# By day the same examples each time, and no shrinking, which takes minutes: XRM_HYPOTHESIS=night shrinks what fails.
_FOUND = [Phase.explicit, Phase.generate]
settings.register_profile(
    "day", max_examples=40, deadline=None, suppress_health_check=_QUIET, derandomize=True, phases=_FOUND
)
settings.register_profile("night", max_examples=2000, deadline=None, suppress_health_check=_QUIET)
settings.load_profile(os.environ.get("XRM_HYPOTHESIS", "day"))


@pytest.fixture(scope="session")
def model() -> Model:
    return kit.load_model()


@pytest.fixture(scope="session")
def worlds(
    request: pytest.FixtureRequest, model: Model, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, World]]:
    """An empty world on each database, by its name; PostgreSQL is missing if it is off."""
    nothing = kit.policies(model, [], {})
    found = {"sqlite": World(model, nothing, f"sqlite:///{tmp_path_factory.mktemp('worlds') / 'world.db'}", {})}
    if os.environ.get("XRM_TEST_POSTGRES") == "off":
        yield found
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as url:
            found["postgresql"] = World(model, nothing, url, {})
            yield found
            found["postgresql"].close()
    found["sqlite"].close()
