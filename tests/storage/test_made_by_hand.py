"""What administrators make beside our tables, views for reports and indexes, through changes of the model."""

import pytest
from sqlalchemy import inspect
from sqlalchemy import text as sql

from tests.storage.worlds import add_rows, dump, entity, integer, model, relation, rows_of, text
from xrm_core.errors import SchemaChangeRefused
from xrm_core.metadata.model import Field
from xrm_core.metadata.types import FieldType
from xrm_core.storage.apply import apply, undo
from xrm_core.storage.contract import contract, plan_contract
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database

BEFORE = model(entity("customer", text("name"), text("fax"), relation("parent", "customer")))


def made(database: Database, statement: str) -> None:
    with database.begin() as connection:
        connection.execute(sql(statement))


def seen(database: Database, statement: str) -> list[str]:
    with database.read() as connection:
        return sorted(map(str, connection.scalars(sql(statement))))


def test_a_view_stays_while_its_table_changes_and_follows_its_name(database: Database) -> None:
    # Given a view over a table
    apply(database, BEFORE)
    add_rows(database, BEFORE, "customer", {"name": "A", "fax": "1"}, {"fax": "2"})
    made(database, "CREATE VIEW report AS SELECT name FROM customer")
    # When another column changes, so that SQLite builds the table anew, then it is there
    name, fax = text("name"), text("fax", required=True, default="0")
    apply(database, model(entity("customer", name, fax, relation("parent", "customer"))))
    assert seen(database, "SELECT name FROM report") == ["A", "None"]
    # When the table gets another name, then it follows, there and back
    client = model(entity("client", name, fax, relation("parent", "client"), renamed_from="customer"))
    apply(database, client)
    assert seen(database, "SELECT name FROM report") == ["A", "None"]
    with database.read() as connection:
        assert drift(connection, client) == []
    undo(database)
    undo(database)
    assert seen(database, "SELECT name FROM report") == ["A", "None"]
    with database.read() as connection:
        assert drift(connection, BEFORE) == []


def test_a_view_in_the_way_of_a_change_is_named(postgres_url: str) -> None:
    database = Database(postgres_url)
    narrow, wide = (
        model(entity("product", Field("price", FieldType.DECIMAL, precision=digits, scale=2))) for digits in (5, 8)
    )
    apply(database, narrow)
    made(database, "CREATE VIEW report AS SELECT price FROM product")
    before = dump(database)
    with pytest.raises(SchemaChangeRefused, match='view report depends on column "price"') as refused:
        apply(database, wide)
    assert "such as a view" in str(refused.value.hint)
    assert dump(database) == before
    database.close()


def test_a_view_in_the_way_on_sqlite_is_named(sqlite_url: str) -> None:
    # Given a view over a field that was dropped
    database = Database(sqlite_url)
    apply(database, BEFORE)
    made(database, "CREATE VIEW report AS SELECT fax FROM customer")
    fewer = model(entity("customer", text("name"), relation("parent", "customer")))
    apply(database, fewer, ["drop_field:customer.fax"])
    # When a table gets another name, which SQLite does not do then, the view is named
    with pytest.raises(SchemaChangeRefused, match="view report") as refused:
        apply(database, model(entity("client", text("name"), relation("parent", "client"), renamed_from="customer")))
    assert "such as a view" in str(refused.value.hint)
    database.close()


def test_a_view_over_what_is_aside_keeps_it_from_going(database: Database) -> None:
    # Given a view over a field that was dropped
    apply(database, BEFORE)
    add_rows(database, BEFORE, "customer", {"name": "A", "fax": "1"})
    made(database, "CREATE VIEW report AS SELECT fax FROM customer")
    after = model(entity("customer", text("name"), relation("parent", "customer")))
    apply(database, after, ["drop_field:customer.fax"])
    # When what is aside shall go, then the refusal names the view, without a statement
    with pytest.raises(SchemaChangeRefused, match="view report") as refused:
        contract(database)
    assert "such as a view" in str(refused.value.hint)
    assert "ALTER" not in str(refused.value)
    # And without the view it goes
    made(database, "DROP VIEW report")
    assert [each.aside.column for each in contract(database).doomed] == ["fax"]
    with database.read() as connection:
        assert plan_contract(connection).doomed == ()


def test_an_index_over_columns_that_stay_stays(database: Database) -> None:
    apply(database, BEFORE)
    add_rows(database, BEFORE, "customer", {"name": "A", "fax": "1"})
    made(database, "CREATE INDEX mine ON customer (fax, created_at)")
    made(database, "CREATE INDEX of_name ON customer (name)")
    after = model(entity("customer", integer("name"), text("fax"), relation("parent", "customer")))
    apply(database, after, ["change_type:customer.name"])
    with database.read() as connection:
        names = {str(index["name"]): index["column_names"] for index in inspect(connection).get_indexes("customer")}
        assert drift(connection, after) == []
    assert names["mine"] == ["fax", "created_at"]
    assert rows_of(database, after, "customer", "fax") == ["1"]
