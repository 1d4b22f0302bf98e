"""Statements that go straight to the driver: they do what they do by SQLAlchemy, and fail as they do there."""

from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    bindparam,
    event,
    insert,
    update,
)
from sqlalchemy import select as select_
from sqlalchemy.exc import DBAPIError, IntegrityError

from xrm_core.errors import Busy, DatabaseUnavailable, Timeout
from xrm_core.storage.columns import Day, ExactDecimal, Flag, Id, Instant, JsonObject, Seconds, String, TimeOfDay, Words
from xrm_core.storage.driver_calls import rows, together
from xrm_core.storage.driver_statements import Call, DriverStatement, run_together
from xrm_core.storage.engines import Database
from xrm_core.storage.prepared_steps import Text
from xrm_core.storage.retrying import in_transaction

THING = Table(
    "thing",
    MetaData(),
    Column("number", Integer, nullable=False),
    Column("id", Id),
    Column("name", String),
    Column("price", ExactDecimal(18, 2)),
    Column("day", Day),
    Column("moment", Instant),
    Column("time", TimeOfDay),
    Column("length", Seconds),
    Column("words", Words),
    Column("json", JsonObject),
    Column("flag", Flag),
    PrimaryKeyConstraint("number", name="pk_thing"),
)
FULL = {
    "id": "0192f0a0-0000-7000-8000-000000000001",
    "name": "50 % of ä's",
    "price": "12.50",
    "day": "2026-11-27",
    "moment": "2026-11-27T02:30:00.5+00:00",
    "time": "08:30:00",
    "length": "PT1H30M",
    "words": ["b", "a"],
    "json": {"a": [1, None]},
    "flag": True,
}


@pytest.fixture
def things(database: Database) -> Database:
    with database.begin() as connection:
        THING.create(connection)
        connection.execute(insert(THING), [{"number": 1, **FULL}, {"number": 2, **dict.fromkeys(FULL)}])
    return database


def test_rows_are_those_that_sqlalchemy_gives(things: Database) -> None:
    query = select_(THING).where(THING.c.number >= bindparam("least", type_=Integer())).order_by(THING.c.number)
    statement = DriverStatement(query, things.dialect)
    with things.begin() as connection:
        expected = [tuple(row) for row in connection.execute(query, {"least": 1})]
        for _ in range(3):  # run, prepared and run, run
            assert statement.rows(connection, {"least": 1, "more": "than it takes"}) == expected
        assert statement.rows(connection, {"least": 3}) == []
        assert statement.first(connection, {"least": 2}) == expected[1]


def test_values_are_stored_as_by_sqlalchemy(things: Database) -> None:
    new = {name: bindparam(f"new_{name}", type_=THING.c[name].type) for name in FULL}
    change = DriverStatement(update(THING).where(THING.c.number == bindparam("one")).values(new), things.dialect)
    given = {f"new_{name}": value for name, value in FULL.items()}
    with things.begin() as connection:
        outcomes = [run_together(connection, [change.call({**given, "one": number})]) for number in (2, 2, 7)]
        first, second = (tuple(row)[1:] for row in connection.execute(select_(THING).order_by(THING.c.number)))
    assert [count for [(_, count)] in outcomes] == [1, 1, 0]
    assert first == second


@pytest.mark.timeout(60)
def test_values_that_are_longer_than_a_socket_takes_at_once_are_sent(things: Database) -> None:
    named = update(THING).where(THING.c.number == 2).values(name=bindparam("name", type_=String()))
    name, query = (DriverStatement(each, things.dialect) for each in (named, select_(THING.c.name)))
    long = "ä" * 3_000_000
    with things.begin() as connection:
        for _ in range(2):  # once prepared in the same round trip, once before
            calls = [name.call({"name": long}), query.call({}), name.call({"name": long[:9]})]
            outcomes = run_together(connection, calls)
            assert long in [text for (text,) in outcomes[1][0]]


def test_of_several_those_after_a_wrong_one_are_not_run(things: Database) -> None:
    # Given statements that the connection has and has not run before
    named = update(THING).where(THING.c.number == 2).values(name=bindparam("name", type_=String()))
    moved = update(THING).where(THING.c.number == 2).values(number=bindparam("number", type_=Integer()))
    name, move = (DriverStatement(each, things.dialect) for each in (named, moved))
    for number in range(3):
        # When the second of three breaks a constraint
        ready = [name.call({"name": "first"}), move.call({"number": 2})] if number else []
        calls = [name.call({"name": "before"}), move.call({"number": 1}), name.call({"name": "after"})]
        with pytest.raises(IntegrityError):
            _after(things, ready, calls)
        # Then the transaction is over, with nothing done
        with things.begin() as connection:
            assert connection.execute(select_(THING.c.name).order_by(THING.c.number)).scalars().all()[1] is None


def test_what_is_prepared_stays_so_after_others_were_rolled_back(things: Database) -> None:
    query = DriverStatement(select_(THING.c.number).order_by(THING.c.number), things.dialect)
    for _ in range(8):  # psycopg would prepare its own the sixth time, and drop all after a rollback
        with things.engine.connect() as connection:
            connection.execute(select_(THING.c.name)).all()
            assert query.rows(connection, {}) == [(1,), (2,)]
            connection.rollback()


def test_who_listens_to_statements_hears_of_these_as_well(things: Database) -> None:
    heard: list[str] = []

    def note(_connection: Any, _cursor: Any, sql: str, *_others: Any) -> None:
        heard.append(sql)

    change = DriverStatement(update(THING).values(name=bindparam("name", type_=String())), things.dialect)
    query = DriverStatement(select_(THING.c.name).where(THING.c.number == 1), things.dialect)
    event.listen(things.engine, "before_cursor_execute", note)
    try:
        with things.begin() as connection:
            outcomes = run_together(connection, [change.call({"name": "new"}), query.call({})])
    finally:
        event.remove(things.engine, "before_cursor_execute", note)
    assert outcomes[0][1] == 2
    assert list(outcomes[1][0]) == [("new",)]
    assert [sql.split()[0] for sql in heard if "thing" in sql] == ["UPDATE", "SELECT"]


def test_a_connection_keeps_so_many_prepared_and_no_more(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xrm_core.storage.prepared_steps.MAX_PREPARED", 3)
    database = Database(postgres_url)
    texts = [Text(f"SELECT {number}", 0) for number in range(5)]
    with database.begin() as connection:
        for text in (*texts[:2], *texts[:2], *texts, *texts):
            assert rows(connection, text, ()) == [(int(text.sql[7:]),)]
        assert connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar() <= 3  # type: ignore[operator]
    database.close()


def test_what_would_have_made_room_makes_it_after_a_value_that_cannot_be_sent(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a connection that keeps few statements prepared, and has as many
    monkeypatch.setattr("xrm_core.storage.prepared_steps.MAX_PREPARED", 3)
    database, wrong = Database(postgres_url), Text("SELECT $1", 1)
    texts = [Text(f"SELECT {number}", 0) for number in range(8)]
    with database.begin() as connection:
        for text in texts:
            together(connection, [(text, ()), (text, ())])
            # when others would take their places, beside a value that nobody can send
            with pytest.raises(DBAPIError):
                together(connection, [(Text("SELECT 'new'", 0), ()), (wrong, [object()])])
        # then the server does not keep more and more of them
        together(connection, [(Text("SELECT 'last'", 0), ())])
        assert connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar() <= 3  # type: ignore[operator]
    database.close()


def test_a_statement_that_takes_too_long_and_a_server_that_goes_are_told_as_such(postgres_url: str) -> None:
    database = Database(postgres_url)
    sleep, end = Text("SELECT pg_sleep(10)::text", 0), Text("SELECT pg_terminate_backend(pg_backend_pid())::text", 0)
    with pytest.raises(Timeout), database.begin(0.05) as connection:
        rows(connection, sleep, ())
    with pytest.raises(DatabaseUnavailable), database.begin() as connection:
        rows(connection, end, ())
    with database.begin() as connection:  # and the next one gets another
        assert _one(connection) == 1
    database.close()


def _after(database: Database, first: list[Call], calls: list[Call]) -> None:
    with database.begin() as connection:
        run_together(connection, first)
        run_together(connection, calls)


def _one(connection: Connection) -> Any:
    return rows(connection, Text("SELECT 1", 0), ())[0][0]


def test_a_plan_that_tables_have_left_behind_is_made_anew(postgres_url: str) -> None:
    # given a statement that a connection has prepared
    with closing(Database(postgres_url, pool=1)) as database:
        with database.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE kept (name text)")
            connection.exec_driver_sql("INSERT INTO kept VALUES ('Ada')")
        text = Text("SELECT name FROM kept", 0)
        for _ in range(3):
            with database.begin() as connection:
                assert rows(connection, text, ()) == [("Ada",)]

        # when the type of its result changes, whoever runs it is told to try again, and does so
        for type_ in ("varchar(10)", "text"):
            with database.begin() as connection:
                connection.exec_driver_sql(f"ALTER TABLE kept ALTER COLUMN name TYPE {type_}")
            with pytest.raises(Busy), database.begin() as connection:
                rows(connection, text, ())
            for _ in range(3):
                with database.begin() as connection:
                    assert rows(connection, text, ()) == [("Ada",)]

        # and a transaction that is done again does not notice
        with database.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE kept ALTER COLUMN name TYPE varchar(20)")
        assert in_transaction(database, lambda connection: rows(connection, text, ())) == [("Ada",)]
