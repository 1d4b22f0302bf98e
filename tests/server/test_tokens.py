"""Tokens as they come by HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.server.http_kit import Client, code
from xrm_core.auth import tokens
from xrm_core.auth.tokens import TokenLimits


def held_to(client: Client, user: str | None = "anna", **limits: Any) -> str:
    """A token of an admin, or of a service, that is held to less."""
    with client.world.database.begin() as connection:
        user_id = None if user is None else client.world.users[user]
        return tokens.create_token(connection, user_id, "test", limits=TokenLimits(**limits))


@contextmanager
def at(client: Client, address: str) -> Iterator[TestClient]:
    """A client with an address."""
    yield TestClient(client.http.app, client=(address, 50000))


def types(client: Client, token: str) -> set[str]:
    query = "{ __schema { queryType { fields { name } } mutationType { fields { name } } } }"
    schema = client.post({"query": query}, Authorization=f"Bearer {token}").json()["data"]["__schema"]
    return {field["name"] for each in schema.values() if each for field in each["fields"]}


def test_what_is_not_in_the_scope_of_a_token_does_not_exist_for_it(client: Client) -> None:
    token = held_to(client, grants={"customer": ["read"], "note": ["read", "create"]})
    found = types(client, token)
    assert {"customer", "customers", "note", "notes", "createNote"} <= found
    assert not {"createCustomer", "updateNote", "users", "user", "schemaFiles", "applySchemaChange"} & found
    headers = {"Authorization": f"Bearer {token}"}
    refused = client.post({"query": 'mutation { deleteCustomer(id: "x") { id } }'}, **headers)
    unknown = client.post({"query": 'mutation { deleteNothing_(id: "x") { id } }'}, **headers)
    assert (
        refused.json()["errors"][0]["message"].replace("deleteCustomer", "deleteNothing_")
        == (unknown.json()["errors"][0]["message"])
    )


def test_the_whole_token_is_not_held_to_the_scope_of_another(client: Client) -> None:
    narrow = held_to(client, grants={"customer": ["read"]})
    query = {"query": "{ users { totalCount } }"}
    for _ in range(2):
        assert code(client.post(query, Authorization=f"Bearer {narrow}")) == "BAD_QUERY"
        assert client.post(query).json()["data"]["users"]["totalCount"] > 0


def test_a_service_works_with_its_roles(client: Client) -> None:
    token = held_to(client, user=None, roles=["admin"])
    made = client.post(
        {"query": 'mutation { createNote(input: {text: "by a service"}) { text createdBy } }'},
        Authorization=f"Bearer {token}",
    ).json()["data"]["createNote"]
    assert made["text"] == "by a service"
    assert made["createdBy"] not in (None, *client.world.users.values())


def test_a_token_is_taken_from_its_networks_only(client: Client) -> None:
    headers = {"Authorization": f"Bearer {held_to(client, networks=['10.0.0.0/8', '2001:db8::/32'])}"}
    statuses = {}
    for address in ("10.2.3.4", "192.0.2.1", "2001:db8::7"):
        with at(client, address) as http:
            statuses[address] = http.post("/graphql", json={"query": "{ __typename }"}, headers=headers).status_code
            # what a client says of itself counts for nothing
            lie = {"X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1", **headers}
            assert http.post("/graphql", json={"query": "{ __typename }"}, headers=lie).status_code == statuses[address]
            missing = http.get("/files/01a2170d-fdba-726c-8456-14ba50d381ce", headers=headers)
            assert missing.status_code == (401 if statuses[address] == 401 else 404)
    assert statuses == {"10.2.3.4": 200, "192.0.2.1": 401, "2001:db8::7": 200}


@pytest.mark.parametrize("path", ["/graphql", "/files/x", "/health/live", "/t/acme/graphql"])
def test_tokens_in_urls_are_refused(path: str, client: Client) -> None:
    for parameter in ("access_token=x", f"query={{__typename}}&token={client.token}", f"a={client.token}"):
        answer = client.http.get(f"{path}?{parameter}", headers={"Authorization": f"Bearer {client.token}"})
        assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")
        assert client.token not in answer.text


def test_words_like_a_token_may_stand_in_a_query(client: Client) -> None:
    query = '{ customers(where: {name: {eq: "xrm_ is not a token"}}) { totalCount } }'
    answer = client.http.get("/graphql", params={"query": query}, headers={"Authorization": f"Bearer {client.token}"})
    assert answer.json()["data"]["customers"]["totalCount"] == 0
