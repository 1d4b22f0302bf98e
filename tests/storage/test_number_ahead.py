"""Records that are there get numbers when a sequence is added, and nobody has to wait for it."""

import itertools
from collections.abc import Iterator

import pytest
from sqlalchemy import delete, event, insert

from tests.storage.worlds import NOW, add_rows, model_of_files, record_id, rows_of
from xrm_core.metadata.model import Model
from xrm_core.storage.apply import abort, apply, undo
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database
from xrm_core.storage.prepared import Prepared
from xrm_core.storage.tables import Tables


def _quotes(**fields: object) -> Model:
    properties = {"title": {"type": "string"}, **fields}
    return model_of_files({"x-entity": "quote", "type": "object", "properties": properties})


NUMBER = {"type": "string", "x-sequence": {"format": "Q-{YYYY}-{000}", "gapless": True}}
PLAIN, NUMBERED = _quotes(), _quotes(number=NUMBER)


def _nothing_is_left(database: Database) -> None:
    with database.read() as connection:
        assert drift(connection, NUMBERED) == []
        assert database.is_sqlite or Prepared(connection).found == []


def test_records_that_come_while_others_are_numbered_get_the_next_numbers(postgres: Database) -> None:
    # Given records of two years
    apply(postgres, PLAIN)
    rows = [{"title": "old", "created_at": f"{2024 + number % 2}-05-01T10:00:00+00:00"} for number in range(6)]
    add_rows(postgres, PLAIN, "quote", *rows)
    # When, on the former model, one comes and one goes between the look at the records and the switch
    other, table = Database(postgres.url.render_as_string(hide_password=False)), Tables(PLAIN)["quote"]
    steps = itertools.count()

    def before(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "xrm_new_" in statement and "ALTER TABLE quote ADD COLUMN" in statement and next(steps) == 0:
            with other.begin() as connection:
                late = {"id": record_id(50), "title": "late", "updated_at": NOW, "version": 1}
                connection.execute(insert(table).values(late | {"created_at": "2024-06-01T10:00:00+00:00"}))
                connection.execute(delete(table).where(table.c.id == record_id(1)))

    event.listen(postgres.engine, "before_cursor_execute", before)
    apply(postgres, NUMBERED)
    other.close()
    # Then it goes on behind those that were there
    assert next(steps) > 0
    assert rows_of(postgres, NUMBERED, "quote", "number") == [
        *("Q-2025-001", "Q-2024-002", "Q-2025-002", "Q-2024-003", "Q-2025-003", "Q-2024-004"),
    ]
    _nothing_is_left(postgres)


def test_an_applier_that_is_stopped_anywhere_goes_on_with_the_same_numbers(postgres: Database) -> None:
    apply(postgres, PLAIN)
    add_rows(postgres, PLAIN, "quote", *({"title": str(number)} for number in range(5)))
    url = postgres.url.render_as_string(hide_password=False)
    # Given appliers that are stopped before each statement that writes
    for step in itertools.count():
        counter, stopped = itertools.count(), Database(url)

        def before(
            _connection: object,
            _cursor: object,
            statement: str,
            *_rest: object,
            at: int = step,
            counter: Iterator[int] = counter,
        ) -> None:
            if statement.startswith(("ALTER", "CREATE", "UPDATE", "INSERT", "DROP")) and next(counter) == at:
                raise KeyboardInterrupt

        event.listen(stopped.engine, "before_cursor_execute", before)
        try:
            apply(stopped, NUMBERED)
            break
        except KeyboardInterrupt:
            continue
        finally:
            stopped.close()
    # Then the last one comes through
    assert step > 5
    assert rows_of(postgres, NUMBERED, "quote", "number") == [f"Q-2026-{number:03}" for number in range(1, 6)]
    _nothing_is_left(postgres)


def test_what_was_made_ahead_goes_when_the_change_is_given_up(postgres: Database) -> None:
    apply(postgres, PLAIN)
    add_rows(postgres, PLAIN, "quote", {"title": "a"})

    def before(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "CREATE UNIQUE INDEX" in statement:
            raise KeyboardInterrupt

    event.listen(postgres.engine, "before_cursor_execute", before)
    with pytest.raises(KeyboardInterrupt):
        apply(postgres, NUMBERED)
    event.remove(postgres.engine, "before_cursor_execute", before)
    assert abort(postgres)
    with postgres.read() as connection:
        assert drift(connection, PLAIN) == []
        assert Prepared(connection).found == []


def test_numbers_that_were_put_aside_come_back_as_they_were(database: Database) -> None:
    # Given numbers with a gap
    apply(database, NUMBERED)
    add_rows(
        database, NUMBERED, "quote", {"title": "a", "number": "Q-2026-004"}, {"title": "b", "number": "Q-2026-001"}
    )
    # When the field is dropped, and that is taken back
    apply(database, PLAIN, ["drop_field:quote.number"])
    undo(database)
    # Then they are the same
    assert rows_of(database, NUMBERED, "quote", "number") == ["Q-2026-004", "Q-2026-001"]
    _nothing_is_left(database)
