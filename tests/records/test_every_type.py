"""A value of each type goes in by a mutation and comes out the same: read, filtered, sorted, and behind a cursor."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.graphql import kit
from tests.postgres import PostgresServer
from tests.query.examples import examples
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database

TYPES: dict[str, dict[str, Any]] = {
    "big": {"type": "integer", "x-type": "big_integer"},
    "opens": {"type": "string", "x-type": "time"},
    "lasts": {"type": "string", "format": "duration"},
    "tags": {"type": "array", "uniqueItems": True, "items": {"enum": ["b", "a", "c"]}},
    "extra": {"type": "object", "x-type": "json"},
    "price": {"type": "object", "x-type": "money", "x-currencies": ["EUR", "JPY"], "x-precision": 18},
}
CASES: list[tuple[str, Any, Any]] = [
    ("big", "9223372036854775807", "9223372036854775807"),
    ("big", "-9223372036854775808", "-9223372036854775808"),
    ("big", 0, "0"),
    ("opens", "00:00", "00:00:00"),
    ("opens", "23:59:59.999999", "23:59:59.999999"),
    ("opens", "12:00:00.100", "12:00:00.1"),
    ("lasts", "PT0S", "PT0S"),
    ("lasts", "P1W", "P7D"),
    ("lasts", "PT100000000000S", "P1157407DT9H46M40S"),
    ("tags", [], []),
    ("tags", ["c", "b"], ["b", "c"]),
    ("extra", {}, {}),
    ("extra", {"b": [1, 1.5, None, {"ä": "😀\n"}], "a": -(2**63)}, {"b": [1, 1.5, None, {"ä": "😀\n"}], "a": -(2**63)}),
    (
        "price",
        {"amount": "9999999999999999.99", "currency": "JPY"},
        {"amount": "9999999999999999.99", "currency": "JPY"},
    ),
    ("price", {"amount": "-0.01", "currency": "EUR"}, {"amount": "-0.01", "currency": "EUR"}),
]
WRONG: list[tuple[str, Any, str]] = [
    ("big", "9223372036854775808", "BAD_QUERY"),
    ("big", 1.5, "BAD_QUERY"),
    ("big", "1e3", "BAD_QUERY"),
    ("opens", "24:00", "BAD_QUERY"),
    ("opens", "08:30Z", "BAD_QUERY"),
    ("lasts", "P1M", "BAD_QUERY"),
    ("lasts", "-PT1S", "BAD_QUERY"),
    ("lasts", "P99999999999D", "BAD_QUERY"),
    ("tags", ["d"], "BAD_QUERY"),
    ("tags", ["a", "a"], "VALIDATION_FAILED"),
    ("extra", [1], "BAD_QUERY"),
    ("extra", {"a": "\0"}, "BAD_QUERY"),
    ("extra", {"a": 2**63}, "BAD_QUERY"),
    ("price", {"amount": 1}, "VALIDATION_FAILED"),
    ("price", {"currency": "EUR"}, "BAD_QUERY"),
    ("price", {"amount": 1, "currency": "USD"}, "BAD_QUERY"),
    ("price", {"amount": "0.001", "currency": "EUR"}, "VALIDATION_FAILED"),
    ("price", {"amount": "10000000000000000", "currency": "EUR"}, "VALIDATION_FAILED"),
]
SELECTED = "big opens lasts tags extra price { amount currency }"


def model() -> Model:
    thing = {"x-entity": "thing", "type": "object", "properties": TYPES}
    return load_texts([("thing.json", json.dumps(thing), "core")])


@pytest.fixture
def world(database_url: str) -> Iterator[kit.World]:
    opened = open_world(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, kit.World]]:
    """Both databases side by side; PostgreSQL is missing if it is off."""
    with ExitStack() as stack:
        urls = {"sqlite": f"sqlite:///{tmp_path_factory.mktemp('both') / 'both.db'}"}
        if os.environ.get("XRM_TEST_POSTGRES") != "off":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            urls["postgresql"] = stack.enter_context(server.database())
        found = {kind: open_world(url) for kind, url in urls.items()}
        yield found
        for world in found.values():
            world.close()


def open_world(url: str) -> kit.World:
    of = model()
    database = Database(url)
    apply(database, of)
    database.close()
    return kit.World(of, kit.policies(of, ["admin,*,*,*,,allow"], {}), url, {})


def create(world: kit.World, values: dict[str, Any]) -> str:
    query = f"mutation($i: CreateThingInput!) {{ createThing(input: $i) {{ id {SELECTED} }} }}"
    return str(world.body("admin", query, {"i": values}).decode())


def test_extreme_values_come_out_as_they_went_in(world: kit.World) -> None:
    # given a record for each value
    ids = []
    for name, given_, expected in CASES:
        answer = json.loads(create(world, {name: given_}))
        assert "errors" not in answer, (name, given_, answer)
        made = answer["data"]["createThing"]
        # then the mutation, and a read, have it in its one form, and nothing else
        assert made[name] == expected
        read = world.ask("admin", "query($id: ID!) { thing(id: $id) { id " + SELECTED + " } }", {"id": made["id"]})
        assert read["thing"] == made
        assert [key for key, value in made.items() if value is not None] == ["id", name]
        ids.append(made["id"])
    # and it can be changed into itself and emptied
    for id_, (name, given_, _) in zip(ids, CASES, strict=True):
        update = "mutation($id: ID!, $i: UpdateThingInput!) { updateThing(id: $id, input: $i) { " + SELECTED + " } }"
        again = world.ask("admin", update, {"id": id_, "i": {name: given_}})["updateThing"]
        empty = world.ask("admin", update, {"id": id_, "i": {name: None}})["updateThing"]
        assert again[name] is not None
        assert not any(empty.values())


def test_a_record_with_huge_numbers_in_json_can_be_changed(world: kit.World) -> None:
    # given numbers of which the database writes all digits, as if they were whole
    extra = {"a": 1e30, "b": [-1.5e300, {"c": 2.0**63}]}
    made = json.loads(create(world, {"extra": extra}))["data"]["createThing"]
    # when another field is changed
    update = "mutation($id: ID!) { updateThing(id: $id, input: {big: 1}) { big extra } }"
    changed = world.ask("admin", update, {"id": made["id"]})["updateThing"]
    # then they are still the same
    assert changed == {"big": "1", "extra": made["extra"]}
    assert json.loads(json.dumps(changed["extra"]), parse_int=float) == extra


@pytest.mark.parametrize(("name", "value", "code"), WRONG)
def test_what_is_no_value_of_a_type_is_refused_in_words(world: kit.World, name: str, value: Any, code: str) -> None:
    [error] = json.loads(create(world, {name: value}))["errors"]
    assert error["extensions"]["code"] == code
    assert world.ask("admin", "{ things { totalCount } }") == {"things": {"totalCount": 0}}


def test_sums_of_the_greatest_values_are_exact_and_do_not_overflow(world: kit.World) -> None:
    # given twelve times the greatest value of each type, whose sums leave 64 bits, and one that is negative
    most = {
        "big": str(2**63 - 1),
        "price": {"amount": "9999999999999999.99", "currency": "EUR"},
        "lasts": "PT100000000000S",
    }
    for _ in range(12):
        assert "errors" not in json.loads(create(world, most))
    create(world, {"big": "-5", "price": {"amount": "-0.05", "currency": "EUR"}})
    # when they are added up
    query = "{ thingsAggregate(groupBy: [{price: {currency: VALUE}}]) { sum { big price lasts } avg { price lasts } } }"
    [figures] = world.ask("admin", query)["thingsAggregate"]
    # then nothing is lost
    assert figures["sum"] == {
        "big": str(12 * (2**63 - 1) - 5),
        "price": "119999999999999999.83",
        "lasts": "P13888888DT21H20M",
    }
    assert figures["avg"]["lasts"] == "P1157407DT9H46M40S"
    assert figures["avg"]["price"] == pytest.approx(119999999999999999.83 / 13)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "big": st.integers(-(2**63), 2**63 - 1).map(str),
    "opens": st.times().map(lambda time: time.replace(fold=0).isoformat()),
    "lasts": st.integers(0, 10**11).map(lambda seconds: f"PT{seconds}S"),
    "price": st.fixed_dictionaries(
        {
            "amount": st.decimals(-(10**15), 10**15, places=2, allow_nan=False).map(str),
            "currency": st.sampled_from(["EUR", "JPY"]),
        }
    ),
}


@examples(3)
@given(data=st.data())
def test_random_values_are_found_sorted_and_paged_alike_on_both_databases(
    data: st.DataObject, both: dict[str, kit.World]
) -> None:
    name = data.draw(st.sampled_from(sorted(VALUES)))
    values = data.draw(st.lists(VALUES[name] | st.none(), min_size=1, max_size=6))
    chosen = data.draw(st.sampled_from(values))
    order = f"{{{name}: {{amount: DESC}}}}" if name == "price" else f"{{{name}: DESC}}"
    path = "price: {amount: {lte: $v}}" if name == "price" else f"{name}: {{lte: $v}}"
    type_ = {"big": "BigInt", "opens": "Time", "lasts": "Duration", "price": "Decimal"}[name]
    answers = []
    for world in both.values():
        world.fill({"thing": []})
        for value in values:
            assert "errors" not in json.loads(create(world, {name: value}))
        pages, cursor = [], None
        while len(pages) < len(values):
            query = f"query($c: String) {{ things(first: 2, after: $c, orderBy: [{order}]) {{ nodes {{ {SELECTED} }} "
            found = world.ask("admin", query + "pageInfo { endCursor } } }", {"c": cursor})["things"]
            pages += found["nodes"]
            cursor = found["pageInfo"]["endCursor"]
        operand = chosen and (chosen["amount"] if name == "price" else chosen)
        if operand is not None:
            query = f"query($v: {type_}) {{ things(where: {{{path}}}) {{ totalCount }} }}"
            pages.append(world.ask("admin", query, {"v": operand}))
        if name in ("big", "lasts"):
            pages += world.ask("admin", f"{{ thingsAggregate {{ sum {{ {name} }} min {{ {name} }} }} }}")[
                "thingsAggregate"
            ]
        answers.append(pages)
    assert len(answers) < 2 or answers[0] == answers[1]
    empty = [page for page in answers[0][: len(values)] if page[name] is None]
    assert len(empty) == values.count(None)
