"""Each kind of change, on tables with rows: what the plan says, what becomes of the rows, and of the tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from tests.storage.worlds import add_rows, dump, entity, model, record_id, relation, rows_of, schema_of, text
from xrm_core.errors import SchemaChangeRefused
from xrm_core.metadata.model import Field, Model
from xrm_core.metadata.types import FieldType
from xrm_core.storage.applied import current_model
from xrm_core.storage.apply import apply
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database
from xrm_core.storage.plan import plan

Rows = dict[str, list[dict[str, Any]]]
INTEGER, DECIMAL, BOOLEAN, ENUM = FieldType.INTEGER, FieldType.DECIMAL, FieldType.BOOLEAN, FieldType.ENUM


@dataclass
class Case:
    """From ``before`` with ``rows`` to ``after``: ``plan`` has key → (risk, rows)."""

    name: str
    before: Model
    after: Model
    rows: Rows
    plan: dict[str, tuple[str, int]]
    then: Mapping[Any, list[Any]] = field(default_factory=dict)

    @property
    def lossy(self) -> list[str]:
        return [key for key, (risk, _) in self.plan.items() if risk == "lossy"]


def one(*fields: Field, **more: Any) -> Model:
    return model(entity("customer", *fields, **more))


def status(*values: str, **more: Any) -> Field:
    return Field("status", ENUM, enum=values, **more)


def money(name: str, *currencies: str) -> Field:
    return Field(name, FieldType.MONEY, currencies=currencies)


NAME = text("name")
TWO = {"customer": [{"name": "Müller"}, {"name": "O'Brien"}]}
NAMES = {("customer", "name"): ["Müller", "O'Brien"]}
LINKED = {
    "customer": [{"name": "A"}, {"name": "B"}],
    "contact": [{"name": "C"}],
    "activity": [{"about_customer_id": record_id(1)}, {"about_contact_id": record_id(1)}, {}],
}
CUSTOMER, CONTACT = entity("customer", NAME), entity("contact", NAME)

POSSIBLE = [
    Case(
        "create an entity that refers to an old one and to itself",
        one(NAME),
        model(CUSTOMER, entity("contact", NAME, relation("customer", "customer"), relation("boss", "contact"))),
        TWO,
        {"create_entity:contact": ("safe", 0)},
        NAMES,
    ),
    Case(
        "add an optional field",
        one(NAME),
        one(NAME, text("city"), Field("paid", BOOLEAN), Field("score", INTEGER)),
        TWO,
        {f"add_field:customer.{name}": ("safe", 2) for name in ("city", "paid", "score")},
        {**NAMES, ("customer", "city", "paid", "score"): [(None, None, None)] * 2},
    ),
    Case(
        "add required fields with defaults of all kinds",
        one(NAME),
        one(
            NAME,
            text("city", required=True, default="100 % 'Bad' :Ort \\ "),
            Field("paid", BOOLEAN, required=True, default=False),
            Field("score", INTEGER, required=True, default=-7),
            Field("revenue", DECIMAL, required=True, default="0.10", scale=2),
            Field("since", FieldType.DATE, required=True, default="2026-01-31"),
            Field("seen", FieldType.DATETIME, required=True, default="2026-01-31T10:00:00+02:00"),
            Field("external", FieldType.UUID, required=True, default=record_id(9)),
            status("lead", "active", required=True, default="lead"),
        ),
        TWO,
        {
            f"add_field:customer.{name}": ("safe", 2)
            for name in ("city", "paid", "score", "revenue", "since", "seen", "external", "status")
        },
        {
            **NAMES,
            ("customer", "city", "paid", "score", "revenue", "since", "seen", "external", "status"): [
                (
                    *("100 % 'Bad' :Ort \\ ", False, -7, Decimal("0.10"), "2026-01-31"),
                    *("2026-01-31T08:00:00+00:00", record_id(9), "lead"),
                )
            ]
            * 2,
        },
    ),
    Case(
        "add a required field to an empty table",
        one(NAME),
        one(NAME, text("city", required=True)),
        {},
        {"add_field:customer.city": ("safe", 0)},
    ),
    Case(
        "add relations, one of them to a new entity that refers back",
        one(NAME),
        model(
            entity("customer", NAME, relation("parent", "customer"), relation("main", "contact", on_delete="set_null")),
            entity("contact", NAME, relation("customer", "customer", on_delete="cascade", required=True)),
        ),
        TWO,
        {
            "create_entity:contact": ("safe", 0),
            "add_field:customer.parent": ("safe", 2),
            "add_field:customer.main": ("safe", 2),
        },
        NAMES,
    ),
    Case(
        "rename a field that is unique, indexed with others and an enum",
        one(
            NAME,
            text("mail", unique=True),
            status("a", "b"),
            indexes=(("mail", "name"),),
            unique_together=(("name", "status"),),
        ),
        one(
            NAME,
            text("email", unique=True, renamed_from="mail"),
            Field("state", ENUM, enum=("a", "b"), renamed_from="status"),
            indexes=(("email", "name"),),
            unique_together=(("name", "state"),),
        ),
        {"customer": [{"name": "A", "mail": "a@x", "status": "a"}, {"name": "B", "mail": "b@x"}]},
        {
            "rename_field:customer.email": ("safe", 2),
            "change_metadata:customer.email": ("safe", 0),
            "rename_field:customer.state": ("safe", 1),
            "change_metadata:customer.state": ("safe", 0),
        },
        {("customer", "name", "email", "state"): [("A", "a@x", "a"), ("B", "b@x", None)]},
    ),
    Case(
        "rename an entity that others, and itself, refer to",
        model(
            entity("customer", NAME, relation("parent", "customer"), text("code", unique=True)),
            entity("contact", relation("customer", "customer", required=True)),
            entity("activity", relation("about", "customer", "contact")),
        ),
        model(
            entity("client", NAME, relation("parent", "client"), text("code", unique=True), renamed_from="customer"),
            entity("contact", relation("customer", "client", required=True)),
            entity("activity", relation("about", "client", "contact")),
        ),
        {
            "customer": [{"name": "A", "code": "1"}, {"name": "B", "parent_id": record_id(1)}],
            "contact": [{"customer_id": record_id(2)}],
            "activity": [{"about_customer_id": record_id(1)}, {"about_contact_id": record_id(1)}],
        },
        {
            "rename_entity:client": ("safe", 2),
            "change_metadata:client": ("safe", 0),
            "change_metadata:contact": ("safe", 0),
            "change_metadata:activity": ("safe", 0),
        },
        {
            ("client", "name", "code", "parent_id"): [("A", "1", None), ("B", None, record_id(1))],
            ("contact", "customer_id"): [record_id(2)],
            ("activity", "about_client_id", "about_contact_id"): [(record_id(1), None), (None, record_id(1))],
        },
    ),
    Case(
        "drop a field",
        one(NAME, text("fax", unique=True), indexes=(("fax", "name"),)),
        one(NAME),
        {"customer": [{"name": "Müller", "fax": "1"}, {"name": "O'Brien"}]},
        {"drop_field:customer.fax": ("lossy", 1)},
        NAMES,
    ),
    Case(
        "drop an entity in a circle, with the relations to it",
        model(
            entity("customer", NAME, relation("main", "contact"), relation("about", "customer", "contact")),
            entity("contact", relation("customer", "customer")),
        ),
        one(NAME, relation("about", "customer")),
        {
            "customer": [{"name": "Müller"}, {"name": "O'Brien", "about_customer_id": record_id(1)}],
            "contact": [{"customer_id": record_id(1)}],
        },
        {
            "remove_target:customer.about.contact": ("lossy", 0),
            "drop_field:customer.main": ("lossy", 0),
            "drop_entity:contact": ("lossy", 1),
        },
        {**NAMES, ("customer", "about_id"): [None, record_id(1)]},
    ),
    Case(
        "tighten to required where all is filled, and loosen",
        one(NAME, text("code", required=True)),
        one(text("name", required=True), text("code")),
        {"customer": [{"name": "Müller", "code": "1"}, {"name": "O'Brien", "code": "2"}]},
        {"change_required:customer.name": ("safe", 0), "change_required:customer.code": ("safe", 0)},
        {**NAMES, ("customer", "code"): ["1", "2"]},
    ),
    Case(
        "tighten to required with a default for the empty ones",
        one(NAME, status("lead", "active")),
        one(NAME, status("lead", "active", required=True, default="lead")),
        {"customer": [{"name": "Müller", "status": "active"}, {"name": "O'Brien"}]},
        {"change_required:customer.status": ("safe", 1), "change_metadata:customer.status": ("safe", 0)},
        {**NAMES, ("customer", "status"): ["active", "lead"]},
    ),
    Case(
        "add enum values and remove one that nobody uses",
        one(NAME, status("lead", "old")),
        one(NAME, status("lead", "active", "won")),
        {"customer": [{"name": "Müller", "status": "lead"}, {"name": "O'Brien"}]},
        {"change_enum:customer.status": ("safe", 0)},
        {**NAMES, ("customer", "status"): ["lead", None]},
    ),
    Case(
        "add a target to a polymorphic relation",
        model(CUSTOMER, CONTACT, entity("activity", relation("about", "customer", "contact"))),
        model(CUSTOMER, CONTACT, entity("activity", relation("about", "customer", "contact", "activity"))),
        LINKED,
        {"add_target:activity.about": ("safe", 0)},
        {
            ("activity", "about_customer_id", "about_contact_id", "about_activity_id"): [
                (record_id(1), None, None),
                (None, record_id(1), None),
                (None, None, None),
            ]
        },
    ),
    Case(
        "make a plain required relation polymorphic",
        model(CUSTOMER, CONTACT, entity("activity", relation("about", "customer", required=True))),
        model(CUSTOMER, CONTACT, entity("activity", relation("about", "contact", "customer", required=True))),
        {"customer": [{"name": "A"}], "activity": [{"about_id": record_id(1)}]},
        {"add_target:activity.about": ("safe", 0)},
        {("activity", "about_customer_id", "about_contact_id"): [(record_id(1), None)]},
    ),
    Case(
        "remove a target of a polymorphic relation, back to a plain one",
        model(CUSTOMER, CONTACT, entity("activity", relation("about", "customer", "contact"))),
        model(CUSTOMER, CONTACT, entity("activity", relation("about", "customer"))),
        LINKED,
        {"remove_target:activity.about.contact": ("lossy", 1)},
        {("activity", "about_id"): [record_id(1), None, None]},
    ),
    Case(
        "change what happens on delete",
        model(CUSTOMER, entity("contact", relation("customer", "customer"))),
        model(CUSTOMER, entity("contact", relation("customer", "customer", on_delete="cascade"))),
        {"customer": [{"name": "A"}], "contact": [{"customer_id": record_id(1)}]},
        {"change_on_delete:contact.customer": ("safe", 0)},
        {("contact", "customer_id"): [record_id(1)]},
    ),
    Case(
        "indexes and unique constraints come",
        one(NAME, text("city")),
        one(
            text("name", unique=True),
            text("city", indexed=True),
            indexes=(("city", "name"),),
            unique_together=(("city", "name"),),
        ),
        {"customer": [{"name": "Müller", "city": "X"}, {"name": "O'Brien", "city": "X"}]},
        {
            "add_index:customer.city": ("safe", 2),
            "add_index:customer.city,name": ("safe", 2),
            "add_unique:customer.name": ("safe", 0),
            "add_unique:customer.city,name": ("safe", 0),
        },
        NAMES,
    ),
    Case(
        "indexes and unique constraints go",
        one(
            text("name", unique=True),
            text("city", indexed=True),
            indexes=(("city", "name"),),
            unique_together=(("city", "name"),),
        ),
        one(NAME, text("city")),
        TWO,
        {
            "drop_index:customer.city": ("safe", 0),
            "drop_index:customer.city,name": ("safe", 0),
            "drop_unique:customer.name": ("safe", 0),
            "drop_unique:customer.city,name": ("safe", 0),
        },
        NAMES,
    ),
    Case(
        "limits are tightened: rows that do not fit are named and stay",
        one(NAME, Field("score", INTEGER), Field("sum", DECIMAL, precision=10)),
        one(
            text("name", max_length=6),
            Field("score", INTEGER, minimum=0, maximum=10),
            Field("sum", DECIMAL, precision=14, maximum=1.5),
        ),
        {"customer": [{"name": "Müller", "score": 11, "sum": "1.5"}, {"name": "O'Brien", "score": 0, "sum": "1.51"}]},
        {f"change_limits:customer.{name}": ("safe", 1) for name in ("name", "score", "sum")},
        {**NAMES, ("customer", "sum"): [Decimal("1.50"), Decimal("1.51")]},
    ),
    Case(
        "a text becomes an e-mail",
        one(NAME),
        one(Field("name", FieldType.EMAIL)),
        TWO,
        {"change_limits:customer.name": ("safe", 0)},
        NAMES,
    ),
    Case(
        "labels, descriptions and the order of fields",
        one(NAME, text("a"), text("b")),
        one(text("name", labels={"de": "Name"}), text("b"), text("a"), description="A firm."),
        TWO,
        {"change_metadata:customer.name": ("safe", 0), "change_metadata:customer": ("safe", 0)},
        NAMES,
    ),
    Case(
        "only the order of fields",
        one(NAME, text("a")),
        one(text("a"), NAME),
        TWO,
        {"change_metadata:customer": ("safe", 0)},
    ),
]

CONVERSIONS = [
    Case(
        "texts become numbers",
        one(text("a", unique=True), text("b"), text("c", required=True), indexes=(("b", "a"),)),
        one(
            Field("a", INTEGER, unique=True, maximum=100),
            Field("b", DECIMAL, precision=6, scale=2),
            Field("c", INTEGER, required=True),
            indexes=(("b", "a"),),
        ),
        {
            "customer": [
                {"a": " 12 ", "b": "12,5", "c": "1"},
                {"a": "200", "b": "1,234", "c": "+2"},
                {"a": "", "b": "12345.00", "c": "03"},
            ]
        },
        {
            "change_type:customer.a": ("safe", 0),
            "change_limits:customer.a": ("safe", 1),
            "change_type:customer.b": ("lossy", 2),
            "change_type:customer.c": ("safe", 0),
        },
        {("customer", "a", "b", "c"): [(12, Decimal("12.50"), 1), (200, None, 2), (None, None, 3)]},
    ),
    Case(
        "texts become dates, moments, booleans, enum values and ids",
        one(text("a"), text("b"), text("c"), text("d"), text("e")),
        one(
            Field("a", FieldType.DATE),
            Field("b", FieldType.DATETIME),
            Field("c", BOOLEAN),
            Field("d", ENUM, enum=("x", "y"), enum_labels={"x": {"en": "X"}}),
            Field("e", FieldType.UUID),
        ),
        {
            "customer": [
                {"a": "31.01.2026", "b": "2026-01-31 10:00Z", "c": "ja", "d": "x", "e": record_id(7)},
                {"a": "31.02.2026", "b": "2026-01-31", "c": "maybe", "d": "z", "e": "7"},
            ]
        },
        {f"change_type:customer.{name}": ("lossy", 1) for name in "abcde"},
        {
            ("customer", *"abcde"): [
                ("2026-01-31", "2026-01-31T10:00:00+00:00", True, "x", record_id(7)),
                (None,) * 5,
            ]
        },
    ),
    Case(
        "anything becomes a text",
        model(
            CUSTOMER,
            entity(
                "deal",
                *(Field("a", INTEGER), Field("b", DECIMAL, scale=3), Field("c", BOOLEAN), Field("d", FieldType.DATE)),
                *(Field("e", FieldType.DATETIME), Field("f", ENUM, enum=("x", "y")), relation("g", "customer")),
            ),
        ),
        model(CUSTOMER, entity("deal", *(text(name) for name in "abcdefg"))),
        {
            "customer": [{"name": "A"}],
            "deal": [
                {"a": -1, "b": "-0.5", "c": False, "d": "2026-01-31", "e": "2026-01-31T10:00:00+01:00", "f": "x"},
                {"g_id": record_id(1)},
            ],
        },
        {**{f"change_type:deal.{name}": ("safe", 0) for name in "abcdefg"}, "drop_index:deal.g": ("safe", 0)},
        {
            ("deal", *"abcdefg"): [
                ("-1", "-0.500", "false", "2026-01-31", "2026-01-31T09:00:00+00:00", "x", None),
                (*(None,) * 6, record_id(1)),
            ]
        },
    ),
    Case(
        "numbers become other numbers",
        one(Field("a", INTEGER), Field("b", DECIMAL, scale=4), Field("c", DECIMAL, precision=9), Field("d", DECIMAL)),
        one(
            Field("a", DECIMAL, precision=4, scale=1, required=True, default="0"),
            Field("b", DECIMAL, scale=2),
            Field("c", DECIMAL, precision=12, scale=5),
            Field("d", INTEGER),
        ),
        {"customer": [{"a": 999, "b": "1.2300", "c": "7.25", "d": "3.00"}, {"b": "1.2345", "d": "3.01"}]},
        {
            "change_type:customer.a": ("safe", 0),
            "change_required:customer.a": ("safe", 1),
            "change_type:customer.b": ("lossy", 1),
            "change_type:customer.c": ("safe", 0),
            "change_type:customer.d": ("lossy", 1),
        },
        {
            ("customer", *"abcd"): [
                (Decimal("999.0"), Decimal("1.23"), Decimal("7.25000"), 3),
                (Decimal("0.0"), None, None, None),
            ]
        },
    ),
    Case(
        "numbers become amounts of money, and money other money",
        one(Field("a", DECIMAL), text("b"), money("c", "EUR", "USD"), money("d", "EUR", "USD")),
        one(money("a", "CHF"), money("b", "EUR"), money("c", "USD"), Field("d", DECIMAL)),
        {
            "customer": [
                {"a": "1.50", "b": "2,5", "c": "3.00", "c_currency": "USD", "d": "4.00", "d_currency": "EUR"},
                {"b": "x", "c": "3.00", "c_currency": "EUR", "d": "4.00", "d_currency": "USD"},
            ]
        },
        {
            "change_type:customer.a": ("safe", 0),
            "change_type:customer.b": ("lossy", 1),
            "change_type:customer.c": ("lossy", 1),
            "change_type:customer.d": ("lossy", 1),
        },
        {
            ("customer", "a", "a_currency", "b", "b_currency", "c", "c_currency", "d"): [
                (*(Decimal("1.50"), "CHF", Decimal("2.50"), "EUR"), *(Decimal("3.00"), "USD", Decimal("4.00"))),
                (None,) * 7,
            ]
        },
    ),
    Case(
        "single values become sets, and sets smaller sets",
        one(status("x", "y"), Field("many", FieldType.SET, enum=("x", "y"))),
        one(Field("status", FieldType.SET, enum=("y", "x")), Field("many", FieldType.SET, enum=("x",))),
        {"customer": [{"status": "x", "many": ["x"]}, {"many": ["x", "y"]}]},
        {"change_type:customer.status": ("safe", 0), "change_enum:customer.many": ("lossy", 1)},
        {("customer", "status", "many"): [(["x"], ["x"]), (None, None)]},
    ),
    Case(
        "an enum loses a value that is used, under a new name",
        one(status("lead", "old", "new")),
        one(Field("state", ENUM, enum=("new", "lead"), renamed_from="status")),
        {"customer": [{"status": "lead"}, {"status": "old"}, {}]},
        {
            "rename_field:customer.state": ("safe", 2),
            "change_enum:customer.state": ("lossy", 1),
            "change_metadata:customer.state": ("safe", 0),
        },
        {("customer", "state"): ["lead", None, None]},
    ),
]
POSSIBLE += CONVERSIONS

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


def by_name(cases: list[Case]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])


def given(database: Database, case: Case) -> None:
    apply(database, case.before)
    for name, rows in case.rows.items():
        add_rows(database, case.before, name, *rows)


def planned(database: Database, model_: Model) -> dict[str, tuple[str, int]]:
    with database.read() as connection:
        found = plan(connection, current_model(connection), model_)
    return {operation.key: (operation.risk, operation.rows) for operation in found.operations}


@by_name(POSSIBLE)
def test_a_change_is_planned_and_applied_and_rows_survive(
    database: Database, another_database: Database, case: Case
) -> None:
    # Given tables of the old model with rows
    given(database, case)
    # Then the plan names every operation with its risk and the rows concerned
    assert planned(database, case.after) == case.plan
    # When it is applied, with consent to what is lossy
    applied = apply(database, case.after, accept=case.lossy)
    # Then it did what the plan said, and there is nothing left to do
    assert {operation.key for operation in applied.operations} == set(case.plan)
    assert apply(database, case.after).is_empty
    with database.read() as connection:
        assert current_model(connection) == case.after
        assert drift(connection, case.after) == []
    # And the rows are as expected
    for (name, *columns), expected in case.then.items():
        assert rows_of(database, case.after, name, *columns) == expected
    # And the tables are those of a fresh database
    apply(another_database, case.after)
    assert schema_of(database) == schema_of(another_database)


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


@by_name([case for case in POSSIBLE if case.lossy])
def test_a_lossy_change_without_consent_changes_nothing(database: Database, case: Case) -> None:
    given(database, case)
    before = dump(database)
    # When it is applied with consent to all lossy operations but one
    with pytest.raises(SchemaChangeRefused) as refused:
        apply(database, case.after, accept=case.lossy[1:])
    # Then that one is named with the word that would consent to it, and nothing has changed
    assert case.lossy[0] in refused.value.message
    assert f"--accept {case.lossy[0]}" in refused.value.hint
    assert dump(database) == before


def reference(of: Model) -> tuple[str, str] | None:
    """Entity and column of some reference in the model."""
    return next(
        ((one.name, field.columns[0]) for one in of for field in one.fields.values() if field.relation is not None),
        None,
    )


@by_name([case for case in POSSIBLE if reference(case.after)])
def test_references_still_hold_after_a_change(database: Database, case: Case) -> None:
    # Given an applied change
    given(database, case)
    apply(database, case.after, accept=case.lossy)
    # When a row refers to a record that does not exist, then the database refuses it
    place = reference(case.after)
    assert place is not None
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        add_rows(database, case.after, place[0], {"id": 99, place[1]: record_id(98)})
