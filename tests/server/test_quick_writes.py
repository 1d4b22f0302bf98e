"""Simple changes over HTTP on PostgreSQL: answered in the event loop, and by the executor if that is not enough."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from tests.kept import Kept
from tests.records.kit import FILES, Pack
from tests.server.http_kit import Client, code, serving
from xrm_core.api import hookimpl
from xrm_core.auth import tokens
from xrm_core.auth.still_held import first_of
from xrm_core.graphql.executor import Executor
from xrm_core.permissions.policy import PolicySet, Role
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.engines import Database

CREATE = """mutation ($name: String!, $city: String) {
  createCustomer(input: {name: $name, city: $city}) { id name city } }"""
UPDATE = "mutation ($id: ID!, $name: String!) { updateCustomer(id: $id, input: {name: $name}) { name version } }"


@pytest.fixture
def client(clients: Kept[Client]) -> Iterator[Client]:
    with clients.lent("postgresql") as found:
        yield found


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The documents that came to the executor."""
    found: list[str] = []
    run = Executor.run

    def noting(self: Executor, document: Any, *rest: Any) -> Any:
        found.append(str(document.ast.loc.source.body))
        return run(self, document, *rest)

    monkeypatch.setattr(Executor, "run", noting)
    return found


def entries(client: Client) -> int:
    with client.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(CHANGE)) or 0


def test_a_creation_and_a_change_are_answered_without_the_executor(client: Client, executed: list[str]) -> None:
    # when somebody creates a record, and changes it
    before = entries(client)
    made = client.ask(CREATE, name="Quick", city="Ulm")["data"]["createCustomer"]
    changed = client.ask(UPDATE, id=made["id"], name="Quicker")
    # then that is answered, stored and logged
    assert (made["name"], made["city"]) == ("Quick", "Ulm")
    assert changed == {"data": {"updateCustomer": {"name": "Quicker", "version": 2}}}
    stored = client.ask("query ($id: ID!) { customer(id: $id) { name city status version } }", id=made["id"])
    assert stored["data"]["customer"] == {"name": "Quicker", "city": "Ulm", "status": "lead", "version": 2}
    assert entries(client) == before + 2
    # and nothing was executed
    assert executed == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("parent { name children { nodes { name } } }", {"name": "Head", "children": {"nodes": [{"name": "New"}]}}),
        ("history(first: 1) { version }", [{"version": 2}]),
        ("children { nodes { name } }", {"nodes": []}),
    ],
)
def test_an_answer_that_shows_more_than_the_row_shows_it_as_it_is_after_the_change(
    client: Client, executed: list[str], asked: str, expected: Any
) -> None:
    # given a record with another one of its kind, by which an answer comes back to it
    head = client.ask(CREATE, name="Head")["data"]["createCustomer"]["id"]
    make = 'mutation ($head: ID!) { createCustomer(input: {name: "Old", parentId: $head}) { id } }'
    id_ = client.ask(make, head=head)["data"]["createCustomer"]["id"]
    # when it is changed
    answer = client.ask(
        f'mutation ($id: ID!) {{ updateCustomer(id: $id, input: {{name: "New"}}) {{ {asked} }} }}', id=id_
    )
    # then all of the answer is as it is after that
    assert answer["data"]["updateCustomer"] == {asked.split(" ")[0].split("(")[0]: expected}
    assert executed == []


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ('mutation { createCustomer(input: {name: "A"}, dryRun: true) { id } }', {}),
        ('mutation { createCustomer(input: {name: "A"}) { id } }', {"Idempotency-Key": '"of this test"'}),
        ('mutation { a: createUser(input: {name: "A"}) { id } b: createUser(input: {name: "B"}) { id } }', {}),
        ('mutation { createUser(input: {name: "A"}) { id } }', {}),
        ('mutation { createNote(input: {text: "A", customer: {create: {name: "N"}}}) { id } }', {}),
    ],
)
def test_what_is_not_simple_is_executed(
    client: Client, executed: list[str], query: str, headers: dict[str, str]
) -> None:
    answer = client.post({"query": query}, **headers)
    assert "errors" not in answer.json()
    assert executed == [query]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            'mutation { createCustomer(input: {name: "far too long for a name"}) { id } }',
            "VALIDATION_FAILED",
        ),
        ('mutation { createCustomer(input: {name: "A", ownerId: "ID"}) { id } }', "VALIDATION_FAILED"),
        ('mutation { updateCustomer(id: "ID", input: {name: "A"}) { id } }', "NOT_FOUND"),
    ],
)
def test_what_is_wrong_is_said_by_the_executor(client: Client, executed: list[str], query: str, expected: str) -> None:
    before = client.world.state(), entries(client)
    query = query.replace("ID", "00000000-0000-7000-8000-00000000dead")
    assert code(client.post({"query": query})) == expected
    assert executed == [query]
    assert (client.world.state(), entries(client)) == before


def test_a_record_that_somebody_could_read_but_not_write_is_neither_created_nor_made(client: Client) -> None:
    # given somebody who may read all customers, and create and change their own
    users = client.world.users
    with client.database.begin() as connection:
        tokens.set_roles(connection, users["ben"], ["rep", "viewer"])
        token = tokens.create_token(connection, users["ben"], "test")
    mine = {"Authorization": f"Bearer {token}"}
    make = 'mutation ($owner: ID!) { createCustomer(input: {name: "Of", ownerId: $owner}) { id } }'
    give = "mutation ($id: ID!, $owner: ID!) { updateCustomer(id: $id, input: {ownerId: $owner}) { id } }"
    made = client.post({"query": make, "variables": {"owner": users["ben"]}}, **mine).json()["data"]["createCustomer"]
    # when they would create one of somebody else's, or make one that
    before = client.world.state(), entries(client)
    for query in (make, give):
        given = {"owner": users["anna"], "id": made["id"]}
        # then they are refused, and nothing is left of it
        assert code(client.post({"query": query, "variables": given}, **mine)) == "FORBIDDEN"
    # and the same of a version that was changed meanwhile
    old = f'mutation {{ updateCustomer(id: "{made["id"]}", version: 7, input: {{city: "A"}}) {{ id }} }}'
    assert code(client.post({"query": old}, **mine)) == "VERSION_CONFLICT"
    assert (client.world.state(), entries(client)) == before


def test_a_record_that_cannot_be_seen_is_no_target(client: Client) -> None:
    # given somebody who sees their own customers only, and a customer of somebody else
    users = client.world.users
    with client.database.begin() as connection:
        tokens.set_roles(connection, users["ben"], ["rep"])
        token = tokens.create_token(connection, users["ben"], "test")
    hidden = client.ask(CREATE, name="Hidden")["data"]["createCustomer"]["id"]
    before = client.world.state(), entries(client)
    # when they refer to it
    query = 'mutation ($parent: ID!) { createCustomer(input: {name: "Of", parentId: $parent}) { id } }'
    answer = client.post({"query": query, "variables": {"parent": hidden}}, Authorization=f"Bearer {token}")
    # then there is no such record for them
    assert code(answer) == "VALIDATION_FAILED"
    assert (client.world.state(), entries(client)) == before


def test_what_a_write_would_bring_into_sight_is_no_target_of_it(
    postgres_url: str, tmp_path: Path, executed: list[str]
) -> None:
    # given somebody who sees the customers about whom there is a note, and writes notes
    rules = {"noted": {"notes": {"some": {"text": {"eq": "mine"}}}}}
    policies = "role,entity,action,fields,rule,effect\nadmin,*,*,*,,allow\n"
    policies += "rep,customer,read,*,noted,allow\nrep,note,*,*,,allow\n"
    pack = Pack(FILES, {"roles": {"admin": {}, "rep": {}}, "rules": rules}, policies)
    with serving(Database(postgres_url), tmp_path, pack) as client:
        with client.database.begin() as connection:
            tokens.set_roles(connection, client.world.users["ben"], ["rep"])
            token = tokens.create_token(connection, client.world.users["ben"], "test")
        mine = {"Authorization": f"Bearer {token}"}
        hidden, shown = (client.ask(CREATE, name=each)["data"]["createCustomer"]["id"] for each in ("Hidden", "Shown"))
        note = 'mutation ($c: ID) { createNote(input: {text: "mine", customerId: $c}) { id customer { name } } }'
        move = "mutation ($id: ID!, $c: ID!) { updateNote(id: $id, input: {customerId: $c}) { customer { name } } }"
        made = client.ask(note, c=shown)["data"]["createNote"]["id"]
        # when they write one about another customer, or make one so
        before = client.world.state(), entries(client)
        for query in (note, move):
            answer = client.post({"query": query, "variables": {"id": made, "c": hidden}}, **mine)
            # then there is no such customer for them, and nothing is left of it
            assert code(answer) == "VALIDATION_FAILED"
            assert "Hidden" not in answer.text
        assert (client.world.state(), entries(client)) == before
        # and one about a customer whom they see is written without the executor
        executed.clear()
        answer = client.post({"query": note, "variables": {"c": shown}}, **mine).json()
        assert answer["data"]["createNote"]["customer"] == {"name": "Shown"}
        assert executed == []


def test_plugins_are_asked_before(postgres_url: str, tmp_path: Path, executed: list[str]) -> None:
    class Shouting:
        @hookimpl
        def before_record_create(self, entity: str, record: dict[str, Any]) -> dict[str, Any]:
            return {"name": record["name"].upper()}

    with serving(Database(postgres_url), tmp_path, plugin=Shouting()) as client:
        assert client.ask(CREATE, name="quiet")["data"]["createCustomer"]["name"] == "QUIET"
        assert len(executed) == 1


def test_connections_that_the_server_has_cut_are_not_used_again(client: Client, executed: list[str]) -> None:
    made = client.ask(CREATE, name="Before")["data"]["createCustomer"]
    with client.database.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query NOT LIKE '%pg_stat%'"
            )
        )
    assert client.ask(UPDATE, id=made["id"], name="After") == {
        "data": {"updateCustomer": {"name": "After", "version": 2}}
    }
    assert executed == []


def test_roles_that_others_inherit_need_not_be_held_themselves() -> None:
    inherits = {"boss": ("rep",), "rep": ("guest",), "guest": ()}
    policies = PolicySet({name: Role(name, {}, "", of) for name, of in inherits.items()}, {}, (), "")
    assert first_of({"boss", "rep", "guest"}, policies) == ["boss"]
    assert first_of({"rep", "guest"}, policies) == ["rep"]
    assert first_of({"guest", "unknown"}, policies) == ["guest", "unknown"]


def test_who_waits_for_a_record_keeps_nobody_else_waiting(client: Client, executed: list[str]) -> None:
    # given a record that another transaction holds, and more who would change it than there are connections and threads
    ids = [client.ask(CREATE, name=each)["data"]["createCustomer"]["id"] for each in ("Held", "Free")]
    table, free = client.records.tables["customer"], UPDATE.replace("(", " Free(", 1)
    with ThreadPoolExecutor(20) as threads:
        with client.database.begin() as connection:
            connection.execute(select(table.c.id).where(table.c.id == ids[0]).with_for_update())
            waiting = [threads.submit(client.ask, UPDATE, id=ids[0], name=f"Held {n}") for n in range(20)]
            # when others change another one
            for name in ("Freer", "Freest"):
                other = client.ask(free, id=ids[1], name=name)
                # then they are answered
                assert other["data"]["updateCustomer"]["name"] == name
                assert not any(each.done() for each in waiting)
        # and those who wait are, when it is their turn
        assert {each.result()["data"]["updateCustomer"]["version"] for each in waiting} == set(range(2, 22))
    assert free not in executed
