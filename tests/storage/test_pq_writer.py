"""Write transactions in the event loop: in which state they leave their connections."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.postgres import PostgresServer
from xrm_core.errors import DatabaseUnavailable, Timeout
from xrm_core.storage import pq_writer, prepared_steps
from xrm_core.storage.driver_statements import Call
from xrm_core.storage.engines import Database
from xrm_core.storage.pq_writer import NotWritten, PostgresWriter, StillHeld
from xrm_core.storage.prepared_steps import Text
from xrm_core.telemetry.pool_use import PoolUse


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    found = Database(postgres_url)
    yield found
    found.close()


def call(sql: str) -> Call:
    return Call(Text(sql, 0), (), None, lambda _connection: ([], 0))


async def finished(writer: PostgresWriter, asked: Call, seconds: float = 5) -> list[bytes | None]:
    async with writer.writing(seconds) as writing:
        return await writing.finish([asked])


async def midway(writer: PostgresWriter, asked: Call) -> None:
    async with writer.writing(5) as writing:
        await writing.ask([asked])
        raise ValueError("midway")


async def test_a_server_that_does_not_answer_gets_no_second_chance(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a server that is silent for longer than is waited for it
    monkeypatch.setattr(pq_writer, "_GRACE_SECONDS", -4.9)
    writer = PostgresWriter(database, 5)
    # when somebody has asked it something
    with pytest.raises(NotWritten):
        async with asyncio.timeout(3), writer.writing(5) as writing:
            await writing.ask([call("SELECT pg_sleep(4)")])
    # then nobody waits for it to take that back, and the connection has made room
    assert writer.use() == PoolUse(0, 0, 0)
    writer.close()


@pytest.mark.parametrize("change", ["DEALLOCATE ALL", "ALTER TABLE shifting ALTER word TYPE varchar(20)"])
async def test_connections_whose_statements_are_no_longer_good_are_replaced(database: Database, change: str) -> None:
    writer = PostgresWriter(database, 5)
    await finished(writer, call("CREATE TABLE shifting AS SELECT '1'::text AS word"))
    asked = call("SELECT word FROM shifting")
    for _ in range(3):  # by then it is prepared
        assert await finished(writer, asked) == [b"1"]
    # when what is prepared is dropped, or the tables are others
    connection = await writer.pool.acquire()
    await connection.run([(call(change).text, ())])
    writer.pool.release(connection, healthy=True)
    with pytest.raises(NotWritten):
        await finished(writer, asked)
    # then the next one has another connection
    assert await finished(writer, asked) == [b"1"]
    assert writer.use() == PoolUse(1, 0, 0)
    writer.close()


async def test_time_limits_do_not_drop_what_is_prepared(database: Database) -> None:
    # given callers who have other limits by turns
    writer = PostgresWriter(database, 5)
    once, prepared = call("SELECT '1'"), call("SELECT count(*)::text FROM pg_prepared_statements WHERE NOT from_sql")
    for _ in range(3):
        assert await finished(writer, once) == [b"1"]
    # when there were more of them than a connection keeps statements
    for turn in range(260):
        async with writer.writing(3 + turn % 2):
            pass
    # then that of before is still prepared, and both limits
    assert await finished(writer, prepared) == [b"3"]
    writer.close()


async def test_who_is_cut_off_or_fails_leaves_no_transaction(database: Database) -> None:
    writer = PostgresWriter(database, 5)
    await finished(writer, call("CREATE TABLE kept (it int)"))
    insert, count = call("INSERT INTO kept VALUES (1)"), call("SELECT count(*)::text FROM kept")
    # when it takes too long, its client goes away, or something goes wrong in between
    with pytest.raises(Timeout):
        async with writer.writing(0.1) as writing:
            await writing.finish([insert, call("SELECT pg_sleep(4)")])
    asked = asyncio.create_task(finished(writer, call("INSERT INTO kept SELECT 1 FROM pg_sleep(0.5)")))
    await asyncio.sleep(0.1)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    with pytest.raises(ValueError, match="midway"):
        await midway(writer, insert)
    # then nothing of it is there, and the next one finds a connection as it should be
    assert await finished(writer, count) == [b"0"]
    assert writer.use().busy == 0
    writer.close()


async def test_who_waits_for_others_makes_room_soon(database: Database) -> None:
    # given a table that somebody holds
    writer = PostgresWriter(database, 5)
    await finished(writer, call("CREATE TABLE held AS SELECT 1 AS it"))
    with database.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE held")
        # when somebody writes there
        with pytest.raises(StillHeld):
            await finished(writer, call("UPDATE held SET it = 2"))
    # then nothing was done, by the connection that goes on to be used
    assert writer.use() == PoolUse(1, 0, 0)
    assert await finished(writer, call("SELECT it::text FROM held")) == [b"1"]
    writer.close()


async def test_who_finds_all_connections_in_use_is_told_soon(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pq_writer, "_TURN_SECONDS", 0.01)
    writer = PostgresWriter(database, 5)
    async with AsyncExitStack() as stack:
        for _ in range(pq_writer.MAX_CONNECTIONS):
            await stack.enter_async_context(writer.writing(5))
        with pytest.raises(NotWritten):
            await finished(writer, call("SELECT 1"))
    assert await finished(writer, call("SELECT 1")) == [b"1"]
    writer.close()


@pytest.mark.parametrize("moment", ["between", "during"])
async def test_what_was_cut_off_before_its_commit_was_not_written(database: Database, moment: str) -> None:
    # given a transaction whose connection the server cuts
    writer = PostgresWriter(database, 5)
    await finished(writer, call("CREATE TABLE cut (it int)"))
    cut = call("SELECT pg_terminate_backend(pg_backend_pid())")
    insert, count = call("INSERT INTO cut VALUES (1)"), call("SELECT count(*)::text FROM cut")

    async def write() -> None:
        async with writer.writing(5) as writing:
            [(pid,)] = await writing.ask([call("SELECT pg_backend_pid()")])
            if moment == "between":
                with database.begin() as connection:
                    connection.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 5000)")
            await writing.finish([insert] if moment == "between" else [insert, cut])

    # when that is before the commit was sent, or one before it was not answered
    with pytest.raises(NotWritten):
        await write()
    # then it is known that nothing was written
    assert await finished(writer, count) == [b"0"]
    writer.close()


async def test_of_what_was_cut_off_with_its_commit_nobody_knows(database: Database) -> None:
    writer = PostgresWriter(database, 5)
    async with writer.writing(5) as writing:
        asked = asyncio.ensure_future(writing.finish([call("SELECT pg_sleep(1)")]))
        await asyncio.sleep(0)
        writing.give_up()
        with pytest.raises(DatabaseUnavailable):
            await asked
    assert await finished(writer, call("SELECT 1")) == [b"1"]
    writer.close()


@pytest.mark.parametrize("alone", [True, False])
async def test_nor_where_what_stands_before_the_server_has_lost_it(
    database: Database, postgres_server: PostgresServer, alone: bool
) -> None:
    # given a pooler before the server, which loses it just when the server has done what it was asked for
    lost = asyncio.Event()
    async with pooler(f"{postgres_server.folder}/.s.PGSQL.5432", lost) as port:
        url = database.url.set(host="127.0.0.1", port=port, query={})
        writer = PostgresWriter(Database(url.render_as_string(hide_password=False)), 5)
        insert, count = call("INSERT INTO lost VALUES (1)"), call("SELECT count(*)::text FROM lost")
        await finished(writer, call("CREATE TABLE lost (it int)"))

        async def write() -> None:
            async with writer.writing(5) as writing:
                lost.set()
                await writing.finish([insert] if alone else [call("SELECT 1"), insert])

        # then it is not taken for undone, and made again
        with pytest.raises(DatabaseUnavailable):
            await write()
        assert await finished(writer, count) == [b"1"]
        writer.close()


@asynccontextmanager
async def pooler(server: str, lost: asyncio.Event) -> AsyncIterator[int]:
    """The port of what hands on to a server; if it is to lose it, it says so in place of the next whole answer."""
    fields = b"SFATAL\0VFATAL\0C08P01\0Mserver conn crashed?\0\0"

    async def hand_on(reading: asyncio.StreamReader, writing: asyncio.StreamWriter, *, answers: bool) -> None:
        try:
            held = b""
            while data := await reading.read(65536):
                if answers and lost.is_set():
                    held += data
                    if not held.endswith(b"Z\0\0\0\5I"):
                        continue
                    lost.clear()
                    writing.write(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
                    return
                writing.write(data)
        finally:
            writing.close()

    async def serve(from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(server)
        ways = hand_on(from_client, to_server, answers=False), hand_on(from_server, to_client, answers=True)
        await asyncio.gather(*ways, return_exceptions=True)

    found = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with found:
        yield found.sockets[0].getsockname()[1]


async def test_what_makes_room_in_a_transaction_that_fails_makes_it_after_that(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a connection that keeps few statements prepared, and has as many
    monkeypatch.setattr(prepared_steps, "MAX_PREPARED", 8)
    writer = PostgresWriter(database, 5)
    prepared = call("SELECT count(*)::text FROM pg_prepared_statements WHERE NOT from_sql")
    often = [call(f"SELECT {number}::text") for number in range(10)]
    # when others take their places in transactions that fail, again and again
    for _ in range(3):
        for each in often:
            await finished(writer, each)
            await finished(writer, each)
            with pytest.raises(NotWritten):
                async with writer.writing(5) as writing:
                    await writing.finish([call("SELECT 1 / 0"), call("SELECT 1")])
    # then the server does not keep more and more of them
    await finished(writer, prepared)
    assert int((await finished(writer, prepared))[0] or 0) <= 9
    writer.close()


async def test_a_statement_that_stands_in_a_transaction_many_times_is_prepared_once(database: Database) -> None:
    writer = PostgresWriter(database, 5)
    prepared = call("SELECT count(*)::text FROM pg_prepared_statements WHERE statement = 'SELECT now()::text'")
    many = call("SELECT now()::text")
    # when it does, in the round trip in which it comes to be prepared
    async with writer.writing(5) as writing:
        await writing.finish([many] * 4)
    # then it is prepared once, as soon as another statement is new
    await finished(writer, call("SELECT 1"))
    assert await finished(writer, prepared) == [b"1"]
    writer.close()
