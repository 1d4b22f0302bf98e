"""``search(text, entities)``: what fits a text among all records that the caller may see, the best first."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.graphql import kit
from tests.graphql.kit import World, uid
from tests.graphql.test_nodes import both
from tests.graphql.test_statements import statements
from tests.postgres import PostgresServer
from xrm_core.graphql.costs import SCAN, SCAN_INSIDE
from xrm_core.graphql.demands import Limits
from xrm_core.graphql.engine import Engine, Request
from xrm_core.graphql.explain import explain
from xrm_core.query import ranking

SEARCHED = {"type": "string", "maxLength": 200, "x-search": True}
PHONE = {"type": "string", "x-type": "phone", "x-search": True}
ENTITIES: dict[str, dict[str, Any]] = {
    "person": {"name": SEARCHED, "mobile": PHONE, "desk_phone": PHONE, "boss": kit.relation("person", "staff")},
    "firm": {
        "name": SEARCHED,
        "city": SEARCHED,
        "note": {"type": "string", "x-type": "long_text", "x-search": True},
        "kind": {"type": "string", "enum": ["open", "closed"]},
        "owner": kit.relation("person", "firms"),
    },
    "order_item": {"amount": {"type": "number", "x-type": "decimal", "x-scale": 2}, "part": SEARCHED},
    "trip": {"made_at": {"type": "string", "format": "date-time"}, "report": SEARCHED},
    "plain": {"name": {"type": "string"}},
    "wide": {"w000": SEARCHED, "w129": SEARCHED},
}
MANY = {f"w{number:03}": SEARCHED for number in range(130)}
PEOPLE = [
    {"name": "Jürgen Groß", "mobile": "+49 (0)171 1234567", "desk_phone": "0731 1234-56"},
    {"name": "Ulrike Meyer", "mobile": "0171/7654321", "boss": uid(1)},
    {"name": "Anna Schmidt-Meier"},
    {"name": "Anna Schmidt"},
]
FIRMS = [
    {"name": "Müller & Söhne", "city": "Ulm", "note": "Große Straße 5", "kind": "open"},
    {"name": "Mueller AG", "city": "MÜNCHEN", "note": "Vertrag mit Müller", "kind": "closed"},
    {"name": "Kulmbacher Bräu", "city": "Kulmbach", "kind": "open"},
    {"name": "Ulmenhof", "city": "Wien", "note": "geheim", "kind": "open"},
]
ROWS: kit.Rows = {
    "person": [{"id": uid(1 + place), **each} for place, each in enumerate(PEOPLE)],
    "firm": [{"id": uid(100 + place), "owner": uid(1 + place % 2), **each} for place, each in enumerate(FIRMS)],
    "order_item": [{"id": uid(200), "amount": "2.50", "part": "Getriebe"}, {"id": uid(201), "part": "Getriebe"}],
    "trip": [{"id": uid(300), "made_at": "2026-03-01T11:00:00.5+01:00", "report": "Getriebe defekt"}],
    "plain": [{"id": uid(400), "name": "Müller"}],
    "wide": [{"id": uid(500), "w000": "erstes", "w129": "letztes"}],
}
POLICIES = """\
admin,*,*,*,,allow
nameless,firm,read,city,,allow
open_notes,firm,read,name city kind,,allow
open_notes,firm,read,note,open,allow
open_notes,person,read,boss,,allow
own,firm,read,*,mine,allow
own,person,read,name,,allow
outsider,firm,read,kind,,allow
"""
RULES = {"open": {"kind": {"eq": "open"}}, "mine": {"owner": {"id": {"eq": "$user"}}}}
SEARCH = """query ($text: String!, $entities: [SearchableEntity!], $first: Int) {
    search(text: $text, entities: $entities, first: $first) { score title fields node { id __typename } } }"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from of_entities(ENTITIES, request, tmp_path_factory)


@pytest.fixture(params=["sqlite", "postgresql"])
def wide(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """With an entity of more fields than functions have arguments."""
    yield from of_entities({**ENTITIES, "wide": MANY}, request, tmp_path_factory)


def of_entities(
    entities: dict[str, dict[str, Any]], request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    model = kit.load_model(entities)
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


def hits(
    world: World, text: str, role: str = "admin", user: int = 1, **more: Any
) -> list[tuple[int, float, list[str]]]:
    """Number, score and fields of what is found."""
    found = world.ask(role, SEARCH, {"text": text, **more}, user)["search"]
    return [(int(hit["node"]["id"][-12:]), hit["score"], hit["fields"]) for hit in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # a word as it stands there, the field of «x-display» first
        ("muller", [(100, 0.762, ["name"]), (101, 0.513, ["note"])]),
        ("MÜLLER vertrag", [(101, 0.48, ["note"])]),
        ("müller ulm", [(100, 0.66, ["name", "city"])]),
        # whole, at the beginning of a word, inside of one
        ("ulm", [(100, 0.7, ["city"]), (103, 0.577, ["name"]), (102, 0.397, ["name", "city"])]),
        # the whole text as it was typed
        ("anna schmidt", [(4, 0.82, ["name"]), (3, 0.786, ["name"])]),
        ("schmidt anna", [(4, 0.72, ["name"]), (3, 0.72, ["name"])]),
        # a letter wrong, missing, too many; two neighbours swapped; two of them in a long word
        ("mullar", [(100, 0.27, ["name"]), (101, 0.18, ["note"])]),
        ("kulmabch", [(102, 0.18, ["city"])]),
        ("kulmbahcre", [(102, 0.18, ["name"])]),
        ("strasze", [(100, 0.18, ["note"])]),
        # a short word has no typos
        ("ulk", []),
        # each word has to be there
        ("müller wien", []),
        # words of punctuation alone are none
        ("&", []),
        ("", []),
        (" \t", []),
    ],
)
def test_records_are_found_by_their_words(world: World, text: str, expected: list[Any]) -> None:
    assert hits(world, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+49 731 123456", [(1, 0.7, ["mobile", "deskPhone"])]),  # where 49 stands, too
        ("0731123456", [(1, 0.7, ["deskPhone"])]),
        ("0171/765 43 21", [(2, 0.7, ["mobile"])]),
        ("0171 12345", [(1, 0.3, ["mobile"])]),
        ("0171 9999999", []),
    ],
)
def test_a_number_finds_the_caller_in_any_notation(world: World, text: str, expected: list[Any]) -> None:
    assert hits(world, text) == expected


def test_hits_of_all_entities_are_sorted_together_by_score_title_and_id(world: World) -> None:
    found = world.ask("admin", SEARCH, {"text": "getriebe"})["search"]
    assert [(hit["node"]["__typename"], hit["score"], hit["title"]) for hit in found] == [
        ("OrderItem", 0.7, "2.50"),
        ("OrderItem", 0.7, None),
        ("Trip", 0.533, "2026-03-01T10:00:00.5+00:00"),
    ]
    assert [each[0] for each in hits(world, "getriebe", first=2)] == [200, 201]
    assert hits(world, "getriebe", first=0) == []


def test_entities_say_where_to_look(world: World) -> None:
    assert [each[0] for each in hits(world, "getriebe", entities=["trip"])] == [300]
    assert [each[0] for each in hits(world, "getriebe", entities=["trip", "order_item", "trip"])] == [200, 201, 300]
    assert hits(world, "getriebe", entities=[]) == []
    assert len(hits(world, "getriebe", entities=None)) == 3
    one = 'query ($e: SearchableEntity!) { search(text: "getriebe", entities: [$e, firm]) { title } }'
    assert world.ask("admin", one, {"e": "trip"}) == {"search": [{"title": "2026-03-01T10:00:00.5+00:00"}]}
    literal = '{ search(text: "getriebe", entities: trip) { fields } none: search(text: "x", entities: []) { title } }'
    assert world.ask("admin", literal) == {"search": [{"fields": ["report"]}], "none": []}


def test_an_entity_may_have_more_searched_fields_than_a_function_has_arguments(wide: World) -> None:
    assert hits(wide, "erstes") == [(500, 1.0, ["w000"])]
    assert hits(wide, "letztes") == [(500, 0.7, ["w129"])]
    assert hits(wide, "letztes erstes") == [(500, 0.75, ["w000", "w129"])]


def test_there_may_be_more_entities_than_a_union_has_terms(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = world.ask("admin", SEARCH, {"text": "getriebe"})
    monkeypatch.setattr(ranking, "_MOST_TERMS", 2)
    assert world.ask("admin", SEARCH + " #", {"text": "getriebe"}) == expected


def test_the_record_is_a_node_with_all_that_can_be_asked_of_it(world: World) -> None:
    document = """query ($text: String!, $no: Boolean!) { search(text: $text) {
        __typename kind: __typename score @skip(if: $no)
        node { ...Known ... on Firm { city owner { name } } ... on Person { firms(first: 1) { nodes { name } } } }
        again: node { ... on Person { boss { id } } } } }
        fragment Known on Node { id __typename }"""
    found = both(world, "admin", document, {"text": "ul", "no": True})["search"]
    named = {"__typename": "SearchHit", "kind": "SearchHit"}
    assert found[:2] == [
        {
            **named,
            "node": {"id": uid(103), "__typename": "Firm", "city": "Wien", "owner": {"name": "Ulrike Meyer"}},
            "again": {},
        },
        {
            **named,
            "node": {"id": uid(2), "__typename": "Person", "firms": {"nodes": [{"name": "Mueller AG"}]}},
            "again": {"boss": {"id": uid(1)}},
        },
    ]


def test_both_ways_give_the_same_bytes(world: World) -> None:
    engine = world.engine
    executor = Engine(world.records, world.database, world.reader, roles=engine.roles, executes_reads=True)
    for text in ("ulm", "müller", "0731123456", "getriebe", ""):
        request = Request(SEARCH, {"text": text, "entities": ["firm", "person", "trip"]}, tells_cost=True)
        answers = [world.run(each.execute(request, world.user("admin"))) for each in (engine, executor)]
        fast, executed = (json.loads(each.body) for each in answers)
        assert json.dumps(fast) == json.dumps(executed)
        assert "errors" not in fast
    executor.close()


def test_a_search_is_one_statement(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.ask("admin", SEARCH, {"text": "ulm"})  # what a connection looks at or prepares once
    with statements(world, monkeypatch) as found:
        world.ask("admin", SEARCH, {"text": "ulm"})
    assert len([each for each in found if not each.startswith("--")]) == 1  # beside those of SQLite's full-text index


# -- rights -----------------------------------------------------------------------------------------------------------


def test_it_can_be_explained(world: World) -> None:
    role = world.run(world.engine.roles.get(world.user("own").access, world.engine.threads.planning))
    explained = explain(
        role, SEARCH, None, {"text": "ulm", "entities": ["firm"]}, {"ctx_user": uid(1), "ctx_team": None}
    )
    [field] = explained.fields
    assert "xrm_hits" in field.call[0]
    assert [(use.entity, use.why) for use in field.uses] == []  # the rule goes by a relation, which has an index
    assert explained.cost["requested"] == 20 + SCAN


def test_hidden_fields_are_neither_found_nor_counted(world: World) -> None:
    assert hits(world, "müller", "nameless") == []
    assert hits(world, "mullr", "nameless") == []
    # The name would score more; the title is a field that the role cannot read
    found = world.ask("nameless", SEARCH, {"text": "kulmbach"})["search"]
    assert found == [{"score": 0.7, "title": None, "fields": ["city"], "node": {"id": uid(102), "__typename": "Firm"}}]
    # A word in a hidden field does not help one in a visible field, nor the other way round
    assert hits(world, "kulmbach bräu", "nameless") == []


def test_a_field_is_searched_on_the_records_on_which_it_may_be_read(world: World) -> None:
    # «Mueller» is a typo away; who may read the note of 101 finds the word itself there, and that alone
    assert hits(world, "müller") == [(100, 0.762, ["name"]), (101, 0.513, ["note"])]
    assert hits(world, "müller", "open_notes") == [(100, 0.762, ["name"]), (101, 0.27, ["name"])]
    assert [each[0] for each in hits(world, "vertrag")] == [101]
    assert hits(world, "vertrag", "open_notes") == []
    assert hits(world, "straße", "open_notes") == [(100, 0.523, ["note"])]


def test_hidden_records_are_not_found_and_take_no_place(world: World) -> None:
    assert [each[0] for each in hits(world, "ulm", "own")] == [100, 102]
    assert [each[0] for each in hits(world, "ulm", "own", user=2)] == [103]
    assert [each[0] for each in hits(world, "ulm", "own", first=1, user=2)] == [103]


def test_entities_that_the_role_does_not_search_do_not_exist(world: World) -> None:
    asked = '{ __type(name: "SearchableEntity") { enumValues { name } } }'
    everything = {each["name"] for each in world.ask("admin", asked)["__type"]["enumValues"]}
    assert everything == {"person", "firm", "order_item", "trip", "wide"}
    # «open_notes» reads persons, but nothing of them that is searched
    assert world.ask("open_notes", asked)["__type"]["enumValues"] == [{"name": "firm"}]
    hidden = world.body("own", '{ search(text: "x", entities: [trip]) { score } }').replace(b"trip", b"X")
    unknown = world.body("own", '{ search(text: "x", entities: [wizard]) { score } }').replace(b"wizard", b"X")
    assert hidden == unknown
    in_variable = {"text": "x", "entities": ["trip"]}
    hidden = world.body("own", SEARCH, in_variable).replace(b"trip", b"X")
    unknown = world.body("own", SEARCH, {**in_variable, "entities": ["wizard"]}).replace(b"wizard", b"X")
    assert hidden == unknown


def test_a_role_that_searches_nothing_has_no_such_field(world: World) -> None:
    assert "Cannot query field 'search'" in world.errors("outsider", '{ search(text: "x") { score } }')[0]["message"]
    assert world.ask(
        "outsider", '{ a: __type(name: "SearchHit") { name } b: __type(name: "SearchableEntity") { name } }'
    ) == {
        "a": None,
        "b": None,
    }


# -- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["x" * 501, " ".join(map(str, range(21))), "-".join(map(str, range(21)))])
def test_a_search_for_too_much_is_refused(world: World, text: str) -> None:
    assert world.code("admin", SEARCH, {"text": text}) == "QUERY_TOO_LARGE"
    assert world.code("admin", f"{{ search(text: {json.dumps(text)}) {{ score }} }}") == "QUERY_TOO_LARGE"


def test_pages_have_their_limits(world: World) -> None:
    assert world.code("admin", SEARCH, {"text": "x", "first": -1}) == "BAD_QUERY"
    assert world.code("admin", SEARCH, {"text": "x", "first": 1001}) == "QUERY_TOO_LARGE"
    assert world.code("admin", SEARCH, {"first": 1}) == "BAD_QUERY"


def test_the_cost_counts_the_entities_that_are_looked_through(world: World) -> None:
    def cost(document: str, variables: dict[str, Any]) -> int:
        request = Request(document, variables, tells_cost=True)
        answer = json.loads(world.run(world.engine.execute(request, world.user("admin"))).body)
        return int(answer["extensions"]["cost"]["requested"])

    assert cost(SEARCH, {"text": "x"}) == 20 + 5 * SCAN
    assert cost(SEARCH, {"text": "x", "entities": ["firm", "trip", "firm"], "first": 3}) == 3 + 2 * SCAN
    assert cost('{ search(text: "x", entities: [firm], first: 1) { score } }', {}) == 1 + SCAN
    nested = (
        '{ search(text: "", entities: firm, first: 7) { node { ... on Person { firms(first: 3) { totalCount } } } } }'
    )
    assert cost(nested, {}) == 7 + 7 * SCAN_INSIDE + SCAN


def test_a_search_over_the_limit_is_refused_before_it_runs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(world.records, world.database, world.reader, replace(Limits(), cost=5020))
    assert b"errors" not in world.run(engine.execute(Request(SEARCH, {"text": "x"}), world.user("admin"))).body
    with statements(world, monkeypatch) as found:
        body = world.run(engine.execute(Request(SEARCH, {"text": "x", "first": 21}), world.user("admin"))).body
    engine.close()
    [error] = json.loads(body)["errors"]
    assert error["extensions"]["details"] == {"cost": 5021, "limit": 5020, "path": ["search"]}
    assert found == []
