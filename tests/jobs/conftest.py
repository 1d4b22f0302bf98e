"""Databases with the system tables, and a clock that tests can set."""

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from sqlalchemy import delete

from tests.jobs.worlds import JobWorld
from tests.postgres import PostgresServer
from tests.records.kit import build
from xrm_core.jobs import clock
from xrm_core.jobs.place import Place
from xrm_core.plugins import Plugins
from xrm_core.storage.engines import Database
from xrm_core.storage.job_tables import JOB, SCHEDULE
from xrm_core.storage.system_upgrade import upgrade_system


@pytest.fixture
def queue_database(database: Database) -> Database:
    """A database with the system tables, once for each kind."""
    upgrade_system(database)
    return database


@dataclass
class Clock:
    """The clock of the database, as jobs see it."""

    moment: dt.datetime = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)

    def forward(self, **span: float) -> None:
        """Let time pass; back with a negative span."""
        self.moment += dt.timedelta(**span)

    def set(self, text: str) -> None:
        """Set it to an RFC 3339 moment."""
        self.moment = dt.datetime.fromisoformat(text)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still unless it is moved."""
    found = Clock()
    monkeypatch.setattr(clock, "now", lambda _connection: found.moment)
    return found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def made_world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobWorld]:
    """The world."""
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("jobs")
        url = f"sqlite:///{folder / 'jobs.db'}"
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database())
        database = Database(url)
        stack.callback(database.close)
        world = build(database, folder)
        yield JobWorld(database, world, Place("", database, Plugins()))


@pytest.fixture
def jobs(made_world: JobWorld) -> JobWorld:
    """The world, without jobs."""
    with made_world.database.begin() as connection:
        connection.execute(delete(JOB))
        connection.execute(delete(SCHEDULE))
    return made_world
