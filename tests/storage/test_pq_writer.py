"""Write transactions in the event loop: in which state they leave their connections."""

import asyncio
from collections.abc import Iterator

import pytest

from xrm_core.errors import Busy, Timeout
from xrm_core.storage import pq_writer, prepared_steps
from xrm_core.storage.driver_statements import Call
from xrm_core.storage.engines import Database
from xrm_core.storage.pq_writer import NotWritten, PostgresWriter
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
    # then those of before are still prepared: BEGIN, COMMIT, this one, and both limits
    assert await finished(writer, prepared) == [b"5"]
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


async def test_who_has_waited_for_others_too_long_is_told_so(database: Database) -> None:
    # given a table that somebody holds, and a writer that waits but shortly
    writer = PostgresWriter(database, 5)
    await finished(writer, call("CREATE TABLE held AS SELECT 1 AS it"))
    await finished(writer, call("SET lock_timeout = '50ms'"))
    with database.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE held")
        # when it writes
        with pytest.raises(Busy):
            await finished(writer, call("UPDATE held SET it = 2"))
    # then nothing was done, by the connection that goes on to be used
    assert writer.use() == PoolUse(1, 0, 0)
    assert await finished(writer, call("SELECT it::text FROM held")) == [b"1"]
    writer.close()


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
