"""SQLite chooses among indexes by what they have, not by guessing."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from xrm_core.storage.engines import Database
from xrm_core.storage.readers import Call
from xrm_core.storage.sqlite_reader import SqliteReader
from xrm_core.storage.statistics import renew_statistics

CALLS: Call = ("SELECT cast(count(*) AS TEXT) FROM call WHERE owner = ? AND customer = ?", (1, 7))


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    with database.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE call (owner INTEGER, customer INTEGER) STRICT")
        connection.exec_driver_sql("CREATE INDEX by_customer ON call (customer)")
        connection.exec_driver_sql("CREATE INDEX by_owner ON call (owner)")
    yield database
    database.close()


@pytest.fixture
async def reader(sqlite: Database) -> AsyncIterator[SqliteReader]:
    opened = SqliteReader(sqlite, timeout=5)
    yield opened
    await opened.close()


def _fill(database: Database, calls: int) -> None:
    """Calls of one owner to many customers."""
    with database.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO call WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " SELECT 1, i / 3 FROM n",
            (calls,),
        )


async def _index(reader: SqliteReader) -> str:
    """The index by which the connection of the event loop means to look."""
    assert len(await reader.fetch([CALLS])) == 1
    assert reader._quick is not None
    [row] = reader._quick.connection.execute(f"EXPLAIN QUERY PLAN {CALLS[0]}", CALLS[1]).fetchall()
    return str(row[3].decode().split()[4])


async def test_readers_plan_by_what_was_counted(sqlite: Database, reader: SqliteReader) -> None:
    # given a reader that knows nothing of the values
    assert renew_statistics(sqlite) is False  # of no records
    assert await _index(reader) == "by_owner"
    # when they are counted
    _fill(sqlite, 3_000)
    assert renew_statistics(sqlite) is True
    reader.renew()
    # then it takes the index that leaves fewer
    assert await _index(reader) == "by_customer"
    assert await reader.fetch([CALLS]) == [b"3"]


def test_figures_that_stay_are_no_news(sqlite: Database) -> None:
    _fill(sqlite, 300)
    assert renew_statistics(sqlite) is True
    assert renew_statistics(sqlite) is False


async def test_reads_go_on_while_connections_are_renewed(sqlite: Database, reader: SqliteReader) -> None:
    _fill(sqlite, 60_000)  # no longer quick
    every: Call = ("SELECT cast(sum(a.owner * b.owner) AS TEXT) FROM call a, (SELECT * FROM call LIMIT 20) b", ())
    for _ in range(5):
        reads = [asyncio.create_task(reader.fetch([call])) for call in (every, CALLS, every, every, CALLS, every)]
        await asyncio.sleep(0.01)
        reader.renew()
        assert [answer for [answer] in await asyncio.gather(*reads)] == [
            b"1200000", b"3", b"1200000", b"1200000", b"3", b"1200000"
        ]  # fmt: skip
    assert len(reader._opened) <= 5
