"""What a plan looks like to people and machines."""

import json
from dataclasses import replace

import pytest

from tests.storage.worlds import add_rows, entity, model, relation, rows_of, text
from xrm_core.metadata.model import Field, Rollup
from xrm_core.metadata.types import FieldType
from xrm_core.storage import plan_field
from xrm_core.storage.apply import apply
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database
from xrm_core.storage.operations import (
    AddField,
    ChangeEnum,
    ChangeLimits,
    ChangeRequired,
    Operation,
    RemoveTarget,
    RenameEntity,
    RenameField,
    RestoreEntity,
)
from xrm_core.storage.plan import Plan, plan

BEFORE = model(entity("customer", text("name"), Field("revenue", FieldType.DECIMAL), text("fax")))
AFTER = model(entity("customer", text("name", unique=True), Field("revenue", FieldType.DECIMAL, required=True)))


def planned(database: Database) -> Plan:
    apply(database, BEFORE)
    add_rows(database, BEFORE, "customer", {"name": "A", "fax": "1", "revenue": "1.50"}, {"name": "A"}, {"name": "B"})
    with database.read() as connection:
        return plan(connection, BEFORE, AFTER)


def test_a_plan_reads_well(database: Database) -> None:
    assert planned(database).to_text().splitlines() == [
        "blocked Make customer.revenue required: 2 records cannot be filled.",
        "        Fill revenue in these records, or give it a default.",
        "        - id: 00000000-0000-7000-8000-000000000002, value: None",
        "        - id: 00000000-0000-7000-8000-000000000003, value: None",
        "lossy   Drop the field customer.fax and its 1 value.",
        "        Consent with --accept drop_field:customer.fax",
        "        - id: 00000000-0000-7000-8000-000000000001, value: 1",
        "blocked Make customer (name) unique: 2 records share theirs.",
        "        Change or delete the duplicates first.",
        "        - value: ['A'], records: 2",
        "1 lossy, 2 blocked",
    ]


@pytest.mark.parametrize(
    ("operation", "one", "several"),
    [
        (RenameEntity(entity="a", former="b"), "its 1 record stays.", "its 2 records stay."),
        (RenameField(entity="a", field="f", former="g"), "1 value stays.", "2 values stay."),
        (AddField(entity="a", field="f", numbered=True), "1 record gets numbers", "2 records get numbers"),
        (AddField(entity="a", field="f", default=1), "1 record gets the default", "2 records get the default"),
        (
            ChangeRequired(entity="a", field="f", required=True, default=1),
            "1 empty record gets the default",
            "2 empty records get the default",
        ),
        (
            ChangeEnum(entity="a", field="f", removed=("x",), risk="lossy"),
            "1 record uses what is removed, is left empty, and its value kept aside.",
            "2 records use what is removed, are left empty, and their values kept aside.",
        ),
        (RemoveTarget(entity="a", field="f", target="b"), "1 reference goes.", "2 references go."),
        (ChangeLimits(entity="a", field="f", changes=("x",)), "1 record does not fit", "2 records do not fit"),
        (RestoreEntity(entity="a", lost=1, gone=1), "1 record; 1 reference in them leads", "2 records; 1 reference"),
    ],
)
def test_one_and_several_are_told_apart(operation: Operation, one: str, several: str) -> None:
    assert one in replace(operation, rows=1).text
    assert several in replace(operation, rows=2).text


def test_a_plan_is_json_for_machines(database: Database) -> None:
    found = planned(database)
    assert json.loads(json.dumps(found.to_json()))["operations"][1] == {
        "op": "drop_field",
        "key": "drop_field:customer.fax",
        "entity": "customer",
        "field": "fax",
        "risk": "lossy",
        "rows": 1,
        "samples": [{"id": "00000000-0000-7000-8000-000000000001", "value": "1"}],
        "remedy": "",
        "text": "Drop the field customer.fax and its 1 value.",
    }
    assert found.risks == {"lossy": 1, "blocked": 2}


def test_the_same_model_gives_an_empty_plan(database: Database) -> None:
    apply(database, BEFORE)
    with database.read() as connection:
        found = plan(connection, BEFORE, BEFORE)
    assert found.is_empty
    assert found.to_text() == "Nothing to do: the database has this model."
    assert found.to_json() == {"operations": []}


def test_virtual_fields_come_change_and_go_without_touching_tables(database: Database) -> None:
    # given a computed field, a stored one that becomes computed, and others that go and change
    def field(name: str, expression: str) -> Field:
        return Field(name, FieldType.TEXT, max_length=255, computed=expression)

    count = Field("projects", FieldType.INTEGER, rollup=Rollup("parts", "count"))
    part = relation("whole", "customer")
    part = replace(part, relation=replace(part.reference, inverse="parts"))
    before = model(entity("customer", text("name"), text("kept"), part, field("a", "name"), field("b", "name")))
    after = model(entity("customer", text("name"), part, field("kept", "name"), field("b", "LOWER(name)"), count))
    apply(database, before)
    add_rows(database, before, "customer", {"name": "A", "kept": "x"})
    # when the change is planned and applied
    done = apply(database, after, accept=["drop_field:customer.kept"])
    # then only the stored field is lost
    assert [(operation.risk, operation.text) for operation in done.operations] == [
        ("lossy", "Drop the field customer.kept and its 1 value."),
        ("safe", "Compute customer.kept when it is read: name (text)."),
        ("safe", "Compute customer.b anew: LOWER(name) (text) instead of name (text)."),
        ("safe", "Compute customer.projects when it is read: the count over parts (integer)."),
        ("safe", "Compute customer.a no longer; the tables stay."),
    ]
    assert rows_of(database, after, "customer", "name") == ["A"]
    with database.read() as connection:
        assert plan(connection, after, after).is_empty
        assert drift(connection, after) == []


def test_planning_changes_nothing(empty_database: Database) -> None:
    # Given a database that nothing was applied to
    with empty_database.read() as connection:
        plan(connection, None, BEFORE)
    # Then there is still no table in it
    with empty_database.read() as connection:
        assert connection.dialect.get_table_names(connection) == []


def test_a_big_table_makes_a_rewrite_slow(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a table with as many rows as count as many
    monkeypatch.setattr(plan_field, "SLOW_ROWS", 2)
    before = model(entity("customer", text("name")))
    apply(database, before)
    add_rows(database, before, "customer", {"name": "A"}, {"name": "B"})
    # When an index is planned, then it is marked
    with database.read() as connection:
        found = plan(connection, before, model(entity("customer", text("name", indexed=True))))
    assert found.risks == {"slow": 1}
