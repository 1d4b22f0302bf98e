"""A change of the model on a busy PostgreSQL: others go on, and whoever is stopped goes on later or gives it up."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import event, insert
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError

from tests.storage.killed_apply import ACCEPT, AFTER, BEFORE
from tests.storage.worlds import NOW, add_rows, dump, entity, integer, model, record_id, rows_of, text
from xrm_core.errors import SchemaChangeRefused, SettingsError
from xrm_core.storage import batches, exclusive, system
from xrm_core.storage.applied import applied_fingerprint, current_model
from xrm_core.storage.apply import abort, apply
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database, with_schema
from xrm_core.storage.exclusive import somebody_has_the_turn
from xrm_core.storage.prepared import Prepared
from xrm_core.storage.system_upgrade import upgrade_system
from xrm_core.storage.tables import Tables
from xrm_core.storage.under_way import Change, change_under_way

SMALL = model(entity("customer", text("name"), integer("rank")))
RANKED = model(entity("customer", text("name"), integer("rank", required=True, default=5)))
UNIQUE = model(entity("customer", text("name", unique=True), integer("rank")))


class Stopped(BaseException):
    """Instead of a kill."""


@contextmanager
def stopped_at(url: str, sign: Callable[[str], bool]) -> Iterator[Database]:
    """A database of which a user is stopped before the first statement that shows the sign."""
    database = Database(url)

    def before(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if sign(statement):
            raise Stopped

    event.listen(database.engine, "before_cursor_execute", before)
    yield database
    database.close()


def test_another_target_takes_away_what_a_stopped_applier_has_made(postgres_url: str, postgres: Database) -> None:
    # Given appliers that are stopped at each of their steps
    apply(postgres, BEFORE)
    add_rows(postgres, BEFORE, "customer", {"name": "A", "fax": "1"})
    before = dump(postgres)
    for steps in (5, 9, 13, 17, 21):
        counter = itertools.count()

        def sign(statement: str, counter: Iterator[int] = counter, steps: int = steps) -> bool:
            return statement.startswith(("ALTER", "CREATE", "UPDATE")) and next(counter) == steps

        with stopped_at(postgres_url, sign) as stopped, pytest.raises(Stopped):
            apply(stopped, AFTER, ACCEPT)
        assert dump(postgres) != before
        # When the former model is applied, then all is as it was
        assert apply(postgres, BEFORE).is_empty
        assert dump(postgres) == before


def test_a_stopped_change_is_told_and_may_be_given_up(postgres_url: str, postgres: Database) -> None:
    # Given an applier that is stopped before the switch
    apply(postgres, SMALL)
    add_rows(postgres, SMALL, "customer", {"name": "A"})
    before = dump(postgres)
    assert abort(postgres) is False
    with (
        stopped_at(postgres_url, lambda statement: statement.startswith("LOCK")) as stopped,
        pytest.raises(Stopped),
    ):
        apply(stopped, RANKED)
    # Then it is told, and the tables are those of the former model
    found = under_way(postgres)
    assert found is not None
    assert (found.fingerprint, found.phase) == (RANKED.fingerprint, "prepare")
    assert [operation["op"] for operation in found.operations["operations"]] == ["change_required", "change_metadata"]
    with postgres.read() as connection:
        assert drift(connection, SMALL) == []
        assert not somebody_has_the_turn(connection)
    # And when it is given up, all is as it was
    assert abort(postgres) is True
    assert dump(postgres) == before
    assert under_way(postgres) is None


def test_filling_goes_on_where_it_stopped(
    postgres_url: str, postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given ten records to fill, one at a time, and an applier that is stopped after five
    monkeypatch.setattr(batches, "_BATCH", 1)
    apply(postgres, SMALL)
    add_rows(postgres, SMALL, "customer", *({"name": str(number)} for number in range(10)))
    fills = itertools.count()

    def fifth(statement: str) -> bool:
        return is_fill(statement) and next(fills) == 5

    with stopped_at(postgres_url, fifth) as stopped, pytest.raises(Stopped):
        apply(stopped, RANKED)
    # When it is applied again, it fills the other five, and looks at nothing twice
    statements: list[str] = []
    event.listen(postgres.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    apply(postgres, RANKED)
    assert len([statement for statement in statements if is_fill(statement)]) == 5
    assert rows_of(postgres, RANKED, "customer", "rank") == [5] * 10


def test_writers_of_the_former_model_go_on_meanwhile(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given writers that insert, change and delete while a column is filled
    monkeypatch.setattr(batches, "_BATCH", 7)
    apply(postgres, SMALL)
    add_rows(postgres, SMALL, "customer", *({"name": str(number)} for number in range(300)))
    done = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        writers = [pool.submit(write_until, postgres, done, start) for start in (1000, 2000)]
        while not all(writer.running() or writer.done() for writer in writers):
            time.sleep(0.01)
        # When the change is applied
        try:
            apply(postgres, RANKED)
        finally:
            done.set()
        written = [writer.result() for writer in writers]
    # Then no write failed but for the new model, and every record has its value
    assert all(count > 0 for count in written)
    assert set(rows_of(postgres, RANKED, "customer", "rank")) <= {5, 8}
    with postgres.read() as connection:
        assert drift(connection, RANKED) == []
        assert Prepared(connection).found == []


def write_until(database: Database, done: threading.Event, start: int) -> int:
    """How many records were written on the former model. Like the server, it asks for the model again at the end."""
    table, written = Tables(SMALL)["customer"], 0
    while not done.is_set():
        connection = database.engine.connect()
        try:
            values = {"created_at": NOW, "updated_at": NOW, "version": 1, "name": "new"}
            connection.execute(insert(table).values({**values, "id": record_id(start + written)}))
            number = written % 300 + 1
            connection.execute(table.update().where(table.c.id == record_id(number)).values(rank=8, name="changed"))
            connection.execute(table.update().where(table.c.id == record_id(number)).values(rank=None))
            if applied_fingerprint(connection) != SMALL.fingerprint:
                break
            connection.commit()
        except DBAPIError:
            connection.rollback()
            if applied_fingerprint(connection) == SMALL.fingerprint:
                raise
            break
        finally:
            connection.close()
        written += 1
        time.sleep(0.002)
    return written


def test_a_value_that_the_new_model_refuses_comes_while_it_is_applied(postgres_url: str, postgres: Database) -> None:
    # Given a writer whose duplicate comes after the plan was made
    apply(postgres, SMALL)
    add_rows(postgres, SMALL, "customer", {"name": "A"})
    before = dump(postgres)
    other = Database(postgres_url)

    def duplicate(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if "CREATE UNIQUE INDEX" in statement and not duplicates:
            duplicates.append("A")
            add_rows(other, SMALL, "customer", {"name": "A", "id": 2})

    duplicates: list[str] = []
    event.listen(postgres.engine, "before_cursor_execute", duplicate)
    # When the model is applied, then the refusal names what is in the way, and nothing remains of the attempt
    with pytest.raises(SchemaChangeRefused, match="share theirs") as refused:
        apply(postgres, UNIQUE)
    assert refused.value.details["operations"][0]["rows"] == 2
    assert dump(postgres)["schema"] == before["schema"]
    assert under_way(postgres) is None
    other.close()


@pytest.mark.parametrize("moment", ["ADD CONSTRAINT", "ALTER TABLE customer ADD COLUMN", "UPDATE customer"])
def test_a_value_that_cannot_be_converted_comes_while_it_is_applied(
    postgres_url: str, postgres: Database, moment: str
) -> None:
    # Given a writer whose value comes after the plan was made
    before = model(entity("customer", text("name"), text("score")))
    after = model(entity("customer", text("name", unique=True), integer("score", required=True, default=1)))
    apply(postgres, before)
    add_rows(postgres, before, "customer", {"name": "A", "score": "12"}, {"name": "B"})
    other = Database(postgres_url)
    came: list[str] = []

    def write(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if moment in statement and not came:
            came.append(statement)
            add_rows(other, before, "customer", {"name": "C", "score": "twelve", "id": 3})

    event.listen(postgres.engine, "before_cursor_execute", write)
    # When the model is applied, then the refusal names what is in the way, and nothing remains of the attempt
    with pytest.raises(SchemaChangeRefused, match=r"change_type:customer\.score") as refused:
        apply(postgres, after)
    assert [sample["value"] for sample in refused.value.details["operations"][0]["samples"]] == ["twelve"]
    assert rows_of(postgres, before, "customer", "score") == ["12", None, "twelve"]
    with postgres.read() as connection:
        assert Prepared(connection).found == []
    other.close()


@pytest.mark.parametrize("default", ["50 % of %s", "O'Brien: \\ :name $1 $$", "a\ttab; a\nline", 'Ä "€" 😀'])
def test_a_default_of_any_characters_is_what_records_get(database: Database, default: str) -> None:
    before = model(entity("customer", text("name")))
    noted = text("note", default=default)
    after = model(entity("customer", text("name", required=True, default=default), noted, text("again", default="x")))
    apply(database, before)
    add_rows(database, before, "customer", {})
    apply(database, after)
    assert rows_of(database, after, "customer", "name", "note") == [(default, default)]


def test_a_refusal_leaves_nothing_of_a_stopped_attempt(postgres_url: str, postgres: Database) -> None:
    # Given an applier that is stopped when the database refuses duplicates already, and a value that is no number
    before = model(entity("customer", text("name"), text("score")))
    after = model(entity("customer", text("name", unique=True), integer("score")))
    apply(postgres, before)
    add_rows(postgres, before, "customer", {"name": "A", "score": "1"})
    with (
        stopped_at(postgres_url, lambda statement: statement.startswith("LOCK")) as stopped,
        pytest.raises(Stopped),
    ):
        apply(stopped, after)
    add_rows(postgres, before, "customer", {"name": "B", "score": "x", "id": 2})
    # When the next attempt is refused, then the former model may do all that it could
    with pytest.raises(SchemaChangeRefused, match=r"change_type:customer\.score"):
        apply(postgres, after)
    assert under_way(postgres) is None
    with postgres.read() as connection:
        assert Prepared(connection).found == []
    add_rows(postgres, before, "customer", {"name": "A", "id": 3})


def test_a_refusal_in_the_switch_leaves_nothing(postgres: Database) -> None:
    apply(postgres, SMALL)
    before = dump(postgres)

    def refuse(connection: object, model: object) -> None:
        raise SchemaChangeRefused("The files have changed.")

    with pytest.raises(SchemaChangeRefused, match="files have changed"):
        apply(postgres, UNIQUE, along=refuse)
    assert dump(postgres) == before


def test_system_tables_in_use_are_waited_for(postgres_url: str, postgres: Database) -> None:
    # Given system tables of an older version, and a reader that has them for longer than a blink
    apply(postgres, SMALL)
    config = Config()
    config.set_main_option("script_location", str(Path(system.__file__).parent / "revisions"))
    with postgres.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0006")
        assert connection.scalar(sql("SELECT to_regclass('xrm_identity')")) is None
    other = Database(postgres_url)
    reader = other.engine.connect()
    reader.execute(sql("SELECT id FROM xrm_model"))
    timer = threading.Timer(3 * exclusive._LOCK_MILLISECONDS / 1000, reader.close)
    timer.start()
    # When they are brought to the newest version, then that waits for it
    upgrade_system(postgres)
    timer.join()
    assert apply(postgres, SMALL).is_empty
    other.close()


def test_a_schema_that_is_not_there_is_told_at_once(postgres: Database) -> None:
    nowhere = Database(with_schema(postgres.url, "nowhere"))
    with pytest.raises(SettingsError, match="no schema nowhere"):
        apply(nowhere, SMALL)
    nowhere.close()


def test_an_open_reader_holds_up_the_change_and_nobody_else(
    postgres_url: str, postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a transaction that has read a table and stays open
    monkeypatch.setattr(exclusive, "_PATIENCE_SECONDS", 2)
    apply(postgres, SMALL)
    other = Database(postgres_url)
    reader = other.engine.connect()
    reader.execute(sql("SELECT * FROM customer"))
    waits: list[float] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            began = time.monotonic()
            with other.read() as connection:
                connection.execute(sql("SELECT count(*) FROM customer"))
            waits.append(time.monotonic() - began)
            time.sleep(0.01)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    # When a field is added, then it is refused after a while
    wider = model(entity("customer", text("name"), integer("rank"), text("city")))
    with pytest.raises(SchemaChangeRefused, match="in use"):
        apply(postgres, wider)
    done.set()
    thread.join(30)
    # And other readers have waited no longer than a lock is waited for
    assert len(waits) > 5
    assert max(waits) < exclusive._LOCK_MILLISECONDS / 1000 + 0.5
    # And it comes through once the transaction has ended
    reader.close()
    apply(postgres, wider)
    other.close()


def test_a_second_applier_is_refused_clearly(
    postgres_url: str, postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exclusive, "_TURN_SECONDS", 0.3)
    other = Database(postgres_url)
    apply(postgres, SMALL)
    with exclusive.exclusive(other):
        with postgres.read() as connection:
            assert somebody_has_the_turn(connection)
        with pytest.raises(SchemaChangeRefused, match="Another process"):
            apply(postgres, UNIQUE)
    other.close()


def test_an_applier_that_loses_its_connection_stops(postgres_url: str, postgres: Database) -> None:
    # Given an applier whose connection is cut before the switch
    apply(postgres, SMALL)
    other = Database(postgres_url)

    def cut(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("LOCK"):
            with other.begin() as killer:
                killer.execute(
                    sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> 0")
                )

    event.listen(postgres.engine, "before_cursor_execute", cut)
    # When it goes on, then it fails with a clear error and the model is the former one
    with pytest.raises(Exception, match="cannot be used"):
        apply(postgres, RANKED)
    with other.read() as connection:
        assert current_model(connection) == SMALL
        assert change_under_way(connection) is not None
    # And another one goes on from there
    assert not apply(other, RANKED).is_empty
    other.close()


def is_fill(statement: str) -> bool:
    return statement.startswith("UPDATE customer")


def under_way(database: Database) -> Change | None:
    with database.read() as connection:
        return change_under_way(connection)
