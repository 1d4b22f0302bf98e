"""Taking changes back: the former model with its data, again and again, until what was put aside is let go of."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, update

from tests.storage.cases import Case, given
from tests.storage.conversion_cases import CONVERSIONS
from tests.storage.possible_changes import POSSIBLE as STRUCTURE
from tests.storage.worlds import add_rows, dump, entity, model, record_id, relation, rows_of, schema_of, text
from xrm_core.errors import SchemaChangeRefused
from xrm_core.metadata.model import Field, Model
from xrm_core.metadata.types import FieldType
from xrm_core.naming import ASIDE
from xrm_core.storage.applied import current_model
from xrm_core.storage.apply import apply, undo
from xrm_core.storage.contract import contract, plan_contract
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database
from xrm_core.storage.history import history, way_back
from xrm_core.storage.leftovers import leftovers
from xrm_core.storage.plan import Plan, plan, plan_evolution
from xrm_core.storage.tables import Tables

KINDS = ("sqlite", "postgresql")
NAME = text("name")
NUMBER = Field("name", FieldType.INTEGER)
ONE, TWO = model(entity("customer", NAME)), model(entity("customer", NUMBER))


def planned_back(database: Database, *, redo: bool = False) -> Plan:
    with database.read() as connection:
        return plan_evolution(connection, way_back(connection, redo=redo))


def undone(database: Database, *, redo: bool = False) -> Plan:
    """Take the last change back, with all consent that it asks for."""
    try:
        return undo(database, redo=redo)
    except SchemaChangeRefused as refused:
        asked = [one["key"] for one in refused.details["operations"] if one["risk"] == "lossy"]
    return undo(database, asked, redo=redo)


def data_of(database: Database, of: Model) -> dict[str, Any]:
    """All values of all records, aside ones left out."""
    tables = Tables(of)
    return {one.name: rows_of(database, of, one.name, *tables[one.name].c.keys()) for one in of}


def change(database: Database, of: Model, entity_name: str, number: int, **values: Any) -> None:
    table = Tables(of)[entity_name]
    with database.begin() as connection:
        connection.execute(update(table).where(table.c.id == record_id(number)).values(values))


def remove(database: Database, of: Model, name: str, number: int) -> None:
    table = Tables(of)[name]
    with database.begin() as connection:
        connection.execute(delete(table).where(table.c.id == record_id(number)))


def no_drift(database: Database, of: Model) -> bool:
    with database.read() as connection:
        found = current_model(connection)
        return found is not None and found.fingerprint == of.fingerprint and drift(connection, of) == []


CASES = [
    *((kind, case, False) for case in STRUCTURE for kind in KINDS),
    *((kind, case, place % 2 != number) for place, case in enumerate(CONVERSIONS) for number, kind in enumerate(KINDS)),
]
"""All changes of structure on both kinds of database; conversions, which ``test_evolution`` does on both, on one of
them in turns, and on the other where it may be slow."""


@pytest.mark.parametrize(
    ("database_url", "case"),
    [pytest.param(kind, case, id=f"{kind}-{case.name}", marks=[pytest.mark.slow] * slow) for kind, case, slow in CASES],
    indirect=["database_url"],
)
def test_undo_gives_back_the_model_and_the_data_and_redo_the_next(database: Database, case: Case) -> None:
    # Given a change that was applied
    given(database, case)
    schema, data = schema_of(database), data_of(database, case.before)
    apply(database, case.after, accept=case.lossy)
    after = data_of(database, case.after)
    # When it is taken back
    undone(database)
    # Then all is as it was
    assert no_drift(database, case.before)
    assert data_of(database, case.before) == data
    assert schema_of(database) == schema
    # And when that is taken back, the change is there again
    undone(database, redo=True)
    assert no_drift(database, case.after)
    assert data_of(database, case.after) == after
    # And it can be taken back again
    undone(database)
    assert no_drift(database, case.before)
    assert data_of(database, case.before) == data


def test_values_that_changed_since_are_converted_back(database: Database) -> None:
    # Given texts that became numbers, one of which could not
    apply(database, ONE)
    add_rows(database, ONE, "customer", {"name": " 01 "}, {"name": "two"}, {"name": "3"}, {"name": "4"}, {"name": ""})
    apply(database, TWO, ["change_type:customer.name"])
    # When some change, some come and some go, and the change is taken back
    change(database, TWO, "customer", 3, name=33)
    change(database, TWO, "customer", 4, name=None)
    add_rows(database, TWO, "customer", {"id": 6, "name": 6})
    undone(database)
    # Then what did not change is what it was to the letter, and the rest is converted
    assert rows_of(database, ONE, "customer", "name") == [" 01 ", "two", "33", None, "", "6"]


def test_what_cannot_be_converted_back_needs_consent(database: Database) -> None:
    # Given numbers that became texts, and a text that is no number
    apply(database, TWO)
    add_rows(database, TWO, "customer", {"name": 1}, {"name": 2})
    apply(database, ONE)
    change(database, ONE, "customer", 2, name="zwei")
    before = dump(database)
    # When the change is taken back without consent, then nothing happens
    [operation] = planned_back(database).operations
    assert (operation.key, operation.risk, operation.rows) == ("change_type:customer.name", "lossy", 1)
    assert operation.samples == ({"id": record_id(2), "value": "zwei"},)
    with pytest.raises(SchemaChangeRefused, match=r"change_type:customer\.name"):
        undo(database)
    assert dump(database) == before
    # With consent it is a leftover
    undone(database)
    assert rows_of(database, TWO, "customer", "name") == [1, None]
    with database.read() as connection:
        assert [(one.entity, one.field, one.id, one.value) for one in leftovers(connection)] == [
            ("customer", "name", record_id(2), "zwei")
        ]


def test_several_changes_are_taken_back_one_after_the_other(database: Database) -> None:
    # Given four models in turn, in which things come, are renamed, converted and go
    models = [
        model(entity("customer", NAME, text("fax"))),
        model(entity("client", NAME, text("fax", unique=True), renamed_from="customer"), entity("note", text("it"))),
        model(entity("client", Field("fax", FieldType.INTEGER), text("city", required=True, default="?"))),
        model(entity("partner", text("name"))),
    ]
    apply(database, models[0])
    add_rows(database, models[0], "customer", {"name": "A", "fax": "1"}, {"name": "B", "fax": "x"})
    seen = [data_of(database, models[0])]
    for number, step in enumerate(models[1:], 1):
        with database.read() as connection:
            lossy = [one.key for one in plan(connection, models[number - 1], step).operations if one.risk == "lossy"]
        apply(database, step, lossy)
        if number == 1:
            add_rows(database, step, "note", {"it": "a note"})
        seen.append(data_of(database, step))
    # When all are taken back, and had again, and taken back again
    for steps, redo in ((range(2, -1, -1), False), (range(1, 4), True), (range(2, -1, -1), False)):
        for number in steps:
            undone(database, redo=redo)
            # Then each model is there with its data
            assert no_drift(database, models[number])
            assert data_of(database, models[number]) == seen[number]
    # And there is nothing more to take back
    with pytest.raises(SchemaChangeRefused, match="no model before"):
        undo(database)


def test_references_to_what_is_gone_are_emptied_with_consent(database: Database) -> None:
    # Given an entity and a relation that were dropped
    before = model(
        entity("customer", NAME),
        entity("contact", NAME, relation("customer", "customer", required=True), relation("boss", "contact")),
        entity("deal", relation("customer", "customer"), relation("about", "customer", "contact")),
    )
    after = model(entity("customer", NAME), entity("deal", relation("about", "customer")))
    apply(database, before)
    add_rows(database, before, "customer", {"name": "A"}, {"name": "B"})
    add_rows(
        database,
        before,
        "contact",
        {"customer_id": record_id(1)},
        {"customer_id": record_id(2), "boss_id": record_id(1)},
        {"customer_id": record_id(2), "boss_id": record_id(2)},
    )
    add_rows(
        database,
        before,
        "deal",
        {"customer_id": record_id(1), "about_contact_id": record_id(1)},
        {"customer_id": record_id(2), "about_contact_id": record_id(2)},
        {"customer_id": record_id(2), "about_contact_id": record_id(3)},
    )
    accept = ["drop_entity:contact", "drop_field:deal.customer", "remove_target:deal.about.contact"]
    apply(database, after, accept)
    # When a record goes to which what was dropped refers, and a reference is set anew
    remove(database, after, "customer", 1)
    change(database, after, "deal", 3, about_id=record_id(2))
    operations = planned_back(database).operations
    found = {one.key: (one.risk, one.rows) for one in operations}
    assert (
        "Bring back the entity contact and its 3 records; 1 reference in them leads to records that are gone, and "
        "1 record that must have one does not come back." in [one.text for one in operations]
    )
    assert found["restore_entity:contact"] == ("lossy", 3)
    assert found["restore_field:deal.customer"] == ("lossy", 3)
    assert found["add_target:deal.about"] == ("lossy", 1)
    with pytest.raises(SchemaChangeRefused, match="restore_entity:contact"):
        undo(database)
    undone(database)
    # Then the record that must refer to it is gone, and the others refer to nothing
    assert no_drift(database, before)
    assert rows_of(database, before, "contact", "id", "boss_id") == [
        (record_id(2), None),
        (record_id(3), record_id(2)),
    ]
    assert rows_of(database, before, "deal", "customer_id", "about_customer_id", "about_contact_id") == [
        (None, None, None),
        (record_id(2), None, record_id(2)),
        (record_id(2), record_id(2), None),
    ]


@pytest.mark.parametrize("required", [False, True])
def test_a_reference_that_was_a_text_meanwhile_and_leads_nowhere_is_told(database: Database, required: bool) -> None:
    # Given a relation that became a text, and a record to which one of the texts refers that is gone
    before = model(entity("customer", NAME), entity("deal", relation("about", "customer", required=required)))
    apply(database, before)
    add_rows(database, before, "customer", {"name": "A"}, {"name": "B"})
    add_rows(database, before, "deal", {"about_id": record_id(1)}, {"about_id": record_id(2)})
    after = model(entity("customer", NAME), entity("deal", text("about", required=required)))
    apply(database, after)
    remove(database, after, "customer", 2)
    # Then going back is lossy, or cannot be done if there must be a reference
    [found] = [one for one in planned_back(database).operations if one.key == "change_type:deal.about"]
    assert (found.risk, found.rows) == ("blocked" if required else "lossy", 1)
    assert "1 value is converted, 1 cannot be" in found.text
    assert [sample["id"] for sample in found.samples] == [record_id(2)]
    with pytest.raises(SchemaChangeRefused, match=r"change_type:deal\.about"):
        undo(database)
    if not required:
        undone(database)
        assert rows_of(database, before, "deal", "about_id") == [record_id(1), None]


def test_a_required_relation_to_several_that_leads_nowhere_is_told(database: Database) -> None:
    before = model(
        entity("customer", NAME),
        entity("contact", NAME),
        entity("deal", relation("about", "customer", "contact", required=True)),
    )
    after = model(entity("customer", NAME), entity("contact", NAME), entity("deal", relation("about", "customer")))
    apply(database, before)
    add_rows(database, before, "contact", {"name": "C"})
    add_rows(database, before, "deal", {"about_contact_id": record_id(1)})
    apply(database, after, ["remove_target:deal.about.contact"])
    remove(database, after, "contact", 1)
    with pytest.raises(SchemaChangeRefused, match="let these records refer to something else first"):
        undo(database)


def test_a_required_relation_to_several_comes_back_with_all_that_it_had(database: Database) -> None:
    # Given a required relation to several entities that became an optional one to one of them
    before = model(
        entity("customer", NAME),
        entity("contact", NAME),
        entity("deal", relation("about", "customer", "contact", required=True)),
    )
    after = model(entity("customer", NAME), entity("contact", NAME), entity("deal", relation("about", "customer")))
    apply(database, before)
    add_rows(database, before, "customer", {"name": "A"})
    add_rows(database, before, "contact", {"name": "C"})
    add_rows(database, before, "deal", {"about_customer_id": record_id(1)}, {"about_contact_id": record_id(1)})
    apply(database, after, ["remove_target:deal.about.contact"])
    # When it is taken back, then every record has its reference again
    undone(database)
    assert no_drift(database, before)
    assert rows_of(database, before, "deal", "about_customer_id", "about_contact_id") == [
        (record_id(1), None),
        (None, record_id(1)),
    ]


def test_a_required_field_cannot_come_back_to_records_that_have_come_since(database: Database) -> None:
    before = model(entity("customer", text("name", required=True)))
    apply(database, before)
    add_rows(database, before, "customer", {"name": "A"})
    apply(database, model(entity("customer")), ["drop_field:customer.name"])
    add_rows(database, model(entity("customer")), "customer", {"id": 2})
    # Then the undo is blocked and says by how many
    [operation] = planned_back(database).operations
    assert (operation.key, operation.risk, operation.rows) == ("restore_field:customer.name", "blocked", 1)
    assert operation.remedy
    with pytest.raises(SchemaChangeRefused, match=r"restore_field:customer\.name"):
        undo(database)


def test_contract_lets_go_for_good(database: Database) -> None:
    # Given two changes that put something aside
    apply(database, ONE)
    add_rows(database, ONE, "customer", {"name": "1"}, {"name": "x"})
    apply(database, TWO, ["change_type:customer.name"])
    apply(database, model(entity("partner")), ["drop_entity:customer"])
    # When it is let go of
    done = contract(database)
    # Then what went is told, nothing is left of it, and there is no way back
    assert [each.text for each in done.doomed] == [
        "customer.name, put aside by change 2: 2 values",
        "customer, put aside by change 3: 2 records",
    ]
    assert not [name for name in dump(database)["schema"] if name.startswith(ASIDE)]
    assert no_drift(database, model(entity("partner")))
    with pytest.raises(SchemaChangeRefused, match="cannot be taken back: «xrm schema contract»"):
        undo(database)
    # And the next change is one that can be taken back
    apply(database, model(entity("partner", text("name"))))
    undone(database)
    assert no_drift(database, model(entity("partner")))


def test_no_more_goes_than_what_somebody_has_seen(database: Database) -> None:
    # Given a plan of what would go, and a change that comes after it
    apply(database, model(entity("customer", NAME, text("fax"), text("mail"))))
    apply(database, model(entity("customer", NAME, text("mail"))), ["drop_field:customer.fax"])
    with database.read() as connection:
        seen = plan_contract(connection)
    apply(database, ONE, ["drop_field:customer.mail"])
    # When that goes, then the later change can still be taken back
    assert [each.aside.column for each in contract(database, up_to=seen.last).doomed] == ["fax"]
    undone(database)
    with database.read() as connection:
        assert current_model(connection) == model(entity("customer", NAME, text("mail")))
        assert drift(connection, model(entity("customer", NAME, text("mail")))) == []


def test_the_history_says_what_can_be_taken_back(database: Database) -> None:
    apply(database, ONE)
    apply(database, TWO)
    undone(database)
    with database.read() as connection:
        found = history(connection)
    assert [(one.number, one.operations, one.reverts) for one in found.changes] == [
        (1, ("create_entity:customer",), None),
        (2, ("change_type:customer.name",), None),
        (3, ("change_type:customer.name",), 2),
    ]
    assert (found.done, found.undone) == ((1,), (3,))
    # And a change of another kind ends the way forward
    apply(database, model(entity("customer", NAME, text("city"))))
    with pytest.raises(SchemaChangeRefused, match="nothing to have again"):
        undo(database, redo=True)


def test_leftovers_are_told_until_they_are_let_go_of(database: Database) -> None:
    before = model(entity("customer", Field("sum", FieldType.DECIMAL, scale=3)))
    apply(database, before)
    add_rows(database, before, "customer", {"sum": "1.500"}, {"sum": "1.234"})
    apply(
        database,
        model(entity("client", Field("sum", FieldType.DECIMAL), renamed_from="customer")),
        ["change_type:client.sum"],
    )
    apply(database, model(entity("firm", Field("sum", FieldType.DECIMAL), renamed_from="client")))
    with database.read() as connection:
        assert [one.to_json() for one in leftovers(connection)] == [
            {"change": 2, "entity": "client", "field": "sum", "id": record_id(2), "value": str(Decimal("1.234"))}
        ]
    contract(database)
    with database.read() as connection:
        assert list(leftovers(connection)) == []
