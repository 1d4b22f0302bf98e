"""A server on which people sign in, started once for each database; each test makes people of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.auth.kit import House, opened
from tests.postgres import PostgresServer
from xrm_core.auth import authenticator


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The server."""
    folder = tmp_path_factory.mktemp("house")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(authenticator, "REMEMBER_SECONDS", 0.0)  # what ends has ended at the next request
        yield from _houses(request, folder)


def _houses(request: pytest.FixtureRequest, folder: Path) -> Iterator[House]:
    if request.param == "sqlite":
        with opened(f"sqlite:///{folder / 'house.db'}", folder) as house:
            yield house
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as url, opened(url, folder) as house:
            yield house


@pytest.fixture
def house(shared_house: House) -> House:
    """The server, with a client that has no cookies."""
    shared_house.http.cookies.clear()
    return shared_house
