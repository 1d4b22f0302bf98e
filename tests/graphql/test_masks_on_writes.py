"""Masks and writes: what may be written of a masked text, and that no answer to a write tells what the mask hides.

Two worlds differ in nothing but what the masks hide: whatever is written, both answer the same.
"""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import select

from tests.graphql import kit
from tests.graphql.kit import World, uid
from tests.postgres import PostgresServer
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database

TEXT = {"type": "string", "maxLength": 60}
ACCOUNT = {
    "x-entity": "account",
    "type": "object",
    "properties": {"name": TEXT, "kind": TEXT, "iban": {**TEXT, "x-unique": True}, "tax": TEXT},
    "x-unique": [["kind", "tax"]],
    "if": {"properties": {"tax": {"pattern": "^[78]"}}, "required": ["tax"]},
    "then": {"required": ["name"], "x-message": {"en": "who pays tax abroad needs a name"}},
}
POLICIES = [
    "admin,*,*,*,,allow",
    "staff,account,read,id version name kind,,allow",
    "staff,account,read,iban,,last_4",
    "staff,account,read,tax,,hash",
    "staff,account,create,name kind,,allow",
    "staff,account,update,name kind,,allow",
    "staff,account,delete,*,,allow",
    "payer,account,read,id name,,allow",
    "payer,account,read,iban,,last_4",
    "payer,account,create,name iban,,allow",
    "payer,account,update,name iban,,allow",
    "local,account,read,id name,,allow",
    "local,account,read,iban,,last_4",
    "local,account,update,name,german,allow",
]
RULES = {"german": {"iban": {"startsWith": "DE"}}}
SECRETS = [("DE89-3704-0044-0532", "7700"), ("FR14-2004-1010-0532", "8800")]
"""Of the two worlds: the same last four."""


def rows(iban: str, tax: str) -> kit.Rows:
    first = {"id": uid(1), "name": "Ada", "kind": "a", "iban": iban, "tax": tax}
    second = {"id": uid(2), "name": "Eva", "kind": "b", "iban": f"X{iban}", "tax": tax}
    return {"account": [first, second]}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[World]]:
    if request.param == "postgresql" and os.environ.get("XRM_TEST_POSTGRES") == "off":
        pytest.skip("PostgreSQL is off (XRM_TEST_POSTGRES=off)")
    model: Model = load_texts([("account.json", json.dumps(ACCOUNT), "core")])
    folder = tmp_path_factory.mktemp("masks")
    with ExitStack() as stack:
        found = []
        for number in range(2):
            url = f"sqlite:///{folder}/{number}.db"
            if request.param == "postgresql":
                server: PostgresServer = request.getfixturevalue("postgres_server")
                url = stack.enter_context(server.database())
            database = Database(url)
            apply(database, model)
            database.close()
            found.append(World(model, kit.policies(model, POLICIES, RULES), url, {}))
            stack.callback(found[-1].close)
        yield found


@pytest.fixture
def worlds(made: list[World]) -> list[World]:
    for world, secret in zip(made, SECRETS, strict=True):
        world.fill(rows(*secret))
    return made


def change(id_: int, fields: str, shown: str = "name iban") -> str:
    return f'mutation {{ updateAccount(id: "{uid(id_)}", input: {{{fields}}}) {{ {shown} }} }}'


def answers(worlds: list[World], role: str, query: str) -> list[dict[str, Any]]:
    """The answer, which must be the same in both worlds; and the secrets of neither."""
    bodies = {world.body(role, query) for world in worlds}
    assert len(bodies) == 1, bodies
    [body] = bodies
    assert not any(part.encode() in body for secret in SECRETS for part in secret)
    return json.loads(body)


def stored(world: World, id_: int, name: str) -> Any:
    table = world.tables["account"]
    with world.database.read() as connection:
        return connection.scalar(select(table.c[name]).where(table.c.id == uid(id_)))


def test_what_is_written_beside_a_masked_text_leaves_it_and_shows_the_mask(worlds: list[World]) -> None:
    query = change(1, 'kind: "c"', "kind iban one: iban ... on Account { two: iban }")
    assert answers(worlds, "staff", query) == {
        "data": {"updateAccount": {"kind": "c", "iban": "****0532", "one": "****0532", "two": "****0532"}}
    }
    assert [stored(world, 1, "iban") for world in worlds] == [iban for iban, _ in SECRETS]


def test_a_new_record_shows_its_author_the_mask(worlds: list[World]) -> None:
    new = 'mutation { createAccount(input: {name: "New", iban: "AT61 1904 3002"}) { name iban } }'
    assert answers(worlds, "payer", new)["data"] == {"createAccount": {"name": "New", "iban": "****3002"}}


def test_a_record_that_goes_is_shown_behind_the_mask(worlds: list[World]) -> None:
    query = f'mutation {{ deleteAccount(id: "{uid(2)}") {{ name iban }} }}'
    assert answers(worlds, "staff", query) == {"data": {"deleteAccount": {"name": "Eva", "iban": "****0532"}}}


def test_a_mask_is_no_right_to_write(worlds: list[World]) -> None:
    for fields in ('iban: "x"', 'tax: "x"'):
        found = answers(worlds, "staff", change(1, fields))
        assert [each["extensions"]["code"] for each in found["errors"]] == ["BAD_QUERY"]
    assert [stored(world, 1, "iban") for world in worlds] == [iban for iban, _ in SECRETS]


def test_who_sends_back_what_was_read_stores_the_mask(worlds: list[World]) -> None:
    assert answers(worlds, "payer", change(1, 'iban: "****0532"'))["data"]["updateAccount"]["iban"] == "****0532"
    assert [stored(world, 1, "iban") for world in worlds] == ["****0532"] * 2


def test_who_may_write_the_text_learns_that_it_is_taken(worlds: list[World]) -> None:
    [world, _] = worlds
    [error] = world.errors("payer", change(2, f'iban: "{SECRETS[0][0]}"'))
    assert error["extensions"]["details"]["problems"] == [
        {"field": "iban", "rule": "unique", "message": "there is another account with the same iban"}
    ]


HIDDEN = [{"field": "", "rule": "hidden", "message": "a field that you cannot see stands in the way"}]


def test_who_only_sees_the_mask_is_not_told_what_is_equal_behind_it(worlds: list[World]) -> None:
    found = answers(worlds, "staff", change(1, 'kind: "b"'))
    assert found["errors"][0]["extensions"]["details"]["problems"] == HIDDEN
    assert "tax" not in json.dumps(found)


def test_nor_what_a_rule_says_of_it(worlds: list[World]) -> None:
    found = answers(worlds, "staff", change(1, "name: null"))
    assert found["errors"][0]["extensions"]["details"]["problems"] == HIDDEN
    assert "tax" not in json.dumps(found)


def test_a_conflict_shows_what_is_read_without_a_mask(worlds: list[World]) -> None:
    query = f'mutation {{ updateAccount(id: "{uid(1)}", version: 9, input: {{kind: "z"}}) {{ iban }} }}'
    [error] = answers(worlds, "staff", query)["errors"]
    current = {"id": uid(1), "name": "Ada", "kind": "a", "version": 1}
    details = {"currentVersion": 1, "current": current, "differing": ["kind"]}
    assert (error["extensions"]["code"], error["extensions"]["details"]) == ("VERSION_CONFLICT", details)
    for secret, _ in SECRETS:  # what is written of a masked text is compared with nothing
        query = f'mutation {{ updateAccount(id: "{uid(1)}", version: 9, input: {{iban: "{secret}"}}) {{ name }} }}'
        [error] = answers(worlds, "payer", query)["errors"]
        assert error["extensions"]["details"] == {
            "currentVersion": 1,
            "current": {"id": uid(1), "name": "Ada"},
            "differing": [],
        }


def test_a_rule_about_a_masked_text_refuses_in_words_that_hold_for_any(worlds: list[World]) -> None:
    german, french = worlds
    assert german.ask("local", change(1, 'name: "Ada L."'))["updateAccount"]["iban"] == "****0532"
    for world in worlds:  # the German one begins with an X there
        [error] = world.errors("local", change(2, 'name: "Eva L."'))
        assert (error["extensions"]["code"], error["message"]) == ("FORBIDDEN", "You may not update this account.")
    [error] = french.errors("local", change(1, 'name: "Ada L."'))
    assert (error["extensions"]["code"], error["message"]) == ("FORBIDDEN", "You may not update this account.")
