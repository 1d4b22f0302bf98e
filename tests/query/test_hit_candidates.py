"""What an index leaves over for ``search`` has all hits: with it and without, the answer is the same."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.graphql import kit
from tests.graphql.kit import World, uid
from tests.postgres import PostgresServer
from tests.query.examples import examples
from xrm_core.graphql.plans import Plan

SEARCHED = {"type": "string", "maxLength": 200, "x-search": True}
ENTITIES: dict[str, dict[str, Any]] = {
    "person": {"name": SEARCHED, "mobile": {"type": "string", "x-type": "phone", "x-search": True}},
    "firm": {"name": SEARCHED, "note": SEARCHED},
}
SEARCH = "query ($text: String!) { search(text: $text, first: 3) { score title fields node { id } } }"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    model = kit.load_model(ENTITIES)
    rights = kit.policies(model, ["admin,*,*,*,,allow"], {})
    if request.param == "sqlite":
        opened = World(model, rights, f"sqlite:///{tmp_path_factory.mktemp('hits') / 'world.db'}", {})
        yield opened
        opened.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        opened = World(model, rights, url, {})
        yield opened
        opened.close()


Plans = dict[bool, Plan]


@pytest.fixture(scope="module")
def plans(world: World) -> Plans:
    """The plan of a search with an index, and without: each record is looked at."""
    role = world.run(world.engine.roles.get(world.user("admin").access, world.engine.threads.planning))
    document = role.documents.read(SEARCH)
    made = {}
    for indexed in (True, False):
        planner = replace(role.planner, scope=replace(role.planner.scope, indexed=indexed))
        made[indexed] = planner.plan(document, document.operation(None), {"text": ""})
    return made


def answer(world: World, plan: Plan, text: str) -> Any:
    """The hits."""
    values = plan.values({"text": text}, {})
    assert values is not None
    return json.loads(plan.answer(world.run(world.reader.fetch(plan.calls(values)))))


LETTERS = "abeir"
WORD = st.text(LETTERS, min_size=1, max_size=12)
BETWEEN = st.sampled_from([" ", "  ", "-", "@", ". ", "ß", "\t", "\u2003"])


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Some words, with something between them."""
    return "".join(draw(WORD) + draw(BETWEEN) for _ in range(draw(st.integers(1, 4)))).strip()


@st.composite
def mistyped(draw: st.DrawFn, word: str) -> str:
    """A word with up to two typos."""
    for _ in range(draw(st.integers(0, 2))):
        place, letter = draw(st.integers(0, len(word))), draw(st.sampled_from(LETTERS))
        rest = word[place:]
        word = word[:place] + draw(
            st.sampled_from([letter + rest[1:], letter + rest, rest[1:], rest[1:2] + rest[:1] + rest[2:]])
        )
    return word


@examples(25)
@given(data=st.data())
def test_the_index_leaves_all_hits_over(data: st.DataObject, world: World, plans: Plans) -> None:
    names = data.draw(st.lists(texts(), min_size=4, max_size=8))
    phones = [None, "+49 (0)731 1234-56", "0171/7654321"]
    people = [
        {"id": uid(1 + place), "name": name, "mobile": data.draw(st.sampled_from(phones))}
        for place, name in enumerate(names)
    ]
    firms = [{"id": uid(101 + n), "name": data.draw(texts()), "note": data.draw(texts())} for n in range(4)]
    world.fill({"person": people, "firm": firms})
    for _ in range(6):
        record = data.draw(st.sampled_from([*people, *firms]))
        words = f"{record['name']} {record.get('note') or ''}".split()
        chosen = data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=3))
        typed = " ".join(data.draw(mistyped(word)) for word in chosen)
        number = data.draw(st.sampled_from(["", "", "0731 123456", "1712", "7654321", "12 34"]))
        text = number or typed
        assert answer(world, plans[True], text) == answer(world, plans[False], text), text


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("meier", ["Anna Schmidt-Meier"]),
        ("meyer", ["Anna Schmidt-Meier"]),
        ("schmitd", ["Anna Schmidt-Meier"]),
        ("beispeil", ["Info"]),
        ("hausverwaltnug", ["Große Hausverwaltung"]),
        ("große hausvwaltung", ["Große Hausverwaltung"]),
    ],
)
def test_typos_are_found_by_the_index_where_punctuation_parts_words(
    world: World, plans: Plans, text: str, titles: list[str]
) -> None:
    firms = [
        {"id": uid(101), "name": "Anna Schmidt-Meier"},
        {"id": uid(102), "name": "Info", "note": "post@beispiel.example"},
        {"id": uid(103), "name": "Große Hausverwaltung"},
    ]
    world.fill({"person": [], "firm": firms})
    for plan in plans.values():
        found = answer(world, plan, text)["data"]["search"]
        assert [hit["title"] for hit in found] == titles


def test_words_have_typos_only_if_too_few_records_have_them_as_typed(world: World) -> None:
    # given two records with the word, and two with a typo in it
    named = ["Kulmbach", "Kulmbach AG", "Kulmbahc", "Kulmbah"]
    world.fill({"person": [], "firm": [{"id": uid(101 + place), "name": name} for place, name in enumerate(named)]})
    query = 'query ($first: Int!) {{ search(text: "{0}", first: $first) {{ title }} }}'
    for first, expected in (
        (1, named[:1]),
        (2, named[:2]),
        (3, [*named[:2], "Kulmbah"]),
        (9, [*named[:2], "Kulmbah", "Kulmbahc"]),
    ):
        found = world.ask("admin", query.format("kulmbach"), {"first": first})["search"]
        assert [hit["title"] for hit in found] == expected
