"""Changes of types in which values are converted."""

from decimal import Decimal

from tests.storage.cases import BOOLEAN, CUSTOMER, DECIMAL, ENUM, INTEGER, Case, money, one, status
from tests.storage.worlds import entity, model, record_id, relation, text
from xrm_core.metadata.model import Field
from xrm_core.metadata.types import FieldType

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
