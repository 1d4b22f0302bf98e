"""Changes that the data or the kind of change does not allow: they are explained, and nothing happens."""

import pytest

from tests.storage.cases import (
    CONTACT,
    CUSTOMER,
    DECIMAL,
    INTEGER,
    LINKED,
    NAME,
    TWO,
    Case,
    by_name,
    given,
    one,
    planned,
    status,
)
from tests.storage.worlds import dump, entity, model, record_id, relation, text
from xrm_core.errors import SchemaChangeRefused
from xrm_core.metadata.model import Field
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.plan import plan

BLOCKED = [
    Case(
        "add a required field without a default",
        one(NAME),
        one(NAME, text("city", required=True)),
        TWO,
        {"add_field:customer.city": ("blocked", 2)},
    ),
    Case(
        "add a required relation",
        one(NAME),
        one(NAME, relation("parent", "customer", required=True)),
        TWO,
        {"add_field:customer.parent": ("blocked", 2)},
    ),
    Case(
        "add a unique field with a default",
        one(NAME),
        one(NAME, text("code", unique=True, default="x")),
        TWO,
        {"add_field:customer.code": ("blocked", 2)},
    ),
    Case(
        "tighten to required where records are empty",
        one(NAME),
        one(text("name", required=True)),
        {"customer": [{"name": "A"}, {}, {}]},
        {"change_required:customer.name": ("blocked", 2)},
    ),
    Case(
        "tighten a unique field to required with a default for several records",
        one(text("name", unique=True)),
        one(text("name", unique=True, required=True, default="x")),
        {"customer": [{}, {}]},
        {"change_required:customer.name": ("blocked", 2), "change_metadata:customer.name": ("safe", 0)},
    ),
    Case(
        "remove an enum value that is used",
        one(status("lead", "active", required=True)),
        one(status("active", required=True)),
        {"customer": [{"status": "lead"}, {"status": "active"}, {"status": "lead"}]},
        {"change_enum:customer.status": ("blocked", 2)},
    ),
    Case(
        "remove a target that a required relation uses",
        model(CUSTOMER, CONTACT, entity("activity", relation("about", "customer", "contact", required=True))),
        model(CUSTOMER, CONTACT, entity("activity", relation("about", "customer", required=True))),
        {**LINKED, "activity": LINKED["activity"][:2]},
        {"remove_target:activity.about.contact": ("blocked", 1)},
    ),
    Case(
        "make values unique that are not",
        one(NAME, text("city")),
        one(text("name", unique=True), text("city"), unique_together=(("city", "name"),)),
        {"customer": [{"name": "A", "city": "X"}, {"name": "A", "city": "X"}, {"name": "A"}, {}, {}]},
        {"add_unique:customer.name": ("blocked", 3), "add_unique:customer.city,name": ("blocked", 2)},
    ),
    Case(
        "make values unique together with a new field that is the same for all",
        one(NAME),
        one(NAME, text("city", default="X"), unique_together=(("city", "name"),)),
        {"customer": [{"name": "A"}, {"name": "A"}]},
        {"add_field:customer.city": ("safe", 2), "add_unique:customer.city,name": ("blocked", 2)},
    ),
    Case(
        "change the type of a required field",
        one(text("name", required=True)),
        one(Field("name", INTEGER, required=True)),
        {"customer": [{"name": "Müller"}, {"name": " 12 "}, {"name": " "}]},
        {"change_type:customer.name": ("blocked", 2)},
    ),
    Case(
        "change a type and make it required",
        one(text("name")),
        one(Field("name", INTEGER, required=True)),
        {"customer": [{"name": "12"}, {}]},
        {"change_type:customer.name": ("safe", 0), "change_required:customer.name": ("blocked", 1)},
    ),
    Case(
        "change the scale of a required decimal",
        one(Field("sum", DECIMAL, scale=4, required=True)),
        one(Field("sum", DECIMAL, scale=2, required=True)),
        {"customer": [{"sum": "1.0001"}, {"sum": "1.2300"}]},
        {"change_type:customer.sum": ("blocked", 1)},
    ),
    Case(
        "make unique values the same by another type",
        one(text("name", unique=True)),
        one(Field("name", INTEGER, unique=True)),
        {"customer": [{"name": "12"}, {"name": "012"}, {"name": "13"}]},
        {"change_type:customer.name": ("safe", 0), "add_unique:customer.name": ("blocked", 2)},
    ),
    Case(
        "let a relation refer to something else altogether",
        model(CUSTOMER, CONTACT, entity("activity", relation("about", "customer"))),
        model(CUSTOMER, CONTACT, entity("activity", relation("about", "contact"))),
        {"customer": [{"name": "A"}], "activity": [{"about_id": record_id(1)}]},
        {"change_type:activity.about": ("blocked", 1)},
    ),
]


@by_name(BLOCKED)
def test_a_blocked_change_is_explained_and_changes_nothing(database: Database, case: Case) -> None:
    given(database, case)
    before = dump(database)
    # Then the plan says what is blocked, by how many rows, with samples and a remedy
    assert planned(database, case.after) == case.plan
    with database.read() as connection:
        blocked = [one for one in plan(connection, case.before, case.after).operations if one.risk == "blocked"]
    assert all(operation.remedy for operation in blocked)
    # When it is applied all the same, consent or not
    with pytest.raises(SchemaChangeRefused) as refused:
        apply(database, case.after)
    # Then the refusal names every operation, and nothing has changed
    assert [operation["key"] for operation in refused.value.details["operations"]] == [one.key for one in blocked]
    assert all(operation.key in refused.value.message for operation in blocked)
    assert dump(database) == before
