"""Values come back as they went in, on both databases."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.storage.worlds import add_rows, entity, model, rows_of
from xrm_core.metadata.model import Field
from xrm_core.metadata.types import FieldType
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables

WORLD = model(
    entity(
        "thing",
        *(
            Field(kind.value, kind, scale=4)
            for kind in FieldType
            if kind not in ("enum", "set", "money", "file", "relation")
        ),
        Field("set", FieldType.SET, enum=("b", "a")),
    )
)

VALUES: list[tuple[str, Any, Any]] = [
    ("text", "Ärger & 'Söhne' — 株式会社 \U0001f600", "Ärger & 'Söhne' — 株式会社 \U0001f600"),
    ("text", "", ""),
    ("long_text", "a\nb\t%s :x \\", "a\nb\t%s :x \\"),
    ("email", "a@example.com", "a@example.com"),
    ("integer", -2147483648, -2147483648),
    ("integer", 2147483647, 2147483647),
    ("decimal", "0.1", Decimal("0.1000")),
    ("decimal", "99999999999999.9999", Decimal("99999999999999.9999")),
    ("decimal", Decimal("-0.0001"), Decimal("-0.0001")),
    ("boolean", True, True),
    ("boolean", False, False),
    ("date", "2024-02-29", "2024-02-29"),
    ("date", "0001-01-01", "0001-01-01"),
    ("datetime", "2026-11-22T10:00:00Z", "2026-11-22T10:00:00+00:00"),
    ("datetime", "2026-11-22T10:00:00.120000+02:00", "2026-11-22T08:00:00.12+00:00"),
    ("datetime", "1969-12-31T23:59:59.999999+00:00", "1969-12-31T23:59:59.999999+00:00"),
    ("big_integer", -(2**63), -(2**63)),
    ("big_integer", 2**63 - 1, 2**63 - 1),
    ("time", "00:00:00", "00:00:00"),
    ("time", "23:59:59.999999", "23:59:59.999999"),
    ("time", "08:30:00.500", "08:30:00.5"),
    ("duration", "PT0S", "PT0S"),
    ("duration", "P1157407DT9H46M40S", "P1157407DT9H46M40S"),
    ("duration", "PT90M", "PT1H30M"),
    ("set", [], []),
    ("set", ("b", "a"), ["b", "a"]),
    ("json", {}, {}),
    ("json", {"b": [1, 0.5, None, "ä'\\"], "a": {"": True}}, {"b": [1, 0.5, None, "ä'\\"], "a": {"": True}}),
    ("uuid", "0199AB00-0000-7000-8000-0000000000FF", "0199ab00-0000-7000-8000-0000000000ff"),
]


def test_every_value_comes_back_as_it_went_in(database: Database) -> None:
    # Given a table with a column of each type
    apply(database, WORLD)
    # When values are written, one in each row
    add_rows(database, WORLD, "thing", *({column: value} for column, value, _ in VALUES))
    # Then they are read as the same values
    for number, (column, written, expected) in enumerate(VALUES):
        found = rows_of(database, WORLD, "thing", column)[number]
        assert (found, type(found)) == (expected, type(expected)), f"{column}: {written!r}"


def test_an_empty_value_stays_empty_in_every_type(database: Database) -> None:
    apply(database, WORLD)
    add_rows(database, WORLD, "thing", {})
    columns = tuple(WORLD["thing"].fields)
    assert rows_of(database, WORLD, "thing", *columns) == [(None,) * len(columns)]


def test_sums_of_decimals_are_exact(database: Database) -> None:
    # Given ten times 0.1, which is not 1 in binary
    apply(database, WORLD)
    add_rows(database, WORLD, "thing", *({"decimal": "0.1"} for _ in range(10)))
    # When the database adds them up
    column = Tables(WORLD)["thing"].c.decimal
    with database.read() as connection:
        total = connection.scalar(select(func.sum(column, type_=column.type)))
    # Then it is 1
    assert total == Decimal(1)


@pytest.mark.parametrize(
    ("column", "ascending"),
    [
        ("text", ["", "B", "a", "a b", "ab", "Ä", "ä", "株"]),
        ("decimal", ["-10", "-9.5", "0", "0.0001", "9", "10"]),
        ("time", ["00:00:00", "08:30:00", "08:30:00.000001", "08:30:00.1", "08:30:01", "23:59:59.999999"]),
        ("duration", ["PT0S", "PT59S", "PT9M", "PT1H", "P1D", "P1DT1S", "P10D"]),
        ("big_integer", [-(2**63), -1, 0, 2**53, 2**53 + 1, 2**63 - 1]),
        ("date", ["0999-12-31", "2024-02-29", "2024-03-01"]),
        (
            "datetime",
            [
                "2026-11-22T10:00:00+00:00",
                "2026-11-22T10:00:00.05+00:00",
                "2026-11-22T10:00:00.5+00:00",
                "2026-11-22T12:00:01+02:00",
            ],
        ),
    ],
)
def test_both_databases_sort_alike(database: Database, column: str, ascending: list[Any]) -> None:
    # Given values written in another order than theirs
    apply(database, WORLD)
    add_rows(database, WORLD, "thing", *({"id": len(ascending) - n, column: v} for n, v in enumerate(ascending)))
    # When the database sorts them
    table = Tables(WORLD)["thing"]
    with database.read() as connection:
        found = list(connection.scalars(select(table.c.id).order_by(table.c[column])))
    # Then they come in this order
    assert [int(key[-12:]) for key in found] == list(range(len(ascending), 0, -1))
