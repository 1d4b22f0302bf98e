"""On SQLite a change is drawn up before the write lock is taken, and holds in it only if nothing has changed since."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from tests.storage.worlds import add_rows, dump, entity, integer, model, rows_of, text
from xrm_core.errors import SchemaChangeRefused
from xrm_core.metadata.model import Model
from xrm_core.storage.applied import current_model
from xrm_core.storage.apply import apply, undo
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database
from xrm_core.storage.exclusive import Turn
from xrm_core.storage.history import history

SMALL = model(entity("customer", text("name"), text("fax")))
BIGGER = model(entity("customer", text("name"), text("fax"), text("city")))
OTHER = model(entity("customer", text("name", indexed=True), text("fax")))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'database.db'}"


@pytest.fixture
def database(url: str) -> Any:
    opened = Database(url)
    yield opened
    opened.close()


def write(database: Database, statement: str) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql(statement)


Between = Callable[..., list[int]]


@pytest.fixture
def before_the_lock(database: Database, monkeypatch: pytest.MonkeyPatch) -> Between:
    """Has something done between a draft of ``database`` and its lock; gives how often there was a draft."""

    def between(act: Callable[[], object], times: int = 1) -> list[int]:
        drafts, ahead = [0], Turn.ahead

        def and_act(turn: Turn, work: Callable[[Connection], Any]) -> Any:
            draft = ahead(turn, work)
            if turn._database is database:
                drafts[0] += 1
                if drafts[0] <= times:
                    act()
            return draft

        monkeypatch.setattr(Turn, "ahead", and_act)
        return drafts

    return between


def many(count: int, *more: Any) -> Model:
    return model(entity("customer", text("name"), *more), *(entity(f"other_{n}", text("name")) for n in range(count)))


def statements_under_lock(database: Database, path: str, new: Model) -> list[str]:
    """What is run while nobody else can write."""
    found: list[str] = []

    def before(connection: object, cursor: object, statement: str, *rest: object) -> None:
        other = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
        except sqlite3.OperationalError:
            found.append(statement)
        finally:
            other.close()

    event.listen(database.engine, "before_cursor_execute", before)
    apply(database, new)
    event.remove(database.engine, "before_cursor_execute", before)
    return found


def test_what_is_done_under_the_lock_does_not_grow_with_the_model(tmp_path: Path) -> None:
    # Given a small model and one of many entities
    counts = []
    for size in (1, 20):
        path = str(tmp_path / f"{size}.db")
        database = Database(f"sqlite:///{path}")
        apply(database, many(size))
        # When a field is added
        statements = statements_under_lock(database, path, many(size, text("city")))
        database.close()
        assert any(statement.lstrip().startswith("CREATE TABLE xrm_new_") for statement in statements)
        assert not any("table_xinfo" in statement for statement in statements)
        counts.append(len(statements))
    # Then writers wait for the same statements: neither the plan nor the check of all tables are among them
    assert counts[0] == counts[1]


def test_records_that_come_before_the_lock_are_in_the_plan(
    database: Database, url: str, before_the_lock: Between
) -> None:
    # Given a text that is a number in all records, so that it becomes one without consent
    apply(database, SMALL)
    writer = Database(url)
    add_rows(writer, SMALL, "customer", {"name": "A", "fax": "12"})
    numbers = model(entity("customer", text("name"), integer("fax")))
    # When somebody writes another value after the plan was made
    drafts = before_the_lock(lambda: write(writer, "UPDATE customer SET fax = 'none'"))
    with pytest.raises(SchemaChangeRefused) as refused:
        apply(database, numbers)
    # Then consent is asked for, and nothing was changed
    assert "change_type:customer.fax (lossy)" in str(refused.value)
    assert drafts == [1]
    with database.read() as connection:
        assert current_model(connection) == SMALL
    assert rows_of(database, SMALL, "customer", "name", "fax") == [("A", "none")]
    # And without that, none is asked for
    write(writer, "UPDATE customer SET fax = '13'")
    apply(database, numbers)
    assert rows_of(database, numbers, "customer", "fax") == [13]
    writer.close()


def test_records_do_not_make_a_change_start_over(database: Database, url: str, before_the_lock: Between) -> None:
    apply(database, SMALL)
    writer = Database(url)
    drafts = before_the_lock(lambda: add_rows(writer, SMALL, "customer", {"name": "B"}))
    apply(database, BIGGER)
    assert drafts == [1]
    assert rows_of(database, BIGGER, "customer", "name", "city") == [("B", None)]
    writer.close()


def test_another_change_before_the_lock_makes_it_start_over(
    database: Database, url: str, before_the_lock: Between
) -> None:
    # Given another process that applies its model after the plan was made
    apply(database, SMALL)
    other = Database(url)
    drafts = before_the_lock(lambda: apply(other, OTHER))
    # When ours is applied
    done = apply(database, BIGGER)
    # Then its plan leads from the model that came between
    assert [operation.key for operation in done.operations] == ["add_field:customer.city", "drop_index:customer.name"]
    assert drafts == [2]
    with database.read() as connection:
        assert current_model(connection) == BIGGER
        assert drift(connection, BIGGER) == []
    other.close()


def test_the_same_change_made_by_another_before_the_lock_is_not_made_twice(
    database: Database, url: str, before_the_lock: Between
) -> None:
    apply(database, SMALL)
    other = Database(url)
    before_the_lock(lambda: apply(other, BIGGER))
    assert apply(database, BIGGER).is_empty
    with database.read() as connection:
        assert len(history(connection).changes) == 2
    other.close()


def test_an_undo_starts_over_if_another_was_quicker(database: Database, url: str, before_the_lock: Between) -> None:
    apply(database, SMALL)
    apply(database, BIGGER)
    other = Database(url)
    before_the_lock(lambda: undo(other))
    with pytest.raises(SchemaChangeRefused, match="no model before"):
        undo(database)
    with database.read() as connection:
        assert current_model(connection) == SMALL
    other.close()


def test_a_table_that_is_changed_by_hand_before_the_lock_is_noticed(
    database: Database, url: str, before_the_lock: Between
) -> None:
    apply(database, SMALL)
    by_hand = Database(url)
    before_the_lock(lambda: write(by_hand, "ALTER TABLE customer ADD COLUMN mine TEXT"))
    with pytest.raises(SchemaChangeRefused, match="customer: the column mine is not in the model"):
        apply(database, BIGGER)
    with database.read() as connection:
        assert current_model(connection) == SMALL
    by_hand.close()


def test_who_changes_tables_again_and_again_holds_up_nobody_for_good(
    database: Database, url: str, before_the_lock: Between
) -> None:
    # Given somebody who makes an index of his own after each plan
    apply(database, SMALL)
    by_hand, made = Database(url), []

    def act() -> None:
        made.append(1)
        write(by_hand, f"CREATE INDEX mine_{len(made)} ON customer (name)")

    drafts = before_the_lock(act, times=100)
    # When a change is applied, then it comes through, at last by a plan made under the lock
    apply(database, BIGGER)
    assert drafts == [3]
    assert len(made) == 3
    found = dump(database)
    assert all(f"mine_{number}" in str(found) for number in range(1, 4))
    by_hand.close()
