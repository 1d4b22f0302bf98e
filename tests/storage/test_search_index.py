"""The index for searches follows the model and the records, and whoever takes a part of it away is told."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import Connection, delete, insert, update
from sqlalchemy import text as sql

from tests.storage.searches import faults
from tests.storage.worlds import NOW, add_rows, entity, integer, model, record_id, relation, text
from xrm_core.metadata.model import Model
from xrm_core.storage import plan_field
from xrm_core.storage.apply import apply, undo
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database, with_schema
from xrm_core.storage.history import way_back
from xrm_core.storage.plan import Plan, plan, plan_evolution
from xrm_core.storage.tables import Tables

PLAIN = model(entity("customer", text("name"), text("city"), integer("rank")))
SEARCHED = model(entity("customer", text("name", searched=True), text("city", searched=True), integer("rank")))
ROWS = (
    {"name": "Café Müller", "city": "Ulm", "rank": 7},
    {"name": "  \t", "city": None},
    {"name": "WEISS", "rank": 12},
)

AFTER = {
    "no index": PLAIN,
    "the other order": model(
        entity("customer", integer("rank"), text("city", searched=True), text("name", searched=True))
    ),
    "one field less": model(entity("customer", text("name", searched=True), text("city"), integer("rank"))),
    "a dropped field": model(entity("customer", text("name", searched=True), integer("rank"))),
    "one field more": model(
        entity("customer", text("name", searched=True), text("city", searched=True), integer("rank"),
               text("note", searched=True))
    ),
    "a field with a default": model(
        entity("customer", text("name", searched=True), text("city", searched=True, required=True, default="Köln"),
               integer("rank"))
    ),
    "a converted field": model(
        entity("customer", text("name", searched=True), text("city", searched=True), text("rank", searched=True))
    ),
    "a rebuilt table": model(
        entity("customer", text("name", searched=True), text("city", searched=True), text("rank"), integer("more"))
    ),
    "renamed fields": model(
        entity("customer", text("alias", searched=True, renamed_from="name"),
               text("zone", searched=True, renamed_from="city"), integer("rank"))
    ),
    "exchanged fields": model(
        entity("customer", text("zone", searched=True, renamed_from="name"),
               text("alias", searched=True, renamed_from="city"), integer("rank"))
    ),
    "a renamed entity": model(
        entity("client", text("name", searched=True), text("city", searched=True), integer("rank"),
               renamed_from="customer")
    ),
    "a dropped entity": model(entity("other", text("name", searched=True))),
}  # fmt: skip


def planned(database: Database, old: Model, new: Model) -> Plan:
    with database.read() as connection:
        return plan(connection, old, new)


def consent(found: Plan) -> list[str]:
    return [operation.key for operation in found.operations if operation.risk == "lossy"]


def drifts(database: Database, of: Model) -> list[str]:
    with database.read() as connection:
        return drift(connection, of)


def write(connection: Connection, of: Model) -> None:
    """Change, delete and add customers, if there are any, as all writes do."""
    [found] = [entity for entity in of if entity.name in ("customer", "client", "other")]
    table = Tables(of)[found.name]
    name = next(field.name for field in found.fields.values() if field.type.value == "text")
    connection.execute(update(table).where(table.c.id == record_id(1)).values({name: "Größer"}))
    connection.execute(delete(table).where(table.c.id == record_id(3)))
    more = {field.name: field.default for field in found.fields.values() if field.required}
    system = {"created_at": NOW, "updated_at": NOW, "version": 1}
    connection.execute(insert(table).values({**system, **more, "id": record_id(4), name: "Neuer Ærøskøbing"}))


@pytest.mark.parametrize("change", AFTER)
def test_the_index_follows_the_model(database: Database, change: str) -> None:
    # Given records that are searched
    apply(database, SEARCHED)
    add_rows(database, SEARCHED, "customer", *ROWS)
    assert (faults(database, SEARCHED), drifts(database, SEARCHED)) == ([], [])
    # When the model changes, and records after it
    after = AFTER[change]
    apply(database, after, consent(planned(database, SEARCHED, after)))
    assert (faults(database, after), drifts(database, after)) == ([], [])
    with database.begin() as connection:
        write(connection, after)
    # Then the index says what is in the records, also when the change is taken back, and had again
    assert (faults(database, after), drifts(database, after)) == ([], [])
    for redo, now in ((False, SEARCHED), (True, after)):
        with database.read() as connection:
            back = plan_evolution(connection, way_back(connection, redo=redo))
        undo(database, consent(back), redo=redo)
        assert (faults(database, now), drifts(database, now)) == ([], [])


def test_the_plan_says_what_can_be_searched(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_field, "SLOW_ROWS", 3)
    apply(database, PLAIN)
    add_rows(database, PLAIN, "customer", *ROWS)
    [operation] = planned(database, PLAIN, SEARCHED).operations
    assert operation.text == "Make customer searchable by city, name."
    assert (operation.key, operation.risk, operation.rows) == ("add_search_index:customer.city,name", "slow", 3)
    apply(database, SEARCHED)
    assert [each.text for each in planned(database, SEARCHED, AFTER["one field less"]).operations] == [
        "Drop the index for searches of customer by city, name.",
        "Make customer searchable by name.",
    ]
    assert planned(database, SEARCHED, AFTER["the other order"]).operations[0].op == "change_metadata"


def test_what_the_database_deletes_leaves_the_index(database: Database) -> None:
    owned = model(
        entity("customer", text("name", searched=True)),
        entity("contact", text("name", searched=True), relation("customer", "customer", on_delete="cascade")),
    )
    apply(database, owned)
    add_rows(database, owned, "customer", {"name": "Müller"}, {"name": "Weiß"})
    of_first = [{"name": f"Kind {number}", "customer_id": record_id(1)} for number in range(3)]
    add_rows(database, owned, "contact", *of_first, {"id": 9, "name": "Waise"})
    table = Tables(owned)["customer"]
    with database.begin() as connection:
        connection.execute(delete(table).where(table.c.id == record_id(1)))
    assert faults(database, owned) == []


@pytest.mark.parametrize(
    ("kind", "damage", "told"),
    [
        ("postgresql", "DROP INDEX xrm_search_customer", ["customer: the index (city, name) for searches, named "
         "xrm_search_customer, is missing."]),
        ("postgresql", "DROP INDEX xrm_search_customer; CREATE INDEX xrm_search_customer ON customer USING gin "
         "((coalesce(xrm_plain(name), '') || ' ' || coalesce(xrm_plain(city), '')) xrm_extensions.gin_trgm_ops)",
         ["customer: the index (city, name) for searches, named xrm_search_customer, is missing."]),
        ("postgresql", "DROP INDEX xrm_search_customer; CREATE INDEX xrm_search_customer ON customer "
         "((coalesce(xrm_plain(city), '') || ' ' || coalesce(xrm_plain(name), '')))",
         ["customer: the index (city, name) for searches, named xrm_search_customer, is missing."]),
        ("postgresql", "CREATE OR REPLACE FUNCTION xrm_plain(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN $1",
         ["customer: the function xrm_plain, by which its index for searches is made, is not as it was made."]),
        ("sqlite", "DROP TRIGGER xrm_text_customer_delete",
         ["customer: xrm_text_customer_delete, a part of the index for searches, is missing."]),
        ("sqlite", "DROP TABLE xrm_find_customer_fts",
         ["customer: xrm_find_customer_fts, a part of the index for searches, is missing."]),
        ("sqlite", "DROP TABLE xrm_text_customer; CREATE TABLE xrm_text_customer (number INTEGER, id TEXT, text TEXT)",
         ["customer: xrm_text_customer, a part of the index for searches, is not as it was made."]),
        ("sqlite", "DROP TRIGGER xrm_text_customer_update; CREATE TRIGGER xrm_text_customer_update AFTER UPDATE ON "
         "customer BEGIN SELECT 1; END",
         ["customer: xrm_text_customer_update, a part of the index for searches, is not as it was made."]),
    ],
)  # fmt: skip
def test_whoever_takes_a_part_away_is_told(
    request: pytest.FixtureRequest, kind: str, damage: str, told: list[str]
) -> None:
    url = request.getfixturevalue("sqlite_url" if kind == "sqlite" else "postgres_url")
    database = Database(url)
    apply(database, SEARCHED)
    with database.begin() as connection:
        for statement in damage.split("; ") if "END" not in damage else damage.split("; ", 1):
            connection.execute(sql(statement))
    assert drifts(database, SEARCHED) == told
    database.close()


def test_numbers_that_vacuum_gives_to_records_do_not_matter(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    apply(database, SEARCHED)
    add_rows(database, SEARCHED, "customer", *({"name": f"Nummer {number}"} for number in range(50)))
    table = Tables(SEARCHED)["customer"]
    with database.begin() as connection:
        connection.execute(delete(table).where(table.c.id < record_id(20)))
    with database.engine.connect() as connection:
        connection.connection.driver_connection.execute("VACUUM")  # type: ignore[union-attr]
    with database.begin() as connection:
        connection.execute(update(table).where(table.c.id > record_id(40)).values(name="Anders"))
    assert faults(database, SEARCHED) == []
    database.close()


def test_other_programs_can_read_but_not_write_what_is_searched(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    apply(database, SEARCHED)
    add_rows(database, SEARCHED, "customer", *ROWS)
    with closing(sqlite3.connect(str(database.url.database))) as other:
        assert other.execute("SELECT count(*) FROM customer").fetchone() == (3,)
        with pytest.raises(sqlite3.OperationalError, match="no such function: xrm_padded"):
            other.execute("UPDATE customer SET name = 'x'")
    database.close()


def test_a_tenant_that_goes_leaves_the_index_of_others(postgres_url: str) -> None:
    main = Database(postgres_url)
    tenants = {}
    for name in ("t_one", "t_two"):
        with main.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {name}")
        tenants[name] = Database(with_schema(main.url, name))
        apply(tenants[name], SEARCHED)
        add_rows(tenants[name], SEARCHED, "customer", *ROWS)
    with main.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA t_one CASCADE")
    assert (faults(tenants["t_two"], SEARCHED), drifts(tenants["t_two"], SEARCHED)) == ([], [])
    for each in (main, *tenants.values()):
        each.close()
