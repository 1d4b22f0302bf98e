"""Reads that are logged, over HTTP and in the answers of mutations."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from tests.records import kit
from tests.server import files_kit
from tests.server.files_kit import Office
from tests.server.http_kit import Client, code, serving
from xrm_core.auth import tokens
from xrm_core.records import read_log
from xrm_core.records.read_log import LoggedRead
from xrm_core.storage.engines import Database
from xrm_core.storage.system import READ, READ_RECORD, TOKEN
from xrm_core.storage.tenants import State


@pytest.fixture
def client(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setitem(kit.FILES["customer"], "x-log-reads", True)
    with serving(database, tmp_path) as found:
        yield found


def reads(client: Client) -> list[LoggedRead]:
    with client.world.database.begin() as connection:
        found = list(read_log.logged(connection))
        connection.execute(delete(READ_RECORD))
        connection.execute(delete(READ))
    return found


def test_what_a_mutation_answers_is_logged_with_it(client: Client) -> None:
    made = client.ask('mutation { createCustomer(input: {name: "Ada"}) { id name } }')["data"]["createCustomer"]
    [read] = reads(client)
    assert (read.entity, read.fields, read.record_ids) == ("customer", ("id", "name"), (made["id"],))
    assert list(made) == ["id", "name"]
    with client.world.database.read() as connection:
        token = connection.scalar(select(TOKEN.c.id))
    assert (read.user_id, read.token_id, read.address) == (client.world.users["anna"], token, "testclient")

    # one that comes too late shows the record as it is now, and what stands beside it was read
    both = """mutation($id: ID!) { a: updateCustomer(id: $id, input: {city: "X"}) { city }
        b: updateCustomer(id: $id, input: {city: "Y"}, version: 99) { city } }"""
    answer = client.ask(both, id=made["id"])
    assert answer["errors"][0]["extensions"]["code"] == "VERSION_CONFLICT"
    shown = answer["errors"][0]["extensions"]["details"]["current"]
    assert sorted((each.record_ids, each.fields) for each in reads(client)) == [
        ((made["id"],), ("city",)),
        ((made["id"],), tuple(sorted(shown))),
    ]
    assert shown["city"] == "X"

    # one that fails otherwise shows nothing, and is not logged
    failed = client.ask(both.replace("version: 99", "version: 2").replace('"Y"', "null, name: null"), id=made["id"])
    assert failed["errors"][0]["extensions"]["code"] == "VALIDATION_FAILED"
    assert [each.fields for each in reads(client)] == [("city",)]
    gone = client.ask("mutation($id: ID!) { deleteCustomer(id: $id) { city } }", id=made["id"])["data"]
    assert gone == {"deleteCustomer": {"city": None}}
    assert [each.record_ids for each in reads(client)] == [(made["id"],)]


def test_a_repeat_that_shows_the_first_answer_is_one_more_read(client: Client) -> None:
    query, key = 'mutation { createCustomer(input: {name: "Ada"}) { id name } }', {"Idempotency-Key": "k"}
    first = client.post({"query": query}, **key)
    [made] = reads(client)
    assert client.post({"query": query}, **key).content == first.content
    [again] = reads(client)
    assert (again.entity, again.fields, again.record_ids) == (made.entity, made.fields, made.record_ids)
    assert again.request_id != made.request_id
    assert made.record_ids == (first.json()["data"]["createCustomer"]["id"],)


def test_what_a_dry_run_shows_is_logged(client: Client) -> None:
    made = client.ask('mutation { createCustomer(input: {name: "Ada"}) { id } }')["data"]["createCustomer"]["id"]
    reads(client)
    client.ask(f'mutation {{ updateCustomer(id: "{made}", input: {{city: "X"}}, dryRun: true) {{ name }} }}')
    [read] = reads(client)
    assert (read.fields, read.record_ids) == (("name",), (made,))


def test_records_are_read_and_logged_by_get_too_and_others_are_not(client: Client) -> None:
    ids = [client.world.create("admin", "customer", {"name": name}) for name in ("A", "B")]
    client.world.create("admin", "note", {"text": "not logged"})
    query = {"query": "{ customers { nodes { name } } notes { nodes { text customer { name } } } }"}
    answer = client.http.get("/graphql", params=query, headers={"Authorization": f"Bearer {client.token}"})
    assert answer.status_code == 200
    assert "__xrm" not in answer.text
    first, second = sorted(reads(client), key=lambda read: len(read.record_ids))
    assert (first.record_ids, set(second.record_ids)) == ((), set(ids))
    assert first.request_id == second.request_id
    client.ask("{ notes { nodes { text } } }")
    assert reads(client) == []


def test_nothing_logged_is_read_where_nothing_can_be_written(client: Client) -> None:
    client.http.app.app._main.state = State.READONLY  # type: ignore[attr-defined]
    answer = client.post({"query": "{ customers { nodes { name } } }"})
    assert (answer.status_code, code(answer)) == (503, "TENANT_READONLY")
    assert client.ask("{ notes { totalCount } }")["data"] == {"notes": {"totalCount": 0}}


def test_who_views_as_another_is_the_reader(client: Client) -> None:
    client.world.create("admin", "customer", {"name": "Ben's", "owner": client.world.users["ben"]})
    with client.world.database.begin() as connection:
        tokens.set_roles(connection, client.world.users["ben"], ["rep"])
    headers = {"X-View-As": client.world.users["ben"]}
    answer = client.post({"query": "{ customers { nodes { name } } }"}, **headers).json()
    assert answer["data"]["customers"]["nodes"] == [{"name": "Ben's"}]
    [read] = reads(client)
    assert read.user_id == client.world.users["anna"]


@pytest.fixture
def office(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setitem(files_kit.FILES["contract"], "x-log-reads", ["paper"])
    with files_kit.opened(database, tmp_path) as found:
        yield found


def test_files_that_are_sent_are_logged_by_the_records_that_hold_them(office: Office) -> None:
    def logged() -> list[LoggedRead]:
        with office.database.read() as connection:
            return list(read_log.logged(connection))

    paper, photo = office.uploaded("rep"), office.uploaded("rep", files_kit.PNG, "image/png")
    assert office.download("rep", paper).status_code == 200  # it is in no record yet
    id_ = office.contract("rep", paperId=paper, photoId=photo)
    assert office.download("rep", photo).status_code == 200  # the reads of this field are not logged
    assert office.download("ben", paper).status_code == 404
    assert logged() == []

    assert office.download("admin", paper).status_code == 200
    [read] = logged()
    assert (read.entity, read.fields, read.record_ids) == ("contract", ("paper",), (id_,))
    assert (read.address, read.user_id is not None) == ("testclient", True)
    part = office.http.get(f"/files/{paper}", headers=office.headers("rep", Range="bytes=1-2"))
    tag = office.http.get(f"/files/{paper}", headers=office.headers("rep", **{"If-None-Match": part.headers["etag"]}))
    assert (part.status_code, tag.status_code, len(logged())) == (206, 304, 3)

    office.http.app.app._main.state = State.READONLY  # type: ignore[attr-defined]
    assert office.download("admin", photo).status_code == 200
    refused = office.download("admin", paper)
    assert (refused.status_code, code(refused)) == (503, "TENANT_READONLY")
    assert len(logged()) == 3


def test_former_versions_of_files_are_logged_when_they_are_listed_or_copied(office: Office) -> None:
    def logged() -> list[LoggedRead]:
        with office.database.read() as connection:
            return list(read_log.logged(connection))

    old = office.uploaded("rep")
    stored = office.http.post(
        "/files",
        content=files_kit.PDF + b"2",
        params={"name": "b.pdf", "versionOf": old},
        headers=office.headers("rep", **{"Content-Type": "application/pdf"}),
    )
    id_ = office.contract("rep", paperId=stored.json()["id"])
    url = f"/files/{stored.json()['id']}/versions"
    assert office.http.get(url, headers=office.headers("ben")).status_code == 404
    assert logged() == []

    assert office.http.get(url, headers=office.headers("admin")).status_code == 200
    [read] = logged()
    assert (read.entity, read.fields, read.record_ids) == ("contract", ("paper",), (id_,))
    # a copy is the file of who makes it, and in no record: what it has was read from this one
    copy = office.http.post(url, params={"restore": old}, headers=office.headers("admin"))
    assert (copy.status_code, len(logged())) == (201, 2)
    assert office.download("admin", copy.json()["id"]).content == files_kit.PDF
