"""Reads on SQLite under trouble."""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from xrm_core.errors import QueryTooLarge, TablesChanged, Timeout
from xrm_core.storage import sqlite_reader
from xrm_core.storage.engines import Database
from xrm_core.storage.readers import Call
from xrm_core.storage.sqlite_quick import MAX_SLOW, QuickReads, answers
from xrm_core.storage.sqlite_reader import SqliteReader

ONE: Call = ("SELECT '1'", ())
SLOW: Call = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n", ())


def _bytes(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.text_factory = bytes
    return connection


def _threads_of(reader: SqliteReader) -> list[str]:
    """The names of the threads in which the reader's connections call the SQL function ``here``."""
    seen: list[str] = []

    def here(value: int) -> int:
        seen.append(threading.current_thread().name)
        return value

    made = reader._open

    def open_() -> sqlite3.Connection:
        connection = made()
        connection.create_function("here", 1, here)
        return connection

    reader._open = open_  # type: ignore[method-assign]
    return seen


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


@pytest.mark.parametrize("leaves", [False, True], ids=["too slow", "nobody waits"])
async def test_a_statement_that_begins_in_the_moment_of_its_limit_ends_too(
    reader: SqliteReader, monkeypatch: pytest.MonkeyPatch, leaves: bool
) -> None:
    # Given a statement whose limit passes when its connection is taken, and SQLite has not begun with it
    taken = threading.Event()

    def late(connection: sqlite3.Connection, calls: Sequence[Call]) -> list[bytes | None]:
        taken.set()
        time.sleep(0.4)
        return answers(connection, calls)

    monkeypatch.setattr(sqlite_reader, "answers", late)
    # When it is asked for, or whoever asked leaves
    task = asyncio.create_task(reader.fetch([SLOW]))
    if leaves:
        await asyncio.to_thread(taken.wait)
        task.cancel()
    # Then it ends, and its thread serves on
    with pytest.raises(asyncio.CancelledError if leaves else Timeout):
        await task
    monkeypatch.undo()
    reader._timeout = 20
    assert await asyncio.gather(*(reader.fetch([ONE]) for _ in range(8))) == [[b"1"]] * 8
    until = time.monotonic() + 20
    while reader.use().busy:
        assert time.monotonic() < until
        await asyncio.sleep(0.01)


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
        await reader.fetch([(f"SELECT {long}", ("b",) * 1100)], seconds=30)
    with contextlib.suppress(QueryTooLarge):  # SQLite 3.46 and newer read it
        await reader.fetch([(f"SELECT cast({deep} AS TEXT)", ())], seconds=30)


async def test_big_answers(reader: SqliteReader) -> None:
    [answer] = await reader.fetch([("SELECT printf('%.*c', 5000000, 'x')", ())])
    assert len(answer or b"") == 5_000_000


async def test_what_is_quick_runs_in_the_event_loop_and_what_is_slow_in_a_thread(reader: SqliteReader) -> None:
    seen = _threads_of(reader)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
    sql = f"{numbers} SELECT cast(max(here(i)) AS TEXT) FROM n"
    here = threading.current_thread().name
    reader._timeout = 20
    assert await reader.fetch([ONE]) == [b"1"], "the first opens the connections"

    async def asked(times: int) -> list[str]:
        seen.clear()
        [answer] = await reader.fetch([(sql, (times,))])
        assert answer == str(times).encode()
        return [seen[0], seen[-1]]

    assert await asked(1) == [here, here]
    first, last = await asked(50_000)
    assert first == here, "tried in the event loop"
    assert last.startswith("xrm-read"), "and done in a thread"
    first, last = await asked(50_000)
    assert first.startswith("xrm-read"), "known to be slow"
    first, last = await asked(1)
    assert first.startswith("xrm-read"), "and a thread finds that it is quick now"
    assert await asked(1) == [here, here]


async def test_a_slow_statement_does_not_hold_up_the_event_loop(reader: SqliteReader) -> None:
    reader._timeout = 60
    slow = asyncio.create_task(reader.fetch([SLOW]))
    for _ in range(20):
        assert await reader.fetch([ONE]) == [b"1"]
        await asyncio.sleep(0)
    assert not slow.done()
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow


async def test_a_document_that_is_broken_off_leaves_no_snapshot_behind(sqlite: Database, reader: SqliteReader) -> None:
    count: Call = ("SELECT cast(count(*) AS TEXT) FROM counted", ())
    quick = QuickReads(reader._open(), seconds=0)
    for number in range(1, 400):  # the clock is looked at every so many instructions, so at any of these statements
        assert quick.fetch([ONE, count, ONE], None) in (None, [b"1", str(number - 1).encode(), b"1"])
        assert not quick.connection.in_transaction
        with sqlite.begin() as connection:
            connection.exec_driver_sql("INSERT INTO counted VALUES (1)")
        quick.is_quick([ONE, count, ONE])


def test_a_lock_that_others_hold_is_not_waited_for_in_the_event_loop(tmp_path: Path) -> None:
    path = tmp_path / "locked.db"
    quick = QuickReads(_bytes(sqlite3.connect(path, isolation_level=None)), seconds=20)
    assert quick.fetch([ONE], None) == [b"1"]
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE counted (a INTEGER)")
    other.execute("BEGIN EXCLUSIVE")
    count: Call = ("SELECT cast(count(*) AS TEXT) FROM counted", ())
    started = time.monotonic()
    assert quick.fetch([count], None) is None
    assert time.monotonic() - started < 10
    other.execute("ROLLBACK")
    assert quick.fetch([count], None) == [b"0"], "a lock does not make a statement slow"


def test_slow_documents_are_not_remembered_without_end(tmp_path: Path) -> None:
    quick = QuickReads(_bytes(sqlite3.connect(tmp_path / "some.db", isolation_level=None)), seconds=0)
    for number in range(MAX_SLOW + 50):
        quick.fetch([(f"{SLOW[0]} WHERE {number}", ())], None)
    assert len(quick._slow) == MAX_SLOW


async def test_a_change_of_the_tables_is_noticed_by_every_statement_after_it(
    reader: SqliteReader, sqlite: Database
) -> None:
    def changed(sql: str) -> int:
        with sqlite.begin() as connection:
            connection.exec_driver_sql(sql)
        with sqlite.read() as connection:
            return int(connection.exec_driver_sql("PRAGMA schema_version").scalar_one())

    count: Call = ("SELECT cast(count(*) AS TEXT) FROM counted", ())
    other: Call = ("SELECT cast(sum(a) AS TEXT) FROM counted", ())
    before = changed("CREATE INDEX first ON counted (a)")
    for calls in ([count], [other], [count, other], [count]):
        assert len(await reader.fetch(calls, before)) == len(calls)
    for number in range(3):
        after = changed(f"CREATE TABLE another{number} (b INTEGER) STRICT")
        for calls in ([other], [count], [count, other]):
            with pytest.raises(TablesChanged):
                await reader.fetch(calls, before)
            assert len(await reader.fetch(calls, after)) == len(calls)
        before = after
