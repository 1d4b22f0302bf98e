"""Phone numbers found in any notation, alike on both databases and in Python."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.graphql import kit
from tests.graphql.kit import World, uid
from tests.postgres import PostgresServer
from tests.query.examples import examples
from xrm_core.storage.phone import is_same_number

PHONE = {"type": "string", "x-type": "phone"}
STORED = [
    "+49 (0)731 1234-56",
    "0049 731 123456",
    "0731/123456",
    "+43 1 5880123456",
    "123456",
    "(0) 731 1 2 3 4 5 6 7",
    "none",
    "000",
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def persons(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    model = kit.load_model({"person": {"name": {"type": "string"}, "phone": PHONE, "mobile": PHONE}})
    rights = kit.policies(
        model,
        ["admin,*,*,*,,allow", "known,person,read,*,caller,allow"],
        {"caller": {"phone": {"number": "0731123456"}}},
    )
    if request.param == "sqlite":
        opened = World(model, rights, f"sqlite:///{tmp_path_factory.mktemp('phone') / 'world.db'}", rows(STORED))
        yield opened
        opened.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        opened = World(model, rights, url, rows(STORED))
        yield opened
        opened.close()


def rows(numbers: list[str]) -> dict[str, list[dict[str, Any]]]:
    found = [{"id": uid(place), "name": f"p{place}", "phone": number} for place, number in enumerate(numbers)]
    return {"person": [*found, {"id": uid(900), "name": "without"}]}


def callers(world: World, number: str, role: str = "admin") -> list[str]:
    query = "query($n: String!) { persons(where: {phone: {number: $n}}) { nodes { phone } } }"
    return [node["phone"] for node in world.ask(role, query, {"n": number})["persons"]["nodes"]]


@pytest.mark.parametrize("number", ["0731123456", "+49731123456", "0049 (731) 12 34 56", "731-123456", "49731123456"])
def test_an_incoming_call_finds_the_caller(persons: World, number: str) -> None:
    assert callers(persons, number) == STORED[:3]


def test_short_numbers_are_equal_or_not(persons: World) -> None:
    assert callers(persons, "123456") == ["123456"]
    assert callers(persons, "23456") == []
    assert callers(persons, "0123456") == ["123456"]


@pytest.mark.parametrize("number", ["", "0", "none", "+()"])
def test_what_has_no_digits_finds_nobody(persons: World, number: str) -> None:
    assert callers(persons, number) == []


def test_it_joins_with_other_conditions_and_stands_in_rules(persons: World) -> None:
    query = '{ persons(where: {or: [{phone: {number: "0731123456"}}, {mobile: {number: "1"}}]}) { totalCount } }'
    assert persons.ask("admin", query) == {"persons": {"totalCount": 3}}
    others = '{ persons(where: {not: {phone: {number: "0731123456"}}}) { totalCount } }'
    assert persons.ask("admin", others) == {"persons": {"totalCount": len(STORED) + 1 - 3}}
    assert persons.ask("known", "{ persons { totalCount } }") == {"persons": {"totalCount": 3}}
    assert persons.code("admin", '{ persons(where: {name: {number: "1"}}) { totalCount } }') == "BAD_QUERY"
    assert persons.code("admin", "{ persons(where: {phone: {number: null}}) { totalCount } }") == "BAD_QUERY"
    both = '{ persons(where: {phone: {number: "1", ignoring: CASE}}) { totalCount } }'
    assert persons.code("admin", both) == "BAD_QUERY"


NUMBERS = st.text("0123456789 +-/()x", max_size=12)


@examples(30)
@given(numbers=st.lists(NUMBERS, min_size=1, max_size=8), called=NUMBERS, end=st.integers(0, 12))
def test_databases_compare_like_python(persons: World, numbers: list[str], called: str, end: int) -> None:
    # Given any notations, and a call from a number that may be the end of one of them
    persons.fill(rows(numbers))
    for number in (called, numbers[0], numbers[0][end:]):
        assert callers(persons, number) == [each for each in numbers if is_same_number(each, number)]
