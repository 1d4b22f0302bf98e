"""Each role is held to its own limits, on the same server and the same connections."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.graphql.kit import World, load_model, load_policies, uid
from tests.graphql.slow_tables import slow_down, speed_up

LIMITS: dict[str, Any] = {
    "usual": {},
    "portal": {"cost": 40, "page_size": 30, "depth": 3, "timeout": 0.2},
    "report": {"cost": 10**7, "page_size": 5000, "depth": 20},
}
ROWS = {"person": [{"id": uid(1), "name": "Ada"}], "firm": [{"id": uid(101), "name": "Ulm", "owner": uid(1)}]}
DEEP = "{ firms { nodes { owner { firms { nodes { id } } } } } }"


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    model = load_model()
    roles = {"roles": {name: {"limits": limits} for name, limits in LIMITS.items()}}
    lines = ["role,entity,action,fields,rule,effect", *(f"{name},*,read,*,,allow" for name in LIMITS)]
    found = World(model, load_policies(model, json.dumps(roles), "\n".join(lines)), database_url, ROWS)
    yield found
    found.close()


@pytest.mark.parametrize(
    ("query", "portal", "usual", "report"),
    [
        ("{ firms(first: 30) { nodes { id } } }", None, None, None),
        ("{ firms(first: 31) { nodes { id } } }", "QUERY_TOO_LARGE", None, None),
        ("{ firms(first: 1001) { nodes { id } } }", "QUERY_TOO_LARGE", "QUERY_TOO_LARGE", None),
        ("{ a: firms(first: 20) { nodes { id } } b: firms(first: 20) { nodes { id } } }", None, None, None),
        (
            "{ a: firms(first: 20) { nodes { id } } b: firms(first: 21) { nodes { id } } }",
            "QUERY_TOO_LARGE",
            None,
            None,
        ),
        ("{ firms { nodes { id } } }", None, None, None),  # the usual page, but no larger than one may be
        (DEEP, "QUERY_TOO_LARGE", None, None),
    ],
)
def test_a_role_has_its_own_limits(
    world: World, query: str, portal: str | None, usual: str | None, report: str | None
) -> None:
    for role, refused in {"portal": portal, "usual": usual, "report": report, "portal usual": usual}.items():
        if refused is None:
            assert world.ask(role, query)
        else:
            assert world.code(role, query) == refused


def test_the_usual_page_is_no_larger_than_a_page_may_be(world: World) -> None:
    firms = [{"id": uid(200 + number), "name": f"f{number}"} for number in range(60)]
    world.fill({**ROWS, "firm": firms})
    for role, size in (("portal", 30), ("usual", 50), ("report", 50)):
        assert len(world.ask(role, "{ firms { nodes { id } } }")["firms"]["nodes"]) == size


def test_a_role_waits_no_longer_than_its_limit(world: World) -> None:
    # Given a table whose records take long to be read
    with world.database.begin() as connection:
        slow_down(connection, "person")
    # When a role with a short limit reads it
    began = time.monotonic()
    [error] = world.errors("portal", "{ persons(first: 1) { nodes { id } } }")
    # Then it is told soon, with that limit
    assert time.monotonic() - began < 10
    assert (error["extensions"]["code"], "0.2 seconds" in error["message"]) == ("TIMEOUT", True)
    # And the next one on the same connection has its own limit again
    with world.database.begin() as connection:
        speed_up(connection, "person")
    assert world.ask("usual", "{ persons(first: 1) { nodes { name } } }") == {"persons": {"nodes": [{"name": "Ada"}]}}
