"""Reads on SQLite under trouble."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from xrm_core.errors import QueryTooLarge, Timeout
from xrm_core.storage.engines import Database
from xrm_core.storage.readers import Call, SqliteReader

ONE: Call = ("SELECT '1'", ())
SLOW: Call = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n", ())


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    with database.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE counted (a INTEGER) STRICT")
    yield database
    database.close()


@pytest.fixture
async def reader(sqlite: Database) -> AsyncIterator[SqliteReader]:
    opened = SqliteReader(sqlite, timeout=0.3)
    yield opened
    await opened.close()


async def test_a_slow_statement_times_out_and_its_connection_serves_on(reader: SqliteReader) -> None:
    for calls in ([SLOW], [ONE, SLOW]):
        started = time.monotonic()
        with pytest.raises(Timeout):
            await reader.fetch(calls)
        assert time.monotonic() - started < 5
        assert await asyncio.gather(*(reader.fetch([ONE, ONE]) for _ in range(8))) == [[b"1", b"1"]] * 8


async def test_statements_that_had_to_wait_for_a_thread_time_out_too(reader: SqliteReader) -> None:
    outcomes = await asyncio.gather(*(reader.fetch([SLOW]) for _ in range(10)), return_exceptions=True)
    assert {type(each) for each in outcomes} == {Timeout}
    assert await reader.fetch([ONE]) == [b"1"]


async def test_a_cancelled_read_stops_and_does_not_spoil_the_next(reader: SqliteReader) -> None:
    reader._timeout = 60
    for _ in range(6):
        task = asyncio.create_task(reader.fetch([SLOW]))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await asyncio.wait_for(reader.fetch([ONE]), 5) == [b"1"]


async def test_reads_go_on_while_a_writer_commits(reader: SqliteReader, sqlite: Database) -> None:
    reader._timeout = 20
    count: Call = ("SELECT cast(count(*) AS TEXT) FROM counted", ())

    def write() -> None:
        for _ in range(30):
            with sqlite.begin() as connection:
                connection.exec_driver_sql("INSERT INTO counted VALUES (1), (2)")

    writer = asyncio.create_task(asyncio.to_thread(write))
    last = 0
    while not writer.done():
        for first, second in await asyncio.gather(*(reader.fetch([count, count]) for _ in range(6))):
            assert first == second, "one document, two snapshots"
            assert int(first or 0) % 2 == 0
            assert int(first or 0) >= last
        [[now]] = await asyncio.gather(reader.fetch([count]))
        last = int(now or 0)
    await writer
    assert await reader.fetch([count]) == [b"60"]


async def test_nothing_can_be_written(reader: SqliteReader) -> None:
    with pytest.raises(sqlite3.OperationalError):
        await reader.fetch([("INSERT INTO counted VALUES (1) RETURNING '1'", ())])
    assert await reader.fetch([("SELECT cast(count(*) AS TEXT) FROM counted", ())]) == [b"0"]


async def test_what_sqlite_cannot_parse_is_too_large(reader: SqliteReader) -> None:
    deep = "(SELECT " * 150 + "1" + ")" * 150
    long = " OR ".join(["'a' = ?"] * 1100)
    assert await reader.fetch([ONE]) == [b"1"]
    with pytest.raises(QueryTooLarge):
        await reader.fetch([(f"SELECT {long}", ("b",) * 1100)])
    with contextlib.suppress(QueryTooLarge):  # SQLite 3.46 and newer read it
        await reader.fetch([(f"SELECT cast({deep} AS TEXT)", ())])


async def test_big_answers(reader: SqliteReader) -> None:
    [answer] = await reader.fetch([("SELECT printf('%.*c', 5000000, 'x')", ())])
    assert len(answer or b"") == 5_000_000
