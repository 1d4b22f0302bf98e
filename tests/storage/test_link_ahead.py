"""Links that a relation to one record becomes are made ahead on PostgreSQL, and nobody has to wait for them."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import delete, event, insert, update

from tests.storage.worlds import NOW, add_rows, model_of_files, record_id, rows_of
from xrm_core.metadata.model import Model
from xrm_core.storage.apply import abort, apply
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database
from xrm_core.storage.prepared import Prepared
from xrm_core.storage.tables import Tables

RENAMED = {"x-renamed-from": "member"}
MANY = {"to": "contact", "inverse": "projects", "many": True}
ATTRIBUTES = {
    "role": {"type": "string", "default": "it's"},
    "since": {"type": "string", "format": "date", "default": "2026-01-31"},
    "share": {"type": "number", "x-type": "decimal", "x-scale": 2, "default": 12.5},
    "rank": {"type": "integer", "default": 3},
    "main": {"type": "boolean", "default": False},
    "kind": {"type": "string", "enum": ["guest", "host"], "default": "guest"},
    "days": {"type": "array", "items": {"enum": ["mon", "tue"]}, "uniqueItems": True, "default": ["mon"]},
    "note": {"type": "object", "x-type": "json", "default": {"a": "b'c"}},
    "pause": {"type": "string", "format": "duration", "default": "PT1H"},
}


def _world(**member: Any) -> Model:
    contact = {"x-entity": "contact", "type": "object", "properties": {"name": {"type": "string"}}}
    return model_of_files(contact, {"x-entity": "project", "type": "object", "properties": member})


ONE = _world(member={"x-relation": {"to": "contact", "inverse": "projects", "on_delete": "set_null"}})
AFTER = _world(members={"x-relation": {**MANY, "attributes": ATTRIBUTES}, **RENAMED})


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Database]:
    opened = Database(postgres_url)
    apply(opened, ONE)
    add_rows(opened, ONE, "contact", *({"name": name} for name in "ABC"))
    members = ({"member_id": record_id(number % 3 + 1)} for number in range(6))
    add_rows(opened, ONE, "project", *members, {"id": 7})
    yield opened
    opened.close()


def _nothing_is_left(database: Database, model: Model) -> None:
    with database.read() as connection:
        assert drift(connection, model) == []
        assert Prepared(connection).found == []


def _before(database: Database, act: Callable[[str], None]) -> None:
    def before(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        act(statement)

    event.listen(database.engine, "before_cursor_execute", before)


@pytest.mark.parametrize("moment", ["INSERT INTO xrm_new_links", "ANALYZE xrm_new_links"])
def test_links_follow_those_who_write_meanwhile(postgres: Database, moment: str) -> None:
    # Given one who writes on the former model: before the links are filled, or before the switch
    other, project, contact = (
        Database(postgres.url.render_as_string(hide_password=False)),
        *_tables("project", "contact"),
    )
    told = itertools.count()

    def write(statement: str) -> None:
        if not statement.startswith(moment) or next(told):
            return
        with other.begin() as connection:
            connection.execute(update(project).where(project.c.id == record_id(1)).values(member_id=None))
            connection.execute(update(project).where(project.c.id == record_id(2)).values(member_id=record_id(1)))
            connection.execute(update(project).where(project.c.id == record_id(7)).values(member_id=record_id(2)))
            connection.execute(delete(project).where(project.c.id == record_id(4)))
            connection.execute(delete(contact).where(contact.c.id == record_id(3)))
            late = {"id": record_id(8), "member_id": record_id(1), "created_at": NOW, "updated_at": NOW, "version": 1}
            connection.execute(insert(project).values(late))

    _before(postgres, write)
    # When the relation becomes one to many
    apply(postgres, AFTER)
    other.close()
    # Then the links are what the relation was in the end
    assert next(told) > 0
    assert rows_of(postgres, AFTER, "project_member", "project_id", "contact_id") == [
        (record_id(2), record_id(1)),
        (record_id(5), record_id(2)),
        (record_id(7), record_id(2)),
        (record_id(8), record_id(1)),
    ]
    _nothing_is_left(postgres, AFTER)


def test_nothing_is_written_while_the_tables_are_locked(postgres: Database) -> None:
    statements: list[str] = []
    _before(postgres, statements.append)
    apply(postgres, AFTER)
    locked = max(number for number, statement in enumerate(statements) if statement.startswith("LOCK TABLE"))
    assert not [statement for statement in statements[locked:] if "INTO project_member" in statement]
    assert len(rows_of(postgres, AFTER, "project_member", "id")) == 6


def test_attributes_of_links_have_their_defaults(postgres: Database) -> None:
    # Given one who writes when the links have been filled, so that some come from there and one from the trigger
    other, [project] = Database(postgres.url.render_as_string(hide_password=False)), _tables("project")

    def write(statement: str) -> None:
        if statement.startswith("ANALYZE xrm_new_links"):
            with other.begin() as connection:
                connection.execute(update(project).where(project.c.id == record_id(7)).values(member_id=record_id(2)))

    _before(postgres, write)
    apply(postgres, AFTER)
    other.close()
    found = rows_of(postgres, AFTER, "project_member", *ATTRIBUTES)
    assert len(found) == 7
    assert {str(row) for row in found} == {str(found[0])}
    assert found[0][0] == "it's"
    assert None not in found[0]


def test_an_applier_that_is_stopped_anywhere_goes_on_with_the_same_links(postgres: Database) -> None:
    url = postgres.url.render_as_string(hide_password=False)
    # Given appliers that are stopped before each statement that writes
    for step in itertools.count():
        counter, stopped = itertools.count(), Database(url)

        def stop(statement: str, at: int = step, counter: Iterator[int] = counter) -> None:
            writes = statement.startswith(("ALTER", "CREATE", "UPDATE", "INSERT", "DROP", "LOCK", "ANALYZE"))
            if writes and next(counter) == at:
                raise KeyboardInterrupt

        _before(stopped, stop)
        try:
            apply(stopped, AFTER)
            break
        except KeyboardInterrupt:
            continue
        finally:
            stopped.close()
    # Then the last one comes through
    assert step > 5
    expected = [(record_id(number + 1), record_id(number % 3 + 1)) for number in range(6)]
    assert rows_of(postgres, AFTER, "project_member", "project_id", "contact_id") == expected
    _nothing_is_left(postgres, AFTER)


def test_links_made_ahead_go_when_the_change_is_given_up(postgres: Database) -> None:
    def stop(statement: str) -> None:
        if statement.startswith("LOCK TABLE"):
            raise KeyboardInterrupt

    _before(postgres, stop)
    with pytest.raises(KeyboardInterrupt):
        apply(postgres, AFTER)
    assert abort(postgres)
    # Then writers do not know that there was anything
    [project] = _tables("project")
    with postgres.begin() as connection:
        connection.execute(update(project).values(member_id=record_id(1)))
    _nothing_is_left(postgres, ONE)


def test_links_of_which_only_one_can_have_the_default_fail_nobodys_write(postgres: Database) -> None:
    # Given an attribute that no two links may have the same value of, and one record with a relation
    attributes = {"seat": {"type": "integer", "default": 1, "x-unique": True}}
    after = _world(members={"x-relation": {**MANY, "attributes": attributes}, **RENAMED})
    [project] = _tables("project")
    with postgres.begin() as connection:
        connection.execute(update(project).where(project.c.id != record_id(1)).values(member_id=None))
    # When the relation becomes one to many, nothing is made on which a second one's write could fail
    statements: list[str] = []
    _before(postgres, statements.append)
    apply(postgres, after)
    assert not any("xrm_new_links" in statement for statement in statements if "pg_class" not in statement)
    assert rows_of(postgres, after, "project_member", "seat") == [1]
    _nothing_is_left(postgres, after)


def _tables(*names: str) -> list[Any]:
    return [Tables(ONE)[name] for name in names]
