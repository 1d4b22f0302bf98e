"""``dryRun``: a mutation that is checked and answered like any other, and changes nothing."""

import random
from typing import Any

import pytest

from tests.kept import sight
from tests.server.http_kit import Client, code
from xrm_core.auth import tokens

UNKNOWN = "00000000-0000-7000-8000-000000000000"
LETTERS = "ABC"


def test_a_dry_run_answers_as_the_change_would_and_leaves_nothing(client: Client) -> None:
    before = sight(client)
    query = 'mutation ($dry: Boolean) { createCustomer(input: {name: "A"}, dryRun: $dry) { id name version } }'
    answer = client.ask(query, dry=True)
    made = answer["data"]["createCustomer"]
    assert (made["name"], made["version"], answer["extensions"]) == ("A", 1, {"dryRun": True})
    assert client.ask(f'{{ customer(id: "{made["id"]}") {{ id }} }}')["data"] == {"customer": None}
    assert sight(client) == before
    for no in (False, None):  # null is what is said of a variable that nobody set
        real = client.ask(query, dry=no)
        assert "extensions" not in real
        id_ = real["data"]["createCustomer"]["id"]
        assert client.ask(f'{{ customer(id: "{id_}") {{ name }} }}')["data"]["customer"] == {"name": "A"}


def test_later_fields_of_a_dry_run_see_what_earlier_ones_would_have_done(client: Client) -> None:
    made = client.ask('mutation { createCustomer(input: {name: "A", number: "1"}) { id } }')
    id_ = made["data"]["createCustomer"]["id"]
    before = client.world.state()
    answer = client.ask(
        'mutation ($id: ID!) { a: updateCustomer(id: $id, input: {number: "2"}, dryRun: true) { version } '
        'b: createCustomer(input: {name: "B", number: "1"}, dryRun: true) { owner { customers { totalCount } } } '
        'c: updateCustomer(id: $id, input: {name: "C"}, version: 2, dryRun: true) { name version } '
        "d: deleteCustomer(id: $id, dryRun: true) { version } }",
        id=id_,
    )
    assert answer["data"] == {
        "a": {"version": 2},
        "b": {"owner": {"customers": {"totalCount": 2}}},
        "c": {"name": "C", "version": 3},
        "d": {"version": 3},
    }
    assert client.world.state() == before


@pytest.mark.parametrize("second", ["", ", dryRun: false", ", dryRun: null", ", dryRun: $no"])
def test_a_document_is_dry_as_a_whole_or_refused(client: Client, second: str) -> None:
    before = sight(client)
    declared = "($no: Boolean)" if "$no" in second else ""
    answer = client.post(
        {
            "query": f'mutation {declared} {{ a: createUser(input: {{name: "x"}}{second}) {{ id }} '
            '...More } fragment More on Mutation { b: createUser(input: {name: "y"}, dryRun: true) { id } }'
        }
    )
    assert (answer.status_code, code(answer)) == (422, "BAD_QUERY")
    assert "data" not in answer.json()
    assert sight(client) == before


def test_what_is_skipped_does_not_count(client: Client) -> None:
    answer = client.ask(
        'mutation ($no: Boolean!) { a: createUser(input: {name: "x"}, dryRun: true) { name } '
        'b: createUser(input: {name: "y"}) @include(if: $no) { id } __typename }',
        no=False,
    )
    assert answer["data"] == {"a": {"name": "x"}, "__typename": "Mutation"}


def test_refused_by_rights_rules_and_the_database_alike(client: Client) -> None:
    """The verdict of a dry run is that of the change, whatever is asked; and nothing is ever changed by it."""
    chance = random.Random(20261126)
    ids, people = [UNKNOWN], list(client.world.users.values())
    verdicts: dict[str, int] = {}
    with client.database.begin() as connection:
        tokens.set_roles(connection, client.world.users["ben"], ["rep"])
        ben = tokens.create_token(connection, client.world.users["ben"], "test")
    for _ in range(80):
        fields = " ".join(_drawn(chance, [*ids[-6:], *people], number) for number in range(chance.randint(1, 3)))
        query = f"mutation ($dry: Boolean!) {{ {fields} }}"
        headers = {"Authorization": f"Bearer {ben}"} if chance.random() < 0.4 else {}
        before = sight(client)
        dry = client.post({"query": query, "variables": {"dry": True}}, **headers).json()
        assert sight(client) == before, query
        real = client.post({"query": query, "variables": {"dry": False}}, **headers).json()
        ids += [each["id"] for each in (real.get("data") or {}).values()]
        assert _without_ids(dry) == _without_ids(real), query
        verdict = real["errors"][0]["extensions"]["code"] if "errors" in real else "done"
        verdicts[verdict] = verdicts.get(verdict, 0) + 1
    assert {"done", "VALIDATION_FAILED", "FORBIDDEN", "NOT_FOUND", "VERSION_CONFLICT"} <= verdicts.keys(), verdicts
    assert verdicts["done"] > 10, verdicts


def _drawn(chance: random.Random, ids: list[str], number: int) -> str:
    *known, anna, ben = ids
    id_ = chance.choice(known)
    name = "far too long for a name of a customer" if chance.random() < 0.1 else chance.choice(LETTERS)
    values = (
        f'name: "{name}{chance.randint(1, 9)}", number: "{chance.randint(1, 40)}", city: "{chance.choice(LETTERS)}"'
    )
    if chance.random() < 0.2:
        values += f', revenue: "{chance.choice(["-1", "10.50"])}"'
    if chance.random() < 0.2:
        values += f', ownerId: "{chance.choice([anna, ben])}"'
    if chance.random() < 0.2:
        values += f', parentId: "{chance.choice(known)}"'
    match chance.choice(["create", "create", "update", "delete"]):
        case "create":
            shown = "id name version parent { name }"
            return f"m{number}: createCustomer(input: {{{values}}}, dryRun: $dry) {{ {shown} }}"
        case "update":
            version = f", version: {chance.randint(1, 2)}" if chance.random() < 0.5 else ""
            given = f'id: "{id_}", input: {{{values}}}{version}'
            return f"m{number}: updateCustomer({given}, dryRun: $dry) {{ id name version }}"
        case _:
            return f'm{number}: deleteCustomer(id: "{id_}", dryRun: $dry) {{ id name }}'


def _without_ids(answer: Any) -> Any:
    """An answer without what only the records that stay have in common with themselves."""
    data = {
        key: {name: each[name] for name in each if name != "id"} for key, each in (answer.get("data") or {}).items()
    }
    return {"data": data, "errors": answer.get("errors")}


def test_a_deletion_that_would_take_along_too_much_is_told_beforehand(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.records, "most_along", 1)
    id_ = client.world.create("admin", "customer", {"name": "A"})
    for number in range(2):
        client.world.create("admin", "note", {"text": str(number), "customer": id_})
    before = client.world.state()
    for dry in ("true", "false"):
        [error] = client.ask(f'mutation {{ deleteCustomer(id: "{id_}", dryRun: {dry}) {{ id }} }}')["errors"]
        assert error["extensions"]["code"] == "DELETION_TOO_LARGE"
        assert error["extensions"]["details"] == {"limit": 1}
        assert client.world.state() == before
