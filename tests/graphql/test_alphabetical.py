"""Lists in the order of a register: case and accents count only where nothing else differs; alike on both databases."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.graphql import kit
from tests.graphql.kit import World, uid
from tests.postgres import PostgresServer
from xrm_core.metadata.model import Model
from xrm_core.storage.folding import fold_accents

REGISTER = [
    "Aachen",
    "äpfel",
    "Apfel",
    "Äpfel",
    "Ärger",
    "Bonn",
    "Strasse",
    "Straße",
    "strasse",
    "Zoë",
    "zoe",
    "Ωmega",
    "ёлка",
    "",
]
PEOPLE = [
    {"id": uid(200 + place), "name": name, "note": None if place % 5 == 0 else name}
    for place, name in enumerate([*REGISTER, *REGISTER])
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def register(request: pytest.FixtureRequest, model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    rows = {"firm": PEOPLE}
    rights = kit.policies(model, ["admin,*,*,*,,allow"], {})
    if request.param == "sqlite":
        opened = World(model, rights, f"sqlite:///{tmp_path_factory.mktemp('text') / 'world.db'}", rows)
        yield opened
        opened.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        opened = World(model, rights, url, rows)
        yield opened
        opened.close()


def expected(by: str, direction: str) -> list[str]:
    down = direction.startswith("DESC")

    def place(row: dict[str, Any]) -> tuple[Any, ...]:
        value = row[by]
        return (value is None, fold_accents(value or ""), value or "", row["id"])

    return [row["id"] for row in sorted(PEOPLE, key=place, reverse=down)]


def test_a_register_has_umlauts_beside_their_letters(register: World) -> None:
    query = '{ firms(orderBy: [{name: ASC_ALPHABETICAL}], where: {name: {ne: ""}}) { nodes { name } } }'
    names = [node["name"] for node in register.ask("admin", query)["firms"]["nodes"]]

    assert names[::2][:10] == [
        "Aachen", "Apfel", "Äpfel", "äpfel", "Ärger", "Bonn", "Strasse", "Straße", "strasse", "Zoë",
    ]  # fmt: skip


@pytest.mark.parametrize("direction", ["ASC_ALPHABETICAL", "DESC_ALPHABETICAL"])
@pytest.mark.parametrize("field", ["name", "note"])
@pytest.mark.parametrize("size", [1, 4, 28])
def test_pages_both_ways_are_the_whole_register(register: World, field: str, direction: str, size: int) -> None:
    query = """query($by: [FirmOrderBy!], $first: Int, $after: String, $last: Int, $before: String) {
      firms(orderBy: $by, first: $first, after: $after, last: $last, before: $before) {
        edges { cursor node { id } } } }"""
    by = [{field: direction}]

    def walked(count: str, place: str, end: int) -> list[str]:
        found: list[str] = []
        cursor = None
        while edges := register.ask("admin", query, {"by": by, count: size, place: cursor})["firms"]["edges"]:
            ids = [edge["node"]["id"] for edge in edges]
            found = found + ids if end else ids + found
            cursor = edges[end]["cursor"]
        return found

    whole = expected(field, direction)
    assert walked("first", "after", -1) == whole
    assert walked("last", "before", 0) == whole


def test_an_order_along_a_relation_and_in_two_steps(register: World) -> None:
    order = "[{parent: {name: DESC_ALPHABETICAL}}, {employees: ASC}, {name: ASC_ALPHABETICAL}]"

    found = register.ask("admin", f"{{ firms(orderBy: {order}) {{ nodes {{ id }} }} }}")["firms"]["nodes"]

    assert [node["id"] for node in found] == expected("name", "ASC_ALPHABETICAL")  # none has a parent


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("{ firms(orderBy: [{employees: ASC_ALPHABETICAL}]) { totalCount } }", "employees is no text"),
        (
            "{ firms(orderBy: [{parent: {employees: DESC_ALPHABETICAL}}]) { totalCount } }",
            "parent.employees is no text",
        ),
        (
            "{ firmsAggregate(groupBy: [{name: VALUE}], orderBy: [{key: {name: ASC_ALPHABETICAL}}]) { count } }",
            "Groups have no alphabetical order.",
        ),
        ("{ firmsAggregate(orderBy: [{count: DESC_ALPHABETICAL}]) { count } }", "Groups have no alphabetical order."),
    ],
)
def test_what_has_no_alphabetical_order_is_refused(register: World, query: str, told: str) -> None:
    [error] = register.errors("admin", query)

    assert error["extensions"]["code"] == "BAD_QUERY"
    assert told in error["message"]
