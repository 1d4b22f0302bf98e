"""Servers that go from test to test: whoever leaves something behind is the last who has that one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from tests.kept import Kept
from tests.records.kit import World, build
from xrm_core.auth.events import Event
from xrm_core.auth.tokens import create_token
from xrm_core.storage.engines import Database
from xrm_core.storage.system import AUTH_EVENT, NOTICE, TOKEN


@contextmanager
def world(database: Database, folder: Path) -> Iterator[World]:
    yield build(database, folder)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_one_is_lent_again_until_something_stays_behind(
    kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kept = Kept(world, request, tmp_path_factory)
    try:
        # Given one who only reads, and one who takes back what they wrote
        with kept.lent(kind) as first:
            assert first.stored("customer", first.users["anna"]) is None
        with kept.lent(kind) as second, second.database.begin() as connection:
            create_token(connection, second.users["anna"], "test")
            told = AUTH_EVENT.c.event == Event.TOKEN_CREATED.value
            for statement in (delete(TOKEN), delete(NOTICE), delete(AUTH_EVENT).where(told)):
                connection.execute(statement)
        # When somebody leaves a row of the system behind, and somebody another name
        with kept.lent(kind) as third, third.database.begin() as connection:
            create_token(connection, third.users["anna"], "test")
        with kept.lent(kind) as fourth, fourth.database.begin() as connection:
            connection.execute(update(fourth.records.tables["user"]).values(name="Eve"))
        # Then each is the last who has had it
        with kept.lent(kind) as fifth:
            assert first is second is third
            assert len({id(each) for each in (third, fourth, fifth)}) == 3
    finally:
        kept.close()
