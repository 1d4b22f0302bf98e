"""``history`` of a record: what has become of it, as far as somebody may see it."""

import json
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from tests.server.http_kit import Client
from xrm_core.auth import tokens
from xrm_core.changes.erasing import erase_record
from xrm_core.storage.change_tables import CHANGE, CHANGE_BATCH

ALL = "id at operation version actor causes { kind name } changes { field old new }"


def history(client: Client, id_: str, selection: str = ALL, token: str | None = None, entity: str = "customer") -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    query = f'{{ {entity}(id: "{id_}") {{ history{selection if selection[0] == "(" else " { " + selection + " }"} }} }}'
    answer = client.post({"query": query}, **headers).json()
    assert "errors" not in answer, answer
    return answer["data"][entity]["history"]


def told(entries: Any) -> list[Any]:
    return [{each["field"]: [each["old"], each["new"]] for each in entry["changes"]} for entry in entries]


@pytest.fixture
def acme(client: Client) -> str:
    """A customer that was created by Anna and changed twice."""
    world = client.world
    id_ = world.create("admin", "customer", {"name": "A", "revenue": "7.5", "since": "2026-01-02"})
    world.update("admin", "customer", id_, {"city": "Köln", "revenue": "12345678.90"}, user="ben")
    world.update("admin", "customer", id_, {"city": None, "owner": world.users["ben"]})
    return id_


def token_of(client: Client, user: str, role: str) -> str:
    with client.database.begin() as connection:
        tokens.set_roles(connection, client.world.users[user], [role])
        return tokens.create_token(connection, client.world.users[user], "test")


def test_a_record_tells_what_has_become_of_it(client: Client, acme: str) -> None:
    users = client.world.users
    third, second, first = history(client, acme)
    assert [each["operation"] for each in (first, second, third)] == ["CREATE", "UPDATE", "UPDATE"]
    assert [each["version"] for each in (first, second, third)] == [1, 2, 3]
    assert [each["actor"] for each in (first, second, third)] == [users["anna"], users["ben"], users["anna"]]
    assert told([third, second]) == [
        {"city": ["Köln", None], "owner": [users["anna"], users["ben"]]},
        {"city": [None, "Köln"], "revenue": ["7.50", "12345678.90"]},
    ]
    [created] = told([first])
    assert created.pop("owner") == [None, users["anna"]]
    assert created == {
        "name": [None, "A"],
        "revenue": [None, "7.50"],
        "since": [None, "2026-01-02"],
        "status": [None, "lead"],
    }


def test_it_comes_in_pages(client: Client, acme: str) -> None:
    newest = history(client, acme, "(first: 1) { id version }")
    assert [each["version"] for each in newest] == [3]
    older = history(client, acme, f'(first: 5, before: "{newest[0]["id"]}") {{ version }}')
    assert [each["version"] for each in older] == [2, 1]
    assert history(client, acme, '(before: "x") { version }') == []


def test_a_request_is_named_as_the_cause(client: Client) -> None:
    answer = client.post(
        {"query": 'mutation { createCustomer(input: {name: "A"}) { history { causes { kind name } } } }'},
        **{"X-Request-Id": "from-the-proxy-7"},
    ).json()
    [entry] = answer["data"]["createCustomer"]["history"]
    assert entry["causes"][0] == {"kind": "request", "name": "from-the-proxy-7"}
    assert [each["kind"] for each in entry["causes"]] == ["request", "token"]


def test_every_form_of_value_is_told_as_answers_have_it(client: Client) -> None:
    world = client.world
    customer = world.create("admin", "customer", {"name": 'A "quoted" \\ ü😀', "number": "null"})
    note = world.create("admin", "note", {"text": "true", "about": {"customer": customer}})
    world.update("admin", "note", note, {"text": "[1]", "about": {"user": world.users["ben"]}})
    world.update("admin", "user", world.users["ben"], {"active": True})
    world.update("admin", "user", world.users["ben"], {"active": False})
    assert told(history(client, note, entity="note")) == [
        {"text": ["true", "[1]"], "about": [{"customer": customer}, {"user": world.users["ben"]}]},
        {"text": [None, "true"], "about": [None, {"customer": customer}]},
    ]
    name = next(each for each in told(history(client, customer)) if "name" in each)["name"]
    assert name == [None, 'A "quoted" \\ ü😀']
    assert [each["active"] for each in told(history(client, world.users["ben"], entity="user"))[:2]] == [
        [True, False],
        [None, True],
    ]


def test_nobody_without_the_right_has_the_field(client: Client, acme: str) -> None:
    token = token_of(client, "ben", "viewer")
    answer = client.post(
        {"query": f'{{ customer(id: "{acme}") {{ history {{ id }} }} }}'}, Authorization=f"Bearer {token}"
    )
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_QUERY"


def test_a_role_sees_what_it_may_read_in_full_of_records_whose_history_it_may_see(client: Client) -> None:
    world, users = client.world, client.world.users
    values = {"name": "A", "revenue": "1", "email": "a@b.de", "number": "7", "owner": users["anna"]}
    mine, other = (world.create("admin", "customer", {**values, "name": name, "number": name}) for name in "AB")
    world.update("admin", "customer", mine, {"owner": users["ben"], "revenue": "2"})
    token = token_of(client, "ben", "keeper")
    assert history(client, other, token=token) == []  # not his own
    newer, created = told(history(client, mine, token=token))
    # Of the owners he sees himself only, and neither what is masked for him (email) nor what he cannot read (number).
    assert newer == {"owner": [None, users["ben"]], "revenue": ["1.00", "2.00"]}
    assert created == {"name": [None, "A"], "owner": [None, None], "revenue": [None, "1.00"]}
    world.update("admin", "customer", mine, {"status": "active"})  # of which he sees no revenue
    assert told(history(client, mine, token=token)) == [
        {},
        {"owner": [None, users["ben"]]},
        {"name": [None, "A"], "owner": [None, None]},
    ]


def as_of(client: Client, id_: str, at: str, token: str | None = None, entity: str = "customer") -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    query = f'{{ {entity}(id: "{id_}") {{ asOf(at: "{at}") {{ version at values }} }} }}'
    answer = client.post({"query": query}, **headers).json()
    assert "errors" not in answer, answer
    return answer["data"][entity]["asOf"]


def test_a_record_tells_what_it_was(client: Client, acme: str) -> None:
    third, second, first = history(client, acme, "at version")
    users, before = client.world.users, as_of(client, acme, "2020-01-01T00:00:00Z")
    assert before is None
    created, changed, now = (as_of(client, acme, each["at"]) for each in (first, second, third))
    assert [each["version"] for each in (created, changed, now)] == [1, 2, 3]
    assert [each["at"] for each in (created, changed, now)] == [first["at"], second["at"], third["at"]]
    usual = {"name": "A", "number": None, "email": None, "status": "lead", "since": "2026-01-02", "parent": None}
    assert created["values"] == {**usual, "city": None, "revenue": "7.50", "owner": users["anna"]}
    assert changed["values"] == {**usual, "city": "Köln", "revenue": "12345678.90", "owner": users["anna"]}
    assert now["values"] == {**usual, "city": None, "revenue": "12345678.90", "owner": users["ben"]}
    assert as_of(client, acme, "2100-01-01T00:00:00Z") == now


def test_relations_to_several_entities_and_flags_are_told_as_they_were(client: Client) -> None:
    world = client.world
    customer = world.create("admin", "customer", {"name": "A"})
    note = world.create("admin", "note", {"text": "true", "about": {"customer": customer}})
    world.update("admin", "note", note, {"about": {"user": world.users["ben"]}, "customer": customer})
    second, first = history(client, note, "at", entity="note")
    assert as_of(client, note, first["at"], entity="note")["values"] == {
        "text": "true",
        "customer": None,
        "about": {"customer": customer},
    }
    assert as_of(client, note, second["at"], entity="note")["values"] == {
        "text": "true",
        "customer": customer,
        "about": {"user": world.users["ben"]},
    }
    world.update("admin", "user", world.users["ben"], {"active": True})
    world.update("admin", "user", world.users["ben"], {"active": False})
    second, first = history(client, world.users["ben"], "(first: 2) { at }", entity="user")
    assert as_of(client, world.users["ben"], first["at"], entity="user")["values"]["active"] is True
    assert as_of(client, world.users["ben"], second["at"], entity="user")["values"]["active"] is False


def test_a_role_sees_of_what_was_what_it_may_read_in_full(client: Client) -> None:
    world, users = client.world, client.world.users
    values = {"name": "A", "revenue": "1", "email": "a@b.de", "number": "7", "owner": users["anna"]}
    mine, other = (world.create("admin", "customer", {**values, "name": name, "number": name}) for name in "AB")
    world.update("admin", "customer", mine, {"owner": users["ben"], "revenue": "2"})
    second, first = history(client, mine, "at")
    token = token_of(client, "ben", "keeper")
    assert as_of(client, other, second["at"], token) is None
    hidden: dict[str, Any] = {"name": "A", "city": None}
    assert as_of(client, mine, first["at"], token)["values"] == {**hidden, "owner": None, "revenue": "1.00"}
    assert as_of(client, mine, second["at"], token)["values"] == {**hidden, "owner": users["ben"], "revenue": "2.00"}
    world.update("admin", "customer", mine, {"status": "active"})
    assert as_of(client, mine, first["at"], token)["values"] == {**hidden, "owner": None, "revenue": None}


def test_the_log_does_not_reach_back_further_than_it_is_kept(client: Client, acme: str) -> None:
    first = history(client, acme, "at")[-1]
    batch = {"number": 1, "first": 1, "last": 1, "root": b"", "chain": b"", "mac": None, "removed": True}
    with client.database.begin() as connection:
        connection.execute(delete(CHANGE_BATCH))
        connection.execute(insert(CHANGE_BATCH).values({**batch, "sealed_at": "2100-01-01T00:00:00+00:00"}))
    assert as_of(client, acme, first["at"]) is None


def test_what_was_erased_is_not_told(client: Client, acme: str) -> None:
    with client.database.begin() as connection:
        erase_record(connection, acme, ["city", "name"])
    entries = told(history(client, acme))
    assert all("city" not in each and "name" not in each for each in entries)
    assert "revenue" in entries[1]


def logged_as(client: Client, id_: str, fields: Any) -> None:
    """Let the second entry of a record have other fields."""
    entry = update(CHANGE).where(CHANGE.c.record_id == id_, CHANGE.c.version == 2)
    with client.database.begin() as connection:
        connection.execute(entry.values(fields=json.dumps(fields)))


def test_a_relation_that_was_something_else_formerly_hides_what_it_was(client: Client, acme: str) -> None:
    ben = client.world.users["ben"]
    # As if «owner» had been a text, and then a relation to records of several entities.
    logged_as(client, acme, {"owner": ["Ben", {"user": ben}], "city": ["Köln", "Bonn"]})
    third, second, _ = told(history(client, acme))
    assert second == {"owner": [None, None], "city": ["Köln", "Bonn"]}
    assert third["owner"] == [client.world.users["anna"], ben]
