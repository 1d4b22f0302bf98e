"""No root field takes longer than the limit, whatever stands beside it, and the next one finds everything in order."""

import time
from collections.abc import Iterator

import pytest

from tests.graphql.kit import World, load_model, policies, uid
from tests.graphql.slow_tables import slow_down, speed_up
from xrm_core.graphql.engine import Engine, Request

FIRM = uid(101)
ROWS = {
    "person": [{"id": uid(1), "name": "Ada"}],
    "firm": [{"id": FIRM, "name": "Ulm", "owner": uid(1)}],
    "deal": [{"id": uid(201), "title": "d", "firm": FIRM}],
}
QUERIES = {
    "record": f'{{ firm(id: "{FIRM}") {{ name }} }}',
    "list": "{ firms { nodes { name } } }",
    "count": "{ firms { totalCount } }",
    "figures": "{ firmsAggregate { count } }",
    "node": f'{{ node(id: "{FIRM}") {{ ... on Firm {{ name }} }} }}',
    "nodes": f'{{ nodes(ids: ["{FIRM}"]) {{ ... on Firm {{ name }} }} }}',
    "relation": "{ deals { nodes { firm { name } } } }",
    "filter": '{ deals(where: {firm: {name: {eq: "Ulm"}}}) { nodes { title } } }',
    "figures inside": "{ persons { nodes { firmsAggregate { count } } } }",
    "the second": "{ persons { nodes { name } } firms { nodes { name } } deals { totalCount } }",
    "beside introspection": "{ firms { nodes { name } } __schema { queryType { name } } }",
}
LIMIT = 0.1
"""Seconds. What is held to it takes up a processor for as long."""
PLENTY = 20.0
"""For what ends by itself, on a machine where much else runs."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which all that has to do with firms takes for ever."""
    model = load_model()
    rights = policies(model, ["role,*,read,*,,allow"], {})
    if request.param == "sqlite":
        made = World(model, rights, f"sqlite:///{tmp_path_factory.mktemp('slow')}/world.db", ROWS, timeout=PLENTY)
        yield made
        made.close()
        return
    with request.getfixturevalue("postgres_server").database() as url:
        made = World(model, rights, url, ROWS, timeout=PLENTY)
        yield made
        made.close()


@pytest.fixture(scope="module")
def held(world: World) -> Iterator[list[Engine]]:
    """Both ways to an answer, held to the limit."""

    def engine(*, executes: bool) -> Engine:
        pages = world.engine.pages
        return Engine(world.records, world.database, world.reader, pages, timeout=LIMIT, executes_reads=executes)

    made = [engine(executes=False), engine(executes=True)]
    yield made
    for each in made:
        each.close()


@pytest.fixture
def slow(world: World) -> Iterator[World]:
    with world.database.begin() as connection:
        slow_down(connection, "firm")
    yield world
    with world.database.begin() as connection:
        speed_up(connection, "firm")


@pytest.mark.parametrize("name", QUERIES)
def test_each_root_field_is_held_to_the_limit(slow: World, held: list[Engine], name: str) -> None:
    for each in held:
        began = time.monotonic()
        body = slow.run(each.execute(Request(QUERIES[name], {}), slow.user("role"))).body
        assert b'"TIMEOUT"' in body
        assert b"0.1 seconds" in body
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("name", QUERIES)
def test_the_same_fields_are_answered_when_nothing_is_in_the_way(world: World, name: str) -> None:
    assert "errors" not in world.ask("role", QUERIES[name])
