"""Differences between the tables and the model: each is told by its name, and nothing is changed on top of it."""

import pytest
from sqlalchemy import text as sql

from tests.storage.worlds import entity, model, relation, text
from xrm_core.errors import SchemaChangeRefused
from xrm_core.storage.apply import apply
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database

SMALL = model(entity("customer", text("name")))
BIGGER = model(entity("customer", text("name"), text("city")), entity("contact", relation("customer", "customer")))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("DROP TABLE contact", "The table contact is missing."),
        ("ALTER TABLE customer DROP COLUMN city", "customer: the column city is missing."),
        ("ALTER TABLE customer ADD COLUMN fax TEXT", "customer: the column fax is not in the model."),
        (
            "DROP INDEX ix_contact_customer_id",
            "contact: the index (customer_id, id), named ix_contact_customer_id, is missing.",
        ),
        (
            "DROP INDEX ix_contact_customer_id; CREATE UNIQUE INDEX ix_contact_customer_id ON contact (customer_id)",
            "contact: the index (customer_id, id), named ix_contact_customer_id, is missing.",
        ),
        (
            "DROP INDEX ix_contact_customer_id; "
            "CREATE INDEX ix_contact_customer_id ON contact (customer_id) WHERE version > 1",
            "contact: the index (customer_id, id), named ix_contact_customer_id, is missing.",
        ),
        (
            "CREATE UNIQUE INDEX mine ON customer (city)",
            "customer: the index (city) unique, named mine, is not in the model.",
        ),
    ],
)
def test_drift_is_told_and_stops_changes(database: Database, damage: str, told: str) -> None:
    # Given a table that somebody changed by hand
    apply(database, BIGGER)
    with database.begin() as connection:
        for statement in damage.split("; "):
            connection.execute(sql(statement))
    # Then drift tells it
    with database.read() as connection:
        assert drift(connection, BIGGER) == [told]
    # And no change is applied on top of it
    with pytest.raises(SchemaChangeRefused) as refused:
        apply(database, SMALL, accept=["drop_field:customer.city", "drop_entity:contact"])
    assert told in refused.value.message


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("ALTER TABLE contact DROP CONSTRAINT fk_contact_customer_id", "foreign key (customer_id)"),
        ("ALTER TABLE customer ALTER COLUMN version DROP NOT NULL", "the column version must not be empty"),
        ("ALTER TABLE customer ALTER COLUMN name TYPE VARCHAR(9)", "the column name is VARCHAR(9)"),
        ("ALTER TABLE customer ADD CONSTRAINT only_a CHECK (name = 'a')", "check (only_a)"),
        ("ALTER TABLE customer RENAME CONSTRAINT pk_customer TO customer_pkey", "named customer_pkey, not pk_customer"),
        ("ALTER TABLE customer ALTER COLUMN city SET DEFAULT 'Ulm'", "the column city has the default 'Ulm'"),
        ('ALTER TABLE customer ALTER COLUMN city TYPE TEXT COLLATE "POSIX"', 'the column city is TEXT COLLATE "POSIX"'),
        (
            "CREATE TRIGGER mine BEFORE UPDATE ON customer FOR EACH ROW "
            "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "customer: the trigger mine is not in the model",
        ),
        (
            "ALTER TABLE customer DROP COLUMN city, "
            'ADD COLUMN city VARCHAR COLLATE "C" GENERATED ALWAYS AS (name) STORED',
            "customer: the column city is computed by the database",
        ),
        ("CREATE RULE mine AS ON DELETE TO customer DO INSTEAD NOTHING", "customer: the rule mine is not in the model"),
        (
            "ALTER TABLE customer ADD CONSTRAINT mine EXCLUDE (name WITH =)",
            "customer: the constraint mine is not in the model: EXCLUDE USING btree (name WITH =).",
        ),
        ("ALTER TABLE contact SET UNLOGGED", "contact: the table is unlogged"),
        ("ALTER TABLE customer ENABLE ROW LEVEL SECURITY", "customer: the table has row security"),
        ("ALTER TABLE contact DISABLE TRIGGER ALL", "contact: the constraint fk_contact_customer_id is switched off"),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_contact_customer_id'::regclass",
            "contact: the index ix_contact_customer_id is not valid",
        ),
        (
            "ALTER TABLE contact DROP CONSTRAINT fk_contact_customer_id, ADD CONSTRAINT fk_contact_customer_id "
            "FOREIGN KEY (customer_id) REFERENCES customer ON DELETE RESTRICT NOT VALID",
            "contact: the constraint fk_contact_customer_id was not held against the records that there are",
        ),
    ],
)
def test_drift_of_constraints_is_told(postgres_url: str, damage: str, told: str) -> None:
    database = Database(postgres_url)
    apply(database, BIGGER)
    with database.begin() as connection:
        connection.execute(sql(damage))
    with database.read() as connection:
        assert [told in line for line in drift(connection, BIGGER)] == [True]
    database.close()


def test_a_trigger_on_sqlite_is_told(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    apply(database, SMALL)
    with database.begin() as connection:
        connection.execute(sql("CREATE TRIGGER mine AFTER DELETE ON customer BEGIN SELECT 1; END"))
    with database.read() as connection:
        assert drift(connection, SMALL) == ["customer: the trigger mine is not in the model."]
    database.close()


def test_what_is_aside_and_has_gone_is_told(database: Database) -> None:
    apply(database, BIGGER)
    apply(database, SMALL, accept=["drop_field:customer.city", "drop_entity:contact"])
    with database.begin() as connection:
        connection.execute(sql("ALTER TABLE customer DROP COLUMN xrm_old_2_city"))
        connection.execute(sql("DROP TABLE xrm_old_2_contact"))
    with database.read() as connection:
        assert drift(connection, SMALL) == [
            "customer: the column xrm_old_2_city is missing.",
            "The table xrm_old_2_contact is missing.",
        ]


def test_further_tables_and_indexes_are_no_drift(database: Database) -> None:
    apply(database, SMALL)
    with database.begin() as connection:
        connection.execute(sql("CREATE TABLE report (id INTEGER PRIMARY KEY)"))
        connection.execute(sql("CREATE INDEX mine ON customer (name)"))
    with database.read() as connection:
        assert drift(connection, SMALL) == []


@pytest.mark.parametrize("more", ["UNIQUE (name) DEFERRABLE", "UNIQUE NULLS NOT DISTINCT (name)"])
def test_a_unique_constraint_of_another_kind_is_told(postgres: Database, more: str) -> None:
    unique = model(entity("customer", text("name", unique=True)))
    apply(postgres, unique)
    with postgres.begin() as connection:
        connection.execute(sql("ALTER TABLE customer DROP CONSTRAINT uq_customer_name"))
        connection.execute(sql(f"ALTER TABLE customer ADD CONSTRAINT uq_customer_name {more}"))
    with postgres.read() as connection:
        assert drift(connection, unique) == [
            f"customer: the constraint uq_customer_name is not in the model: {more}.",
        ]
