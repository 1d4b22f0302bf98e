"""A world with readers of its log: once for each database, emptied of them for each test."""

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network

import pytest
from sqlalchemy import delete

from tests.events.kit import ReaderWorld
from tests.events.webhook_kit import KEY, Hooks
from tests.jobs.conftest import Clock
from tests.outgoing.receiver import Receiver, receiving, well
from tests.postgres import PostgresServer
from tests.records.kit import build
from xrm_core.auth.secret_box import SecretBox
from xrm_core.changes.sealing import seal_all
from xrm_core.events.webhook_sending import WebhookSource
from xrm_core.jobs import clock
from xrm_core.jobs.place import Place
from xrm_core.outgoing import Outgoing
from xrm_core.plugins import Plugins
from xrm_core.storage.engines import Database
from xrm_core.storage.reader_tables import LOG_READER, LOG_WAITING
from xrm_core.storage.webhook_tables import WEBHOOK, WEBHOOK_DELIVERY


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def made_world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReaderWorld]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("events")
        url = f"sqlite:///{folder / 'events.db'}"
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database())
        database = Database(url)
        stack.callback(database.close)
        world = build(database, folder)
        yield ReaderWorld(world, Place("", database, Plugins()))


@pytest.fixture
def world(made_world: ReaderWorld) -> ReaderWorld:
    seal_all(made_world.database, made_world.keys)
    with made_world.database.begin() as connection:
        connection.execute(delete(LOG_READER))
        connection.execute(delete(LOG_WAITING))
    return made_world


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the database stands still unless it is moved."""
    found = Clock(dt.datetime.now(dt.UTC))
    monkeypatch.setattr(clock, "now", lambda _connection: found.moment)
    return found


@pytest.fixture(scope="module")
def loopback() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def hooks(world: ReaderWorld, loopback: Receiver) -> Iterator[Hooks]:
    with world.database.begin() as connection:
        connection.execute(delete(WEBHOOK))
        connection.execute(delete(WEBHOOK_DELIVERY))
    loopback.got.clear()
    loopback.behave(well)
    outgoing = Outgoing([ip_network("127.0.0.0/8")], seconds=0.5)
    yield Hooks(world, loopback, WebhookSource(SecretBox(KEY), outgoing))
    outgoing.close()
