"""The fixtures. Those of a session can be given anew in a ``conftest.py``, and so can ``xrm_setup`` in each module."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from xrm_core.testing.app import Xrm
from xrm_core.testing.prepared import Prepared
from xrm_core.testing.setup import Setup

POSTGRES = "XRM_TESTING_POSTGRES"
"""Environment variable: URL of a PostgreSQL server on which the tests may make databases."""

Prepare = Callable[[Setup], Prepared]


@pytest.fixture(scope="session")
def xrm_postgres() -> str | None:
    """URL of a PostgreSQL server on which databases may be made and dropped; None: there is none."""
    return os.environ.get(POSTGRES) or None


@pytest.fixture(params=["sqlite", *(["postgresql"] if os.environ.get(POSTGRES) else [])])
def xrm_database(request: pytest.FixtureRequest) -> str:
    """The kind of database. SQLite always; once more on PostgreSQL if ``XRM_TESTING_POSTGRES`` names one."""
    return str(request.param)


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    """What there is in the app of ``xrm``: all installed plugins on the core pack. Give another one in its place."""
    return Setup()


@pytest.fixture(scope="session")
def xrm_setups(tmp_path_factory: pytest.TempPathFactory, xrm_postgres: str | None) -> Iterator[Prepare]:
    """A function that makes a setup ready, each once in a session."""
    made: dict[int, tuple[Setup, Prepared]] = {}

    def prepare(setup: Setup) -> Prepared:
        if id(setup) not in made:
            made[id(setup)] = setup, Prepared(setup, tmp_path_factory.mktemp("xrm"), xrm_postgres)
        return made[id(setup)][1]

    yield prepare
    for _, prepared in made.values():
        prepared.close()


@pytest.fixture
def xrm_with(
    xrm_setups: Prepare, xrm_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Setup], Xrm]]:
    """A function that makes an app with another setup, for tests that need several."""
    with ExitStack() as stack:

        def make(setup: Setup) -> Xrm:
            folder: Path = tmp_path_factory.mktemp("app")
            return stack.enter_context(xrm_setups(setup).app(xrm_database, folder))

        yield make


@pytest.fixture
def xrm(xrm_with: Callable[[Setup], Xrm], xrm_setup: Setup) -> Xrm:
    """The app: a real server on a database of its own, which is as it was made at the beginning of each test."""
    return xrm_with(xrm_setup)
