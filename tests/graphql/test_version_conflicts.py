"""What a conflict of versions shows: the record as it is now, as far as whoever came too late may read it."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.graphql import kit
from tests.graphql.kit import World, uid
from tests.postgres import PostgresServer
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database

TEXT = {"type": "string", "maxLength": 60}
ENTITIES: dict[str, dict[str, Any]] = {
    "person": {"name": TEXT, "active": {"type": "boolean"}},
    "deal": {
        "title": TEXT,
        "amount": {"type": "number", "x-type": "decimal", "x-precision": 14, "x-scale": 2},
        "price": {"type": "object", "x-type": "money", "x-currencies": ["EUR", "USD"]},
        "units": {"type": "integer", "x-type": "big_integer"},
        "tags": {"type": "array", "uniqueItems": True, "items": {"enum": ["vip", "eu"]}},
        "closes_on": {"type": "string", "format": "date"},
        "seen_at": {"type": "string", "format": "date-time"},
        "extra": {"type": "object", "x-type": "json"},
        "stage": kit.enum("open", "won"),
        "seller": kit.relation("person", "deals"),
        "about": kit.relation(["person", "deal"], "mentions"),
        "secret": TEXT,
    },
}
RULES = {"open": {"stage": {"eq": "open"}}, "active": {"active": {"eq": True}}}
POLICIES = [
    "boss,*,*,*,,allow",
    "rep,person,read,id name,active,allow",
    "rep,deal,read,id version title stage seller,,allow",
    "rep,deal,read,secret,open,allow",
    "rep,deal,update,title stage seller secret amount,,allow",
    "rep,deal,delete,*,,allow",
    "poor,deal,read,id title,open,allow",
    "poor,deal,update,title,,allow",
]
DEAL = {
    "title": "Press",
    "amount": "12.50",
    "price": {"amount": "7.00", "currency": "EUR"},
    "units": 9007199254740993,
    "tags": ["vip"],
    "closes_on": "2026-12-01",
    "seen_at": "2026-01-02T03:04:05+00:00",
    "extra": {"a": [1, {"b": None}]},
    "stage": "open",
    "secret": "s",
}
ROWS = {
    "person": [
        {"id": uid(1), "name": "Anna", "active": True},
        {"id": uid(2), "name": "Ben", "active": False},
    ],
    "deal": [
        {**DEAL, "id": uid(11), "seller": uid(1), "about": {"deal": uid(11)}},
        {**DEAL, "id": uid(12), "seller": uid(2), "stage": "won"},
    ],
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    model = kit.load_model(ENTITIES)

    def opened(url: str) -> Iterator[World]:
        database = Database(url)
        apply(database, model)
        database.close()
        made = World(model, kit.policies(model, POLICIES, RULES), url, ROWS)
        yield made
        made.close()

    if request.param == "sqlite":
        yield from opened(f"sqlite:///{tmp_path_factory.mktemp('conflicts') / 'world.db'}")
    else:
        if os.environ.get("XRM_TEST_POSTGRES") == "off":
            pytest.skip("PostgreSQL is off (XRM_TEST_POSTGRES=off)")
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as url:
            yield from opened(url)


def details(world: World, role: str, id_: str, fields: str) -> Any:
    query = f'mutation {{ updateDeal(id: "{id_}", version: 7, input: {{{fields}}}) {{ id }} }}'
    [error] = json.loads(world.body(role, query))["errors"]
    assert error["extensions"]["code"] == "VERSION_CONFLICT", error
    found = error["extensions"]["details"]
    assert found.pop("currentVersion") == 1
    return found


def test_values_have_the_form_that_answers_have(world: World) -> None:
    found = details(world, "boss", uid(11), 'title: "Mill", amount: "12.5", tags: [vip], price: {amount: "7"}')
    current = found["current"]
    system = {"created_at": kit.NOW, "updated_at": kit.NOW, "created_by": uid(1), "updated_by": None, "version": 1}
    assert current == {
        "id": uid(11),
        **DEAL,
        "units": "9007199254740993",
        "seller": uid(1),
        "about": {"deal": uid(11)},
        **system,
    }
    assert found["differing"] == ["title", "price"]  # the currency is missing in what would have been written


def test_what_is_equal_in_another_form_does_not_differ(world: World) -> None:
    same = (
        'title: "Press", amount: 12.5, price: {amount: "7", currency: EUR}, units: "9007199254740993", tags: [vip], '
        'closesOn: "2026-12-01", seenAt: "2026-01-02T04:04:05+01:00", extra: {a: [1, {b: null}]}, stage: open, '
        f'sellerId: "{uid(1).upper()}", about: {{dealId: "{uid(11)}"}}, secret: "s"'
    )
    assert details(world, "boss", uid(11), same)["differing"] == []
    other = f'amount: 12.51, tags: [], seenAt: null, extra: {{}}, sellerId: "{uid(2)}", about: {{personId: "{uid(1)}"}}'
    assert details(world, "boss", uid(11), other)["differing"] == [
        "amount",
        "tags",
        "seen_at",
        "extra",
        "seller",
        "about",
    ]


def test_only_what_may_be_read_is_shown_and_compared(world: World) -> None:
    found = details(world, "rep", uid(11), 'title: "Press", secret: "s", amount: 1')
    current = {"id": uid(11), "title": "Press", "stage": "open", "seller": uid(1), "secret": "s", "version": 1}
    assert found == {"current": current, "differing": []}
    # on this record nobody says what the secret is, nor whether a guess of it is right; nor who the seller is
    for guess in ("s", "t"):
        found = details(world, "rep", uid(12), f'secret: "{guess}", sellerId: "{uid(2)}"')
        current = {"id": uid(12), "title": "Press", "stage": "won", "seller": None, "secret": None, "version": 1}
        assert found == {"current": current, "differing": ["seller", "secret"]}


def test_who_may_not_read_the_record_is_told_its_version_only(world: World) -> None:
    assert details(world, "poor", uid(11), 'title: "Mill"')["current"] == {"id": uid(11), "title": "Press"}
    assert details(world, "poor", uid(12), 'title: "Mill"') == {}


def test_a_deletion_that_comes_too_late_shows_the_record_too(world: World) -> None:
    query = f'mutation {{ deleteDeal(id: "{uid(12)}", version: 7) {{ id }} }}'
    [error] = world.errors("rep", query)
    assert error["extensions"]["details"]["current"]["title"] == "Press"
    assert error["extensions"]["details"]["differing"] == []
