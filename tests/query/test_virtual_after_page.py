"""On SQLite, roll-ups and computed fields of a list are worked out for the records of the page, not for all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.graphql.kit import World, load_model, policies, relation, uid
from tests.query.virtual_world import rollup
from xrm_core.storage import folding

MODEL = load_model(
    {
        "part": {"name": {"type": "string"}, "thing": relation("thing", "parts")},
        "thing": {
            "rank": {"type": "integer"},
            "bolts": rollup("parts", "count", where={"name": {"eq": "BOLT", "ignoring": "CASE"}}),
            "twice": {"type": "integer", "x-computed": "bolts * 2"},
        },
    }
)
RIGHTS = policies(
    MODEL,
    [
        "all,*,read,*,,allow",
        "some,part,read,*,,allow",
        "some,thing,read,rank,,allow",
        "some,thing,read,bolts twice,low,allow",
    ],
    {"low": {"rank": {"lt": 298}}},
)
THINGS = 300


@pytest.fixture
def folded(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The names that the roll-up has looked at: each thing has one part."""
    found: list[str | None] = []
    fold = folding.fold

    def counted(text: str | None) -> str | None:
        found.append(text)
        return fold(text)

    monkeypatch.setattr(folding, "fold", counted)
    return found


@pytest.fixture
def world(folded: list[str | None], tmp_path: Path) -> Iterator[World]:
    things = [{"id": uid(number), "rank": number} for number in range(THINGS)]
    parts = [{"id": uid(number), "name": "bolt", "thing": uid(number)} for number in range(THINGS)]
    opened = World(MODEL, RIGHTS, f"sqlite:///{tmp_path / 'database.db'}", {"thing": things, "part": parts})
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("query", "most"),
    [
        ("nodes { rank bolts }", 4),
        ("nodes { rank twice }", 8),
        ("nodes { rank bolts parts { nodes { name } } }", 4),
        ("edges { node { rank bolts } } pageInfo { hasNextPage }", 5),
    ],
)
def test_a_sorted_list_looks_at_the_parts_of_its_page(
    world: World, folded: list[str | None], query: str, most: int
) -> None:
    # Given an order that no index has; when a page is read
    answer = world.ask("all", f"{{ things(first: 4, orderBy: {{rank: DESC}}) {{ {query} }} }}")["things"]
    # Then it is right, and the parts of no other thing were looked at (an expression looks twice: at size and value)
    nodes = answer["nodes"] if "nodes" in answer else [edge["node"] for edge in answer["edges"]]
    assert [node["rank"] for node in nodes] == [299, 298, 297, 296]
    assert [node.get("bolts", 1) for node in nodes] == [1] * 4
    assert [node.get("twice", 2) for node in nodes] == [2] * 4
    assert 4 <= len(folded) <= most


def test_where_the_right_to_it_depends_on_the_record_too(world: World, folded: list[str | None]) -> None:
    query = "{ things(first: 4, orderBy: {rank: DESC}) { nodes { rank bolts twice } } }"
    nodes = world.ask("some", query)["things"]["nodes"]
    assert [(node["bolts"], node["twice"]) for node in nodes] == [(None, None), (None, None), (1, 2), (1, 2)]
    assert len(folded) <= 8


def test_an_order_by_a_rollup_has_to_look_at_all(world: World, folded: list[str | None]) -> None:
    """So that the numbers above are known to count."""
    nodes = world.ask("all", "{ things(first: 4, orderBy: {bolts: DESC}) { nodes { bolts } } }")["things"]["nodes"]
    assert [node["bolts"] for node in nodes] == [1] * 4
    assert len(folded) >= THINGS
