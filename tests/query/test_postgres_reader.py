"""Reads on PostgreSQL under trouble: many at once, cancelled, cut off, changed tables, too slow, too many, too big."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from xrm_core.errors import DatabaseOverloaded, DatabaseUnavailable, InternalError, Overloaded, Timeout
from xrm_core.storage import pq_pool, pq_reader
from xrm_core.storage.engines import Database
from xrm_core.storage.pq_connection import MAX_PREPARED, PqConnection
from xrm_core.storage.pq_pipeline import PqPipeline
from xrm_core.storage.pq_reader import MAX_CONNECTIONS, PostgresReader
from xrm_core.storage.readers import ANEW, Call
from xrm_core.telemetry.pool_use import PoolUse

ONE: Call = ("SELECT '1'", ())
PID: Call = ("SELECT pg_backend_pid()::text", ())


def sleep(seconds: float) -> Call:
    return ("SELECT pg_sleep($1::float8)::text || 'slept'", (seconds,))


@pytest.fixture
def postgres(postgres_url: str) -> Any:
    database = Database(postgres_url)
    yield database
    database.close()


@pytest.fixture
async def reader(postgres: Database) -> AsyncIterator[PostgresReader]:
    opened = PostgresReader(postgres, timeout=5)
    yield opened
    await opened.close()


def execute(database: Database, *statements: str) -> None:
    with database.begin() as connection:
        for each in statements:
            connection.exec_driver_sql(each)


def cut_all(database: Database) -> None:
    """What a restart of the server does to its connections."""
    execute(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
    )


async def test_a_statement_that_is_to_be_planned_anew_is_not_prepared(reader: PostgresReader) -> None:
    prepared = "SELECT coalesce(string_agg(statement, ';'), '') FROM pg_prepared_statements"
    assert await reader.fetch([(f"{ANEW}SELECT $1::text", ("one",))]) == [b"one"]
    assert await reader.fetch([(f"{ANEW}SELECT $1::text", ("two",))]) == [b"two"]
    assert await reader.fetch([(f"{ANEW}{prepared}", ())]) == [b""]
    assert await reader.fetch([(prepared, ())]) == [prepared.encode()]


async def test_more_reads_at_once_than_connections(reader: PostgresReader) -> None:
    calls: list[Call] = [("SELECT ($1::int * 2)::text || pg_sleep(0.01)::text", (number,)) for number in range(100)]
    answers = await asyncio.gather(*(reader.fetch([call]) for call in calls))
    assert answers == [[str(number * 2).encode()] for number in range(100)]
    assert reader._pool.opened <= MAX_CONNECTIONS


async def test_a_statement_ends_with_the_read_that_nobody_waits_for(reader: PostgresReader, postgres: Database) -> None:
    # Given a read that takes long
    task = asyncio.create_task(reader.fetch([sleep(4)]))
    running = (
        "SELECT count(*) FROM pg_stat_activity WHERE position('slept' IN query) > 0 AND state = 'active' "
        "AND pid <> pg_backend_pid() AND datname = current_database()"
    )

    async def count() -> int:
        await asyncio.sleep(0.1)
        with postgres.read() as connection:
            return int(connection.exec_driver_sql(running).scalar() or 0)

    while await count() == 0:
        assert not task.done()
    # When it is cancelled
    task.cancel()
    # Then the server does not go on with it
    async with asyncio.timeout(3):
        while await count():
            pass
    assert await reader.fetch([ONE]) == [b"1"]


async def warmed(reader: PostgresReader, count: int) -> None:
    """Let there be so many idle connections."""
    await asyncio.gather(*(reader.fetch([sleep(0.05)]) for _ in range(count)))
    assert len(reader._pool.idle) == count


async def test_statements_of_one_document_run_side_by_side_on_idle_connections(reader: PostgresReader) -> None:
    # Given one connection, then all run on it; given others that are idle, on up to three of them as well
    slow: Call = ("SELECT pg_backend_pid()::text FROM pg_sleep(0.1)", ())
    for idle, used in ((1, 1), (2, 2), (6, 4)):
        await warmed(reader, idle)
        assert len(set(await reader.fetch([slow] * 6))) == used
        assert len(reader._pool.idle) == idle


async def test_answers_of_one_document_come_in_their_order(reader: PostgresReader) -> None:
    await warmed(reader, 4)
    calls: list[Call] = [
        ("SELECT $1::int::text FROM pg_sleep($2::float8)", (number, 0.02 * (number % 3))) for number in range(20)
    ]
    assert await reader.fetch(calls) == [str(number).encode() for number in range(20)]


async def test_statements_side_by_side_see_one_snapshot(reader: PostgresReader, postgres: Database) -> None:
    # Given a table to which somebody adds rows all the time
    execute(postgres, "CREATE TABLE counted (n int)")
    await warmed(reader, 4)
    ended = asyncio.Event()

    async def add() -> None:
        while not ended.is_set():
            await asyncio.to_thread(execute, postgres, "INSERT INTO counted VALUES (1)")

    adding = asyncio.create_task(add())
    # When several statements count them, later ones after a while
    calls: list[Call] = [
        ("SELECT count(*)::text FROM pg_sleep($1::float8), counted", (seconds,)) for seconds in (0, 0.05, 0.1, 0.0)
    ]
    seen = [await reader.fetch(calls) for _ in range(5)]
    ended.set()
    await adding
    # Then they count the same, and more each time
    assert [len(set(each)) for each in seen] == [1] * 5
    assert len({each[0] for each in seen}) > 1


async def test_what_goes_wrong_on_one_connection_leaves_all_usable(reader: PostgresReader) -> None:
    await warmed(reader, 4)
    wrong: Call = ("SELECT 1/0", ())
    with pytest.raises(InternalError) as caught:
        await reader.fetch([ONE, wrong, ONE, ("SELECT nothing_here", ())])
    assert caught.value.details == {"sqlstate": "22012"}
    assert len(reader._pool.idle) == 4
    assert await reader.fetch([ONE, ONE, ONE, ONE]) == [b"1"] * 4


async def test_tables_that_changed_under_prepared_statements_side_by_side(
    reader: PostgresReader, postgres: Database
) -> None:
    execute(postgres, "CREATE TABLE changing (a text)", "INSERT INTO changing VALUES ('x')")
    await warmed(reader, 4)
    calls: list[Call] = [("SELECT to_json(changing)::text FROM changing, pg_sleep(0.02)", ())] * 4
    assert await reader.fetch(calls) == [b'{"a":"x"}'] * 4
    execute(postgres, "ALTER TABLE changing ADD b int DEFAULT 2")
    assert await reader.fetch(calls) == [b'{"a":"x","b":2}'] * 4


async def test_reads_wait_only_so_long_for_a_connection(
    reader: PostgresReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pq_pool, "WAIT_SECONDS", 0.1)
    slow = [asyncio.create_task(reader.fetch([sleep(1)])) for _ in range(MAX_CONNECTIONS)]
    await asyncio.sleep(0.5)
    with pytest.raises(Overloaded) as refused:
        await reader.fetch([ONE])
    assert refused.value.retry_after == 1
    assert reader.use() == PoolUse(MAX_CONNECTIONS, MAX_CONNECTIONS, 0)
    assert await asyncio.gather(*slow) == [[b"slept"]] * MAX_CONNECTIONS
    assert await reader.fetch([ONE]) == [b"1"]


async def test_a_cancelled_read_does_not_spoil_the_next(reader: PostgresReader) -> None:
    for calls in ([sleep(2)], [ONE, sleep(2)]):
        task = asyncio.create_task(reader.fetch(calls))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for number in range(5):
            assert await reader.fetch([("SELECT $1::text", (number,))]) == [str(number).encode()]
            assert await reader.fetch([ONE, ONE]) == [b"1", b"1"]


async def test_many_reads_cancelled_at_any_moment(reader: PostgresReader) -> None:
    async def one(number: int) -> None:
        task = asyncio.create_task(reader.fetch([("SELECT $1::text || pg_sleep(0.002)::text", (number,))]))
        await asyncio.sleep(number % 7 * 0.001)
        if number % 2:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        else:
            assert await task == [str(number).encode()]

    await asyncio.gather(*(one(number) for number in range(60)))
    assert await reader.fetch([ONE]) == [b"1"]
    assert reader._pool.opened <= MAX_CONNECTIONS
    assert not reader._pool.waiting


async def test_a_turn_that_is_not_taken_goes_to_the_next(
    reader: PostgresReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pq_reader, "MAX_CONNECTIONS", 1)
    busy = await reader._pool.acquire()
    first, second = (asyncio.create_task(reader.fetch([ONE])) for _ in range(2))
    await asyncio.sleep(0)
    reader._pool.release(busy, healthy=True)  # wakes the first …
    first.cancel()  # … which does not come
    assert await asyncio.wait_for(second, 2) == [b"1"]
    assert isinstance((await asyncio.gather(first, return_exceptions=True))[0], asyncio.CancelledError)


async def test_nobody_overtakes_who_waits_for_a_connection(
    reader: PostgresReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader._pool.most = 1
    busy = await reader._pool.acquire()
    first = asyncio.create_task(reader._pool.acquire())
    await asyncio.sleep(0)
    reader._pool.release(busy, healthy=True)  # its turn …
    newcomer = asyncio.create_task(reader._pool.acquire())  # … in which somebody else comes
    assert await asyncio.wait_for(first, 2) is busy
    assert not newcomer.done()
    # and a connection that has broken makes room for whoever waits
    reader._pool.release(busy, healthy=False)
    other = await asyncio.wait_for(newcomer, 2)
    assert other is not busy
    assert reader._pool.opened == 1
    reader._pool.release(other, healthy=True)


async def test_reads_go_on_after_a_restart(reader: PostgresReader, postgres: Database) -> None:
    await asyncio.gather(*(reader.fetch([sleep(0.05)]) for _ in range(6)))  # six idle connections
    await asyncio.to_thread(cut_all, postgres)
    for _ in range(8):
        assert await reader.fetch([ONE]) == [b"1"]
    assert await asyncio.gather(*(reader.fetch([ONE]) for _ in range(20))) == [[b"1"]] * 20


@pytest.mark.parametrize("kind", [PqConnection, PqPipeline])
async def test_a_socket_that_has_the_number_of_a_lost_one_is_left_alone(postgres: Database, kind: Any) -> None:
    # given a connection that was cut, and somebody else whose socket has its number by now
    positional, arguments = postgres.dialect.create_connect_args(postgres.url)
    owner = await psycopg.AsyncConnection.connect(*positional, **{**arguments, "autocommit": True})
    lost, number = kind(owner, 5.0), owner.pgconn.socket
    cut_all(postgres)
    async with asyncio.timeout(5):
        while lost.alive:  # noqa: ASYNC110 - it is looked at, and tells nobody
            await asyncio.sleep(0.01)
    pairs = [socket.socketpair()]
    while all(each.fileno() != number for pair in pairs for each in pair):
        pairs.append(socket.socketpair())
    mine, other = next(pair[:: 1 if pair[0].fileno() == number else -1] for pair in pairs if number in map(fd, pair))
    reader, writer = await asyncio.open_connection(sock=mine)
    # when the lost one is closed
    lost.close()
    # then they hear what they are told
    other.send(b"x")
    assert await asyncio.wait_for(reader.readexactly(1), 5) == b"x"
    writer.close()
    for each in (each for pair in pairs for each in pair if each is not mine):
        each.close()


def fd(each: socket.socket) -> int:
    return each.fileno()


async def test_a_read_cut_off_midway_is_repeated(reader: PostgresReader, postgres: Database) -> None:
    for calls in ([sleep(0.6)], [ONE, sleep(0.6)]):
        task = asyncio.create_task(reader.fetch(calls))
        await asyncio.sleep(0.25)
        await asyncio.to_thread(cut_all, postgres)
        assert (await task)[-1] == b"slept"


async def test_a_database_that_is_not_there_is_told(postgres_url: str) -> None:
    database = Database(postgres_url.replace("/test_", "/nowhere_"))
    reader = PostgresReader(database, timeout=5)
    with pytest.raises(DatabaseUnavailable) as caught:
        await reader.fetch([ONE])
    assert "nowhere" in caught.value.message
    assert reader._pool.opened == 0
    await reader.close()
    database.close()


async def test_tables_changed_under_prepared_statements(reader: PostgresReader, postgres: Database) -> None:
    read: Call = ("SELECT a FROM changing", ())
    await asyncio.to_thread(execute, postgres, "CREATE TABLE changing (a text)", "INSERT INTO changing VALUES ('1')")
    assert await reader.fetch([read]) == [b"1"]
    assert await reader.fetch([read, read]) == [b"1", b"1"]
    for number, type_ in enumerate(("int USING a::int", "text", "bigint USING a::bigint", "text")):
        await asyncio.to_thread(execute, postgres, f"ALTER TABLE changing ALTER COLUMN a TYPE {type_}")
        calls = [read] if number < 2 else [read, ONE, read]
        assert (await reader.fetch(calls))[-1] == b"1"
        assert await reader.fetch([read]) == [b"1"]


async def test_statements_that_the_server_forgot(reader: PostgresReader) -> None:
    assert await reader.fetch([ONE]) == [b"1"]
    await reader._pool.idle[-1].command("DISCARD ALL")
    assert await reader.fetch([ONE, ONE]) == [b"1", b"1"]
    await reader._pool.idle[-1].command("DEALLOCATE ALL")
    assert await reader.fetch([ONE]) == [b"1"]


@pytest.mark.parametrize("before", [[], [ONE]], ids=["alone", "in a transaction"])
async def test_a_slow_statement_times_out_and_its_connection_serves_on(postgres: Database, before: list[Call]) -> None:
    reader = PostgresReader(postgres, timeout=0.2)
    [pid] = await reader.fetch([PID])
    with pytest.raises(Timeout, match=r"0\.2 seconds"):
        await reader.fetch([*before, sleep(5)])
    assert await reader.fetch([PID]) == [pid]
    assert await reader.fetch([ONE, PID]) == [b"1", pid]
    await reader.close()


@pytest.mark.parametrize(
    "sql", ["SELEC", "SELECT 1/0", "SELECT 'a'::int::text", "SELECT * FROM nowhere", "SELECT $1::int::text"]
)
async def test_a_refused_statement_is_an_internal_error_without_its_text(reader: PostgresReader, sql: str) -> None:
    for calls in ([(sql, ())], [ONE, (sql, ())]):
        with pytest.raises(InternalError) as caught:
            await reader.fetch(calls)
        assert sql not in str(caught.value.to_json())
        assert await reader.fetch([ONE]) == [b"1"]


async def test_nothing_can_be_written(reader: PostgresReader, postgres: Database) -> None:
    await asyncio.to_thread(execute, postgres, "CREATE TABLE quiet (a text)")
    with pytest.raises(InternalError):
        await reader.fetch([("INSERT INTO quiet VALUES ('x') RETURNING a", ())])


async def test_big_answers_and_values(reader: PostgresReader) -> None:
    text = "é" * 2_500_000
    [answer] = await reader.fetch([("SELECT $1::text", (text,))])
    assert answer == text.encode()
    answers = await reader.fetch([("SELECT repeat('x', 5000000)", ()), ONE])
    assert [len(each or b"") for each in answers] == [5_000_000, 1]


async def test_more_statements_than_are_kept(reader: PostgresReader) -> None:
    for number in range(MAX_PREPARED + 20):
        assert await reader.fetch([(f"SELECT '{number}'", ())]) == [str(number).encode()]
    [count] = await reader.fetch([("SELECT count(*)::text FROM pg_prepared_statements", ())])
    assert int(count or 0) <= MAX_PREPARED
    assert await reader.fetch([("SELECT '0'", ()), (f"SELECT '{MAX_PREPARED}'", ())]) == [
        b"0",
        str(MAX_PREPARED).encode(),
    ]


async def test_one_document_reads_one_snapshot(reader: PostgresReader, postgres: Database) -> None:
    await asyncio.to_thread(execute, postgres, "CREATE TABLE counted (a int)")
    count: Call = ("SELECT count(*)::text FROM counted", ())
    task = asyncio.create_task(reader.fetch([count, sleep(0.5), count]))
    await asyncio.sleep(0.25)
    await asyncio.to_thread(execute, postgres, "INSERT INTO counted VALUES (1)")
    assert await task == [b"0", b"slept", b"0"]
    assert await reader.fetch([count]) == [b"1"]


@pytest.mark.parametrize(
    "values",
    [["a", 'b"', "c\\", "{d,e}", "NULL", "null", "", " ", "é,😀", None, "'", "\n"], [], [None]],
)
async def test_lists_arrive_as_they_are(reader: PostgresReader, values: list[Any]) -> None:
    import json

    [answer] = await reader.fetch([("SELECT to_json($1::text[])::text", (values,))])
    assert json.loads(answer or b"") == values


async def test_after_close_no_connection_stays(postgres: Database) -> None:
    reader = PostgresReader(postgres, timeout=5)
    running = asyncio.create_task(reader.fetch([sleep(0.2)]))
    await asyncio.sleep(0.1)
    await reader.fetch([ONE])
    await reader.close()
    assert await running == [b"slept"]
    assert reader._pool.opened == 0


async def test_a_server_that_keeps_no_limit_is_given_up(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a server whose own limit on the time of a statement is switched off
    monkeypatch.setattr(pq_reader, "GRACE_SECONDS", 0.2)
    reader = PostgresReader(postgres, timeout=0.3)
    unlimited: Call = ("SELECT set_config('statement_timeout', '0', false)", ())
    assert await reader.fetch([unlimited]) == [b"0"]

    # When a statement takes long on its connection, then the read ends all the same …
    with pytest.raises(Timeout):
        await reader.fetch([sleep(20)])

    # … others go on, and who is cancelled meanwhile is cancelled, not timed out
    assert await reader.fetch([unlimited]) == [b"0"]
    task = asyncio.create_task(reader.fetch([sleep(20)]))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not task.cancelling() - 1
    await reader.close()


async def test_a_database_without_memory_says_so(reader: PostgresReader, postgres: Database) -> None:
    function = "BEGIN RAISE EXCEPTION 'out of shared memory' USING ERRCODE = '53200'; END"
    with postgres.begin() as connection:
        connection.exec_driver_sql(f"CREATE FUNCTION no_memory() RETURNS text LANGUAGE plpgsql AS $${function}$$")
    with pytest.raises(DatabaseOverloaded, match="max_locks_per_transaction"):
        await reader.fetch([("SELECT no_memory()", ())])
    with pytest.raises(DatabaseOverloaded), postgres.begin() as connection:
        connection.exec_driver_sql("SELECT no_memory()")
    assert await reader.fetch([ONE]) == [b"1"]


async def test_wide_statements_run_one_after_the_other(reader: PostgresReader) -> None:
    # Given connections that are idle
    await asyncio.gather(*(reader.fetch([sleep(0.05)]) for _ in range(6)))
    seen = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%wide%' AND state = 'active'"
    running = f"SELECT pg_sleep(0.05)::text || ({seen})"
    # When several ask for what looks into many tables, each with several statements
    found = await asyncio.gather(*(reader.fetch([(f"{running} /* wide */", ())] * 3, wide=True) for _ in range(4)))
    # Then there is never more than one of them
    assert found == [[b"1"] * 3] * 4


async def test_each_read_has_its_own_limit_on_the_same_connection(reader: PostgresReader) -> None:
    with pytest.raises(Timeout, match=r"0\.2 seconds"):
        await reader.fetch([sleep(3)], seconds=0.2)
    assert await reader.fetch([sleep(0.5)]) == [b"slept"]
    assert await reader.fetch([("SHOW statement_timeout", ())], seconds=7) == [b"7s"]
    assert await reader.fetch([("SHOW statement_timeout", ())]) != [b"7s"]
