"""Applying as a whole: all or nothing, one at a time, again after a crash."""

import itertools
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy import text as sql
from sqlalchemy.exc import OperationalError

from tests.nursed import run
from tests.storage.killed_apply import AFTER, BEFORE
from tests.storage.worlds import add_rows, dump, entity, model, record_id, relation, rows_of, schema_of, text
from xrm_core.errors import DatabaseUnavailable, ModelOutOfDate, SchemaChangeRefused
from xrm_core.storage import exclusive
from xrm_core.storage.applied import current_model
from xrm_core.storage.apply import apply
from xrm_core.storage.bundle.content import ELSEWHERE
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database, with_schema
from xrm_core.storage.measure import Found
from xrm_core.storage.plan import plan
from xrm_core.storage.prepared import Prepared
from xrm_core.storage.system import METADATA
from xrm_core.storage.system_upgrade import upgrade_system
from xrm_core.storage.under_way import change_under_way

SMALL = model(entity("customer", text("name")))
BIGGER = model(entity("customer", text("name"), text("city")), entity("contact", relation("customer", "customer")))


def test_a_database_without_a_model_has_none(database: Database) -> None:
    with database.read() as connection:
        assert current_model(connection) is None
        found = plan(connection, None, BIGGER)
    assert [operation.key for operation in found.operations] == ["create_entity:contact", "create_entity:customer"]


def test_an_empty_model_can_be_applied(database: Database) -> None:
    assert apply(database, model()).is_empty
    with database.read() as connection:
        assert current_model(connection) == model()


def test_the_history_of_models_keeps_no_values_of_records(database: Database) -> None:
    # Given a record whose value is a sample of a plan
    apply(database, BIGGER)
    add_rows(database, BIGGER, "customer", {"name": "A", "city": "Ulm-Wiblingen"})
    done = apply(database, SMALL, accept=["drop_field:customer.city", "drop_entity:contact"])
    assert "Ulm-Wiblingen" in str(done.to_json())
    # When it is deleted, then no table has it any more
    with database.begin() as connection:
        connection.execute(sql("DELETE FROM customer"))
    assert "Ulm-Wiblingen" not in str(dump(database)["rows"])


def test_only_safe_refuses_what_is_lossy_even_with_consent(database: Database) -> None:
    apply(database, BIGGER)
    before = dump(database)
    with pytest.raises(SchemaChangeRefused, match=r"drop_field:customer\.city"):
        apply(database, SMALL, accept=["drop_field:customer.city", "drop_entity:contact"], only_safe=True)
    assert dump(database) == before
    # And does what is safe
    assert not apply(database, model(*BIGGER, entity("partner")), only_safe=True).is_empty


def test_consent_to_what_is_not_in_the_plan_is_refused(database: Database) -> None:
    # Given a change that is lossy, and consent with a slip of the pen beside the right one
    apply(database, BIGGER)
    before = dump(database)
    accept = ["drop_field:customer.city", "drop_entity:contact", "drop_field:customer.town"]
    # When it is applied
    with pytest.raises(SchemaChangeRefused, match=r"no operation drop_field:customer\.town\.") as refused:
        apply(database, SMALL, accept)
    # Then nothing is done, and the names that there are are told
    assert dump(database) == before
    assert all(key in refused.value.hint for key in accept[:2])
    assert refused.value.details["unknown"] == ["drop_field:customer.town"]
    assert not apply(database, SMALL, accept[:2]).is_empty


def test_consent_given_once_may_be_given_again(database: Database) -> None:
    # Given a lossy change that was applied
    apply(database, BIGGER)
    accept = ["drop_field:customer.city", "drop_entity:contact"]
    apply(database, SMALL, accept)
    # When the same command runs again, there is nothing to do
    assert apply(database, SMALL, accept).is_empty


def test_appliers_at_the_same_time_take_turns(database_url: str) -> None:
    # Given four appliers that start at once on an empty database
    start = threading.Barrier(4, timeout=30)

    def run(_: int) -> bool:
        own = Database(database_url)
        start.wait()
        try:
            return apply(own, BIGGER).is_empty
        finally:
            own.close()

    # When all have ended, none with an error
    with ThreadPoolExecutor(4) as pool:
        empty = list(pool.map(run, range(4)))
    # Then one of them did the work
    assert sorted(empty) == [False, True, True, True]
    own = Database(database_url)
    with own.read() as connection:
        assert drift(connection, BIGGER) == []
    own.close()


def slow(*values: str) -> Any:
    return pytest.param(*values, marks=pytest.mark.slow)


def killed(database_url: str, there: str, way: str) -> int:
    """How often a process that applies models was killed until it came through, see ``killed_apply``."""
    done = run("from tests.storage.killed_apply import begin; begin()", database_url, there, *way.split())
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


# By day it is not killed after every single statement, least of all on SQLite, where it is one transaction.
THERE = [
    *(("sqlite", "later 7"), ("postgresql", "later 2"), ("sqlite", "random 1"), ("postgresql", "random 1")),
    *(slow(kind, "later 1") for kind in ("sqlite", "postgresql")),
    *(slow(kind, f"random {seed}") for kind in ("sqlite", "postgresql") for seed in range(2, 40)),
]


@pytest.mark.parametrize(("database_url", "way"), THERE, indirect=["database_url"])
def test_an_applier_killed_at_any_point_loses_nothing_and_goes_on(
    database_url: str, database: Database, another_database: Database, way: str
) -> None:
    # Given a process that is killed after statements that write, or at random moments, then starts again
    kills = killed(database_url, "there", way)
    # Then the former model had its records each time, and it came through at last
    assert kills > (0 if way.startswith("random") else 10)
    # And nothing is left of the way
    apply(another_database, AFTER)
    assert schema_of(database) == schema_of(another_database)
    with database.read() as connection:
        assert drift(connection, AFTER) == []
        assert change_under_way(connection) is None
        if not database.is_sqlite:
            assert Prepared(connection).found == []
    clients = rows_of(database, AFTER, "client", "name", "rank", "parent_id")
    assert clients == [("A", 5, None), ("B", 5, record_id(1)), ("C", 7, None)]
    contacts = rows_of(database, AFTER, "contact", "customer_id", "mail", "score", "city")
    assert contacts == [(record_id(2), "b@b.example", 12, "?")]


@pytest.mark.parametrize("way", ["random 1", slow("later 1"), *(slow(f"random {seed}") for seed in range(2, 20))])
def test_whoever_goes_back_and_is_killed_at_any_point_goes_on(database_url: str, database: Database, way: str) -> None:
    # Given a process that goes back to the former model and is killed at random moments, then starts again
    assert killed(database_url, "back", way) > 0
    # Then the former model has its records again, and no change is under way
    with database.read() as connection:
        assert drift(connection, BEFORE) == []
        assert change_under_way(connection) is None
        if not database.is_sqlite:
            assert Prepared(connection).found == []


def test_a_table_in_use_is_waited_for(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a transaction that has read a table and stays open
    monkeypatch.setattr(exclusive, "_LOCK_MILLISECONDS", 50)
    database = Database(postgres_url)
    apply(database, BEFORE)
    reader = database.engine.connect()
    reader.execute(sql("SELECT * FROM customer"))
    # When the change is applied, and the transaction ends a moment later
    timer = threading.Timer(0.4, reader.close)
    timer.start()
    planned = apply(
        database, model(*(entity("customer", *BEFORE["customer"].fields.values(), text("city")), BEFORE["contact"]))
    )
    # Then the change came through
    assert [operation.key for operation in planned.operations] == ["add_field:customer.city"]
    timer.join()
    database.close()


def test_a_change_that_the_data_does_not_allow_is_undone(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given duplicates that come between the plan and the change
    apply(database, SMALL)
    add_rows(database, SMALL, "customer", {"name": "A"}, {"name": "A"})
    before = dump(database)
    monkeypatch.setattr("xrm_core.storage.measure.Measure.duplicates", lambda *_: Found())
    # When the change is applied
    with pytest.raises(SchemaChangeRefused, match=r"(?i)unique") as refused:
        apply(database, model(entity("partner"), entity("customer", text("name", unique=True))))
    # Then nothing has changed, and no statement is told
    assert dump(database) == before
    assert "ALTER" not in str(refused.value)
    assert "INSERT" not in str(refused.value)


def test_an_interruption_is_one_and_the_next_attempt_comes_through(database: Database) -> None:
    # Given somebody who presses Ctrl-C in the middle of a change
    apply(database, SMALL)
    add_rows(database, SMALL, "customer", {"name": "A"})
    presses = itertools.count()

    def press(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.lstrip().startswith(("ALTER", "CREATE TABLE xrm_new_")) and next(presses) == 0:
            raise KeyboardInterrupt

    event.listen(database.engine, "before_cursor_execute", press)
    with pytest.raises(KeyboardInterrupt):
        apply(database, BIGGER)
    # Then the model is the former one, references are watched over, and the same command does it
    with database.read() as connection:
        assert current_model(connection) == SMALL
        if database.is_sqlite:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    apply(database, BIGGER)
    assert rows_of(database, BIGGER, "customer", "name") == ["A"]


def test_more_columns_than_a_table_can_have_are_refused(database: Database) -> None:
    apply(database, SMALL)
    before = dump(database)
    wide = model(entity("customer", *(text(f"field_{number}") for number in range(2_100))))
    with pytest.raises(SchemaChangeRefused, match="columns") as refused:
        apply(database, wide, ["drop_field:customer.name"])
    assert "contract" in str(refused.value.hint)
    assert "ALTER" not in str(refused.value)
    assert dump(database) == before


def test_a_full_disk_is_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a database that has no room for another column
    apply(database, SMALL)
    full = psycopg.errors.DiskFull() if not database.is_sqlite else sqlite3.OperationalError("database or disk is full")

    def fail(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith(("ALTER", "CREATE TABLE xrm_new_")):
            raise OperationalError(statement, None, full)

    event.listen(database.engine, "before_cursor_execute", fail)
    with pytest.raises(DatabaseUnavailable) as stopped:
        apply(database, model(entity("customer", text("name"), text("city"))))
    assert "ALTER" not in str(stopped.value)
    if not database.is_sqlite:
        assert "the same command again" in str(stopped.value.hint)


def test_system_tables_are_created_once_and_kept(database: Database) -> None:
    upgrade_system(database)
    before = schema_of(database)
    upgrade_system(database)
    assert {table.name for table in ELSEWHERE} <= METADATA.tables.keys()  # they are in other modules than most
    assert set(before) == {"xrm_alembic_version", *METADATA.tables}
    assert schema_of(database) == before


def test_system_tables_are_as_the_code_sees_them(database: Database, another_empty_database: Database) -> None:
    # Given tables from the revisions and tables from the Table objects
    upgrade_system(database)
    with another_empty_database.begin() as connection:
        METADATA.create_all(connection)
    # Then they are the same
    revisions = {name: table for name, table in schema_of(database).items() if name != "xrm_alembic_version"}
    assert revisions == schema_of(another_empty_database)


def test_system_tables_of_many_tenants_are_made_at_the_same_time(database_url: str, tmp_path: Path) -> None:
    # Given four empty tenants
    main = Database(database_url)
    names = [f"t_{number}" for number in range(4)]
    if main.is_sqlite:
        tenants = [Database(f"sqlite:///{tmp_path / name}.db") for name in names]
    else:
        with main.begin() as connection:
            for name in names:
                connection.execute(sql(f"CREATE SCHEMA {name}"))
        tenants = [Database(with_schema(main.url, name)) for name in names]
    # When one process makes their tables at once, then each has its own
    with ThreadPoolExecutor(len(tenants)) as threads:
        list(threads.map(lambda tenant: apply(tenant, SMALL), tenants))
    for tenant in tenants:
        assert set(schema_of(tenant)) == {"xrm_alembic_version", *METADATA.tables, "customer"}
    for each in (main, *tenants):
        each.close()


def test_system_tables_of_a_newer_version_are_left_alone(database: Database) -> None:
    apply(database, SMALL)
    with database.begin() as connection:
        connection.execute(sql("UPDATE xrm_alembic_version SET version_num = '9999'"))
    before = dump(database)
    with pytest.raises(ModelOutOfDate, match="newer version"):
        apply(database, BIGGER)
    assert dump(database) == before


def test_a_database_that_does_not_answer_is_one_clear_error() -> None:
    database = Database("postgresql://nobody:secret@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable) as error:
        apply(database, SMALL)
    assert "secret" not in str(error.value)
