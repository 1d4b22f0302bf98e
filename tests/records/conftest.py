from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import delete

from tests.postgres import PostgresServer
from tests.records.kit import World, build
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.engines import Database
from xrm_core.storage.trash_tables import TRASH


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return build(database, tmp_path)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database_of_module(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """An empty database for the tests of a module, once for each kind."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path_factory.mktemp('module') / 'test.db'}"
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database())
        opened = Database(url)
        stack.callback(opened.close)
        yield opened


def wipe(world: World) -> World:
    """The world with nothing but its users, as it was made: for the next test, since to make one takes longer."""
    with world.database.begin() as connection:
        for entity in world.model:
            table = world.records.tables[entity.name]
            connection.execute(delete(table).where(table.c.id.not_in(list(world.users.values()))))
        for table in (CHANGE, TRASH):
            connection.execute(delete(table))
    return world
