"""An SQLite file that was removed is not made anew by whoever still has it open: it is gone, and they are told."""

from contextlib import closing
from pathlib import Path

import pytest

from xrm_core.errors import DatabaseUnavailable
from xrm_core.storage.engines import Database
from xrm_core.storage.readers import Call
from xrm_core.storage.sqlite_reader import SqliteReader

NAMES: Call = ("SELECT name FROM kept", ())


@pytest.fixture
def database(sqlite_url: str) -> Database:
    found = Database(sqlite_url)
    with found.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE kept (name TEXT) STRICT")
        connection.exec_driver_sql("INSERT INTO kept VALUES ('Ada')")
    return found


def _file(database: Database) -> Path:
    return Path(database.url.database or "")


def _remove(database: Database) -> None:
    """As the removal of a tenant does."""
    for each in _file(database).parent.glob(f"{_file(database).name}*"):
        each.unlink()


def test_who_opens_a_connection_anew_is_told_and_leaves_none_there(database: Database) -> None:
    with closing(database):
        database.engine.dispose()
        _remove(database)

        with pytest.raises(DatabaseUnavailable), database.read() as connection:
            connection.exec_driver_sql("SELECT 1")

        assert not _file(database).exists()


async def test_readers_that_open_it_anew_are_told_and_leave_none_there(database: Database) -> None:
    reader = SqliteReader(database, timeout=5)
    assert await reader.fetch([NAMES]) == [b"Ada"]
    reader.renew()
    _remove(database)

    with pytest.raises(DatabaseUnavailable):
        await reader.fetch([NAMES])

    await reader.close()
    database.close()
    assert not _file(database).exists()


def test_what_is_said_to_be_there_is_not_made(tmp_path: Path) -> None:
    # given no file, nor a folder for it; with signs that mean something to SQLite
    file = tmp_path / "none" / "a b #ü.db"
    with closing(Database(f"sqlite:///{file}", makes=False)) as missing:
        with pytest.raises(DatabaseUnavailable), missing.begin():
            pass
        assert not file.parent.exists()

    # but who makes it finds it there
    with closing(Database(f"sqlite:///{file}")) as made, made.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE kept (name TEXT) STRICT")
    assert file.exists()
    with closing(Database(f"sqlite:///{file}", makes=False)) as found, found.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM kept").scalar() == 0
