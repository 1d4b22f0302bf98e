"""The one connection by which a process writes to SQLite: who has it next finds it as new."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from xrm_core.records.context import TAKEN_BACK
from xrm_core.storage.engines import Database
from xrm_core.telemetry.pool_use import PoolUse


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(f"sqlite:///{tmp_path / 'one.db'}")
    with found.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE word (it TEXT) STRICT")
    yield found
    found.close()


def driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def words(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.exec_driver_sql("SELECT it FROM word").scalars())


def write(database: Database, word: str) -> Any:
    with database.begin(5) as connection:
        connection.exec_driver_sql("INSERT INTO word VALUES (?)", (word,))
        return driver(connection)


def test_it_is_kept_from_one_write_to_the_next(database: Database) -> None:
    assert write(database, "a") is write(database, "b")
    assert words(database) == ["a", "b"]
    # and nobody uses it in between
    assert database.use().busy == 0
    with database.begin():
        assert database.use().busy == 1


def _fail(database: Database, last: str) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql("INSERT INTO word VALUES ('lost')")
        connection.exec_driver_sql(last)
        raise LookupError


@pytest.mark.parametrize("last", ["SAVEPOINT deeper", "ROLLBACK"])
def test_who_fails_leaves_nothing_to_the_next(database: Database, last: str) -> None:
    write(database, "a")
    with pytest.raises(LookupError):
        _fail(database, last)
    write(database, "b")
    assert words(database) == ["a", "b"]
    assert database.use().busy == 0


def test_what_somebody_says_of_their_writes_holds_for_nobody_else(database: Database) -> None:
    with database.begin() as connection:
        connection.execution_options(**{TAKEN_BACK: True})
    with database.begin() as connection:
        assert TAKEN_BACK not in connection.get_execution_options()


def test_a_database_that_is_closed_keeps_none(database: Database) -> None:
    kept = write(database, "a")
    database.close()
    with pytest.raises(Exception, match="closed"):
        kept.execute("SELECT 1")
    assert database.use() == PoolUse(0, 0, 0)
