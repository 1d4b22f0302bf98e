"""Changes of entities, fields, relations and keys that can be carried out, one case for each kind."""

from decimal import Decimal

from tests.storage.cases import (
    BOOLEAN,
    CONTACT,
    CUSTOMER,
    DECIMAL,
    ENUM,
    INTEGER,
    LINKED,
    NAME,
    NAMES,
    TWO,
    Case,
    one,
    status,
)
from tests.storage.worlds import entity, model, record_id, relation, text
from xrm_core.metadata.model import Field
from xrm_core.metadata.types import FieldType

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
