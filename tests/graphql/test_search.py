"""``search``: every word, in any of the fields that are searched and may be read, whatever its case and accents."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.graphql import kit
from tests.graphql.kit import World, uid
from tests.postgres import PostgresServer
from tests.query.examples import examples
from xrm_core.storage.folding import ACCENTED, LOWER, MARKS, UPPER, fold_accents

SEARCHED = {"type": "string", "maxLength": 200, "x-search": True}
ENTITIES: dict[str, dict[str, Any]] = {
    "person": {"name": SEARCHED},
    "firm": {
        "name": SEARCHED,
        "city": SEARCHED,
        "note": {"type": "string", "x-type": "long_text", "x-search": True},
        "email": {"type": "string", "format": "email", "x-search": True},
        "code": {"type": "string"},
        "kind": {"type": "string", "enum": ["open", "closed"]},
        "owner": kit.relation("person", "firms"),
    },
    "plain": {"name": {"type": "string"}},
}
FIRMS = [
    {"name": "Müller & Söhne", "city": "Ulm", "note": "Große Straße 5", "code": "secretcode", "kind": "open"},
    {"name": "ÄRZTEHAUS ÖSTERREICH", "city": "Wien", "email": "info@haus.example", "kind": "open"},
    {"name": "Mueller AG", "city": "MÜNCHEN", "note": "100% _wild_ 'quoted' \\ \"double\"", "kind": "closed"},
    {"name": "Ω Λόγος ЖУК", "city": None, "note": None, "kind": "open"},
    {"name": "", "city": "Ulm", "note": "Müller", "kind": "closed"},
]
ROWS: kit.Rows = {
    "person": [{"id": uid(1), "name": "Jürgen Groß"}],
    "firm": [{"id": uid(100 + place), "owner": uid(1), **firm} for place, firm in enumerate(FIRMS)],
    "plain": [],
}
POLICIES = """\
admin,*,*,*,,allow
nameless,firm,read,city code,,allow
open_notes,firm,read,name city kind,,allow
open_notes,firm,read,note,open,allow
ulmer,firm,read,*,ulm,allow
outsider,firm,read,code kind,,allow
"""
RULES = {"open": {"kind": {"eq": "open"}}, "ulm": {"search": "ULM"}}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    model = kit.load_model(ENTITIES)
    rights = kit.policies(model, POLICIES.splitlines(), RULES)
    if request.param == "sqlite":
        opened = World(model, rights, f"sqlite:///{tmp_path_factory.mktemp('search') / 'world.db'}", ROWS)
        yield opened
        opened.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        opened = World(model, rights, url, ROWS)
        yield opened
        opened.close()


def found(world: World, text: str, role: str = "admin", more: str = "") -> list[int]:
    """Places of the firms that a search finds, with the text in a variable and in the document alike."""
    query = f"query($text: String) {{ firms(where: {{search: $text {more}}}) {{ nodes {{ id }} }} }}"
    there = world.ask(role, query, {"text": text})
    assert world.ask(role, query.replace("query($text: String)", "").replace("$text", json.dumps(text))) == there
    places = {uid(100 + place): place for place in range(len(FIRMS))}
    return sorted(places[node["id"]] for node in there["firms"]["nodes"])


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("müller", [0, 4]),
        ("MÜLLER", [0, 4]),
        ("Müller ulm", [0, 4]),
        ("ulm söhne müller", [0]),
        ("müller wien", []),
        ("ärztehaus", [1]),
        ("österreich WIEN info@haus", [1]),
        ("münchen", [2]),
        ("STRAßE große", [0]),
        ("strasse", [0]),
        ("üll", [0, 4]),
        ("muller", [0, 4]),
        ("MU\u0308LLER", [0, 4]),
        ("mueller", [2]),
        ("sohne osterreich", []),
        ("arztehaus Österreich", [1]),
        ("λογος", [3]),
        ("ǽrzte", []),
        ("λόγοσ", []),
        ("λόγος жук ω", [3]),
        ("100%", [2]),
        ("% _wild_", [2]),
        ("'quoted' \\ \"double\"", [2]),
        ("secretcode", []),
        ("open", []),
        ("", [0, 1, 2, 3, 4]),
        ("  \t\n ", [0, 1, 2, 3, 4]),
        ("ulm ulm  ULM", [0, 4]),
    ],
)
def test_every_word_is_in_one_of_the_fields(world: World, text: str, places: list[int]) -> None:
    assert found(world, text) == places


def test_a_search_goes_with_other_conditions_and_into_relations(world: World) -> None:
    assert found(world, "müller", more=", kind: {eq: closed}") == [4]
    assert found(world, "müller", more=', owner: {search: "GROSSE"}') == []
    assert found(world, "müller", more=', owner: {search: "GROSS"}') == [0, 4]
    assert found(world, "müller", more=', owner: {search: "groß jürgen"}') == [0, 4]
    query = '{{ firms(where: {{not: {{search: "ulm"}}}}) {{ totalCount }} firmsAggregate(where: {0}) {{ count }} }}'
    answer = world.ask("admin", query.format('{or: [{search: "wien"}, {search: "münchen"}]}'))
    assert answer == {"firms": {"totalCount": 3}, "firmsAggregate": [{"count": 2}]}
    people = '{ people: persons(where: {firms: {some: {search: "söhne"}, none: {search: "nobody"}}}) { totalCount } }'
    assert world.ask("admin", people) == {"people": {"totalCount": 1}}


def test_only_fields_that_may_be_read_are_searched(world: World) -> None:
    assert found(world, "müller", "nameless") == []
    assert found(world, "ulm", "nameless") == [0, 4]
    # the note may be read on open firms only
    assert found(world, "müller", "open_notes") == [0]
    assert found(world, "große", "open_notes") == [0]
    assert found(world, "wild", "open_notes") == []


def test_a_row_rule_may_search(world: World) -> None:
    assert found(world, "", "ulmer") == [0, 4]
    assert found(world, "wien", "ulmer") == []


def test_without_a_field_to_search_there_is_no_such_word(world: World) -> None:
    for role, root in (("outsider", "firms"), ("admin", "plains")):
        answer = json.loads(world.body(role, f'{{ {root}(where: {{search: "x"}}) {{ totalCount }} }}'))
        assert "unknown field 'search'" in answer["errors"][0]["message"]


@pytest.mark.parametrize("text", ["x" * 501, " ".join(map(str, range(21)))])
def test_a_search_for_too_much_is_refused(world: World, text: str) -> None:
    query = "query($t: String) { firms(where: {search: $t}) { totalCount } }"
    answer = json.loads(world.body("admin", query, {"t": text}))
    assert answer["errors"][0]["extensions"]["code"] == "QUERY_TOO_LARGE"
    literal = json.loads(world.body("admin", f"{{ firms(where: {{search: {json.dumps(text)}}}) {{ totalCount }} }}"))
    assert literal["errors"][0]["extensions"]["code"] == "QUERY_TOO_LARGE"


ALPHABET = st.text(
    st.sampled_from("aAzZ 1%_'\\üÜßẞéÉαΑяЯ\u0130\u0131ſ€😀") | st.sampled_from(UPPER + LOWER + ACCENTED + MARKS),
    max_size=8,
)


@examples(12)
@given(data=st.data())
def test_both_databases_find_what_python_finds(world: World, data: st.DataObject) -> None:
    names = data.draw(st.lists(ALPHABET, min_size=1, max_size=4))
    text = data.draw(ALPHABET)
    rows = [{"id": uid(100 + place), "name": name} for place, name in enumerate(names)]
    world.fill({"firm": rows})
    try:
        words = (fold_accents(text) or "").split()
        plain = [fold_accents(name) or "" for name in names]
        expected = [place for place, name in enumerate(plain) if all(word in name for word in words)]
        answer = world.ask("admin", "query($t: String) { firms(where: {search: $t}) { nodes { id } } }", {"t": text})
        places = sorted(int(node["id"][-4:]) - 100 for node in answer["firms"]["nodes"])
        assert places == expected
    finally:
        world.fill(ROWS)


def test_capitals_beyond_western_europe_are_found_like_any_other(world: World) -> None:
    world.fill({"firm": [{"id": uid(100), "name": "NGUYỄN ẤN ĐỘ"}, {"id": uid(101), "name": "U\u0308\u0300ber"}]})
    try:
        for text, expected in (("nguyen", 0), ("Nguyễn", 0), ("an do", 0), ("\u01dbber", 1), ("U\u0308\u0300BER", 1)):
            answer = world.ask(
                "admin", "query($t: String) { firms(where: {search: $t}) { nodes { id } } }", {"t": text}
            )
            assert [int(node["id"][-4:]) - 100 for node in answer["firms"]["nodes"]] == [expected], text
    finally:
        world.fill(ROWS)
