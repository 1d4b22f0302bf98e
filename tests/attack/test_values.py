"""Values at the ends of their types, and past them: stored as they are, or refused, alike on both databases."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.graphql import kit
from tests.graphql.kit import World, uid
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database

INFINITE, NOT_A_NUMBER = float("inf"), float("nan")
REFUSED: dict[str, list[Any]] = {
    "name": ["a\0b", "\ud800", "a\udfffb", "x" * 201, ""],
    "note": ["a\0b", "\udfff"],
    "employees": [2**31, -(2**31) - 1, 2**63, 10**400, INFINITE, NOT_A_NUMBER, 1.5, True, "7"],
    "units": [2**63, str(2**63), str(-(2**63) - 1), "1e3", "NaN", "9" * 5000, "٣", " 1"],
    "revenue": ["NaN", "-Infinity", "1e400", "1E-400", "9" * 5000, INFINITE, NOT_A_NUMBER, "1_000", "0x10", "١", " 1 "],
    "foundedOn": ["10000-01-01", "infinity", "0000-01-01", "-0001-01-01", "2024-02-30", "2024-1-1", "٢٠٢٤-01-01"],
    "seenAt": ["infinity", "10000-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "2026-01-01T24:00:00Z"],
    "extra": [{"a": "\0"}, {"\ud800": 1}, {"a": {"b": "\ud800"}}, {"a": NOT_A_NUMBER}, {"a": 10**400}, {"a": 2**64}],
    "code": ["x", "00000000-0000-0000-0000-00000000000g", "{00000000-0000-7000-8000-000000000001}", "\ud800"],
    "opens": ["24:00", "12:60", "00:00:00.0000001", "12:00Z"],
    "answersIn": ["P1Y", "PT", "-PT1H", "PT1e9H", "P" + "9" * 400 + "D"],
    "tags": [["vip", "vip"], ["x"], [None], ["vip\0"]],
    "ownerId": ["x\0", "\ud800", "' OR 1=1 --", uid(2)],
    "advisors": [{"add": [{"id": "\ud800"}]}, {"set": ["a\0"]}, {"set": ["' OR 1=1 --"]}],
}
STORED: dict[str, list[tuple[Any, Any]]] = {
    "name": [
        *(
            (text, text)
            for text in ("x\u200by", "\u202eabc", "\ufeffx", "e\u0301", "\U0010ffff", "\x1b[31m", "\u2028", "%", "' --")
        ),
    ],
    "employees": [(2**31 - 1, 2**31 - 1), (-(2**31), -(2**31))],
    "units": [(str(2**63 - 1), str(2**63 - 1)), (str(-(2**63)), str(-(2**63)))],
    "revenue": [("1e2", "100.00"), ("-.5", "-0.50"), ("+7.", "7.00")],
    "foundedOn": [("0001-01-01", "0001-01-01"), ("9999-12-31", "9999-12-31")],
    "extra": [({"a": -(2**63), "": []}, {"": [], "a": -(2**63)})],
}
CODES = {"BAD_QUERY", "VALIDATION_FAILED"}


@pytest.fixture
def office(database: Database) -> Iterator[World]:
    """Firms and a person, and a role that may do everything."""
    model = kit.load_model()
    apply(database, model)
    url = database.url.render_as_string(hide_password=False)
    world = World(
        model, kit.policies(model, ["admin,*,*,*,,allow"], {}), url, {"person": [{"id": uid(1), "name": "A"}]}
    )
    yield world
    world.close()


def test_values_past_the_ends_are_refused_and_nothing_is_stored(office: World) -> None:
    query = "mutation($i: CreateFirmInput!) { createFirm(input: $i) { id } }"
    for name, values in REFUSED.items():
        for value in values:
            assert office.code("admin", query, {"i": {"name": "x", name: value}}) in CODES, (name, value)
    table = office.tables["firm"]
    with office.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(table)) == 0


def test_values_at_the_ends_come_back_as_they_were_given(office: World) -> None:
    for name, values in STORED.items():
        query = f"mutation($i: CreateFirmInput!) {{ createFirm(input: $i) {{ {name} }} }}"
        for value, expected in values:
            found = office.ask("admin", query, {"i": {"name": "x", name: value}})["createFirm"][name]
            assert found == expected, (name, value)
