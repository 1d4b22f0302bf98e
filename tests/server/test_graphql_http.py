"""GraphQL over HTTP: tokens, bodies, limits, and errors that say nothing they should not."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from tests.server.http_kit import GRAPHQL_RESPONSE, Client, code


def test_without_a_token_the_answer_is_401_and_says_how(client: Client) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        answer = client.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
        assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    answer = client.http.get(f"/graphql?query={{__typename}}&access_token={client.token}")
    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")  # a token in a URL is no token


@pytest.mark.parametrize(
    ("body", "content_type", "status", "expected"),
    [
        ("{", "application/json", 400, "BAD_REQUEST"),
        ("[]", "application/json", 422, "BAD_REQUEST"),
        ('[{"query": "{ __typename }"}]', "application/json", 422, "BAD_REQUEST"),
        ('"text"', "application/json", 422, "BAD_REQUEST"),
        ("{}", "application/json", 422, "BAD_REQUEST"),
        ('{"query": 7}', "application/json", 422, "BAD_REQUEST"),
        ('{"query": "{ __typename }", "variables": []}', "application/json", 422, "BAD_REQUEST"),
        ('{"query": "{ __typename }", "operationName": 1}', "application/json", 422, "BAD_REQUEST"),
        ('{"query": "{ __typename }", "extensions": 1}', "application/json", 422, "BAD_REQUEST"),
        ('{"query": "{ __typename }", "variables": {"a": NaN}}', "application/json", 400, "BAD_REQUEST"),
        ('{"query": "{ __typename }", "variables": {"a": "\\ud800"}}', "application/json", 400, "BAD_REQUEST"),
        ('{"query": "{ __typename }", "variables": {"a": "x\\u0000"}}', "application/json", 400, "BAD_REQUEST"),
        ("query={__typename}", "application/x-www-form-urlencoded", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ('{"query": "{ __typename }"}', "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ('{"query": "{ __typename }"}', "", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ('{"query": "' + "#" * 10_000 + '"}', "application/json", 413, "BODY_TOO_LARGE"),
    ],
)
def test_requests_that_are_none_get_a_clear_answer(
    client: Client, body: str, content_type: str, status: int, expected: str
) -> None:
    answer = client.post(body, **{"Content-Type": content_type})
    assert (answer.status_code, code(answer)) == (status, expected)


def test_a_body_in_pieces_is_held_to_the_limit(client: Client) -> None:
    headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}
    answer = client.http.post("/graphql", content=(b"x" * 1000 for _ in range(100)), headers=headers)
    assert (answer.status_code, code(answer)) == (413, "BODY_TOO_LARGE")


def test_get_is_for_queries_only(client: Client) -> None:
    headers = {"Authorization": f"Bearer {client.token}"}
    answer = client.http.get("/graphql", params={"query": "{ users { totalCount } }"}, headers=headers)
    assert answer.json() == {"data": {"users": {"totalCount": 2}}}
    variables = json.dumps({"name": "anna"})
    query = "query ($name: String!) { users(where: {name: {eq: $name}}) { totalCount } }"
    answer = client.http.get("/graphql", params={"query": query, "variables": variables}, headers=headers)
    assert answer.json() == {"data": {"users": {"totalCount": 1}}}
    before = client.world.state()
    mutation = 'mutation { createUser(input: {name: "x"}) { id } }'
    answer = client.http.get("/graphql", params={"query": mutation}, headers=headers)
    assert (answer.status_code, code(answer)) == (405, "MUTATION_BY_GET")
    assert client.world.state() == before
    for method in ("PUT", "PATCH", "DELETE"):
        answer = client.http.request(method, "/graphql", headers=headers)
        assert (answer.status_code, code(answer)) == (405, "METHOD_NOT_ALLOWED")


def test_the_operation_named_is_the_one_executed(client: Client) -> None:
    document = "query A { users { totalCount } } query B { customers { totalCount } }"
    answer = client.post({"query": document, "operationName": "B"}).json()
    assert answer == {"data": {"customers": {"totalCount": 0}}}
    for name in (None, "C"):
        answer = client.post({"query": document, "operationName": name}, Accept=GRAPHQL_RESPONSE)
        assert (answer.status_code, code(answer)) == (422, "BAD_QUERY")


def test_of_a_key_that_comes_twice_the_last_counts_for_everything(client: Client) -> None:
    """S-087: what is looked at is what is done."""
    read, write = (
        '"query": "{ users { totalCount } }"',
        '"query": "mutation { createUser(input: {name: \\"x\\"}) { name } }"',
    )
    before = client.world.state()
    assert client.post(f"{{{write}, {read}}}").json() == {"data": {"users": {"totalCount": 2}}}
    assert client.world.state() == before
    twice = f'{{{read}, "operationName": "No", {write}, "operationName": null}}'
    assert client.post(twice).json() == {"data": {"createUser": {"name": "x"}}}
    assert client.ask("{ users { totalCount } }") == {"data": {"users": {"totalCount": 3}}}


def test_answers_are_not_kept_by_anybody_on_the_way(client: Client) -> None:
    answer = client.post({"query": "{ __typename }"})
    assert answer.json() == {"data": {"__typename": "Query"}}
    assert answer.headers["cache-control"] == "no-store"
    assert "Authorization" in answer.headers["vary"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_create_update_delete_over_http(client: Client) -> None:
    created = client.ask(
        "mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) "
        "{ id version name status revenue owner { name } } }",
        input={"name": "Ärger & Söhne", "revenue": "12.50"},
    )["data"]["createCustomer"]
    assert created == {
        "id": created["id"],
        "version": 1,
        "name": "Ärger & Söhne",
        "status": "lead",
        "revenue": "12.50",
        "owner": {"name": "anna"},
    }
    updated = client.ask(
        "mutation ($id: ID!) { updateCustomer(id: $id, version: 1, input: {status: active, ownerId: null}) "
        "{ version status ownerless: owner { name } } }",
        id=created["id"],
    )
    assert updated == {"data": {"updateCustomer": {"version": 2, "status": "active", "ownerless": None}}}
    conflict = client.ask(
        'mutation ($id: ID!) { updateCustomer(id: $id, version: 1, input: {city: "X"}) { id } }', id=created["id"]
    )
    assert conflict["data"] is None
    assert conflict["errors"][0]["extensions"]["code"] == "VERSION_CONFLICT"
    details = conflict["errors"][0]["extensions"]["details"]
    current = details.pop("current")
    assert details == {"currentVersion": 2, "differing": ["city"]}
    assert (current["id"], current["version"], current["name"]) == (created["id"], 2, "Ärger & Söhne")
    assert (current["revenue"], current["status"], current["owner"]) == ("12.50", "active", None)
    deleted = client.ask("mutation ($id: ID!) { deleteCustomer(id: $id) { name } }", id=created["id"])
    assert deleted == {"data": {"deleteCustomer": {"name": "Ärger & Söhne"}}}
    assert client.ask("query ($id: ID!) { customer(id: $id) { id } }", id=created["id"]) == {"data": {"customer": None}}


def test_figures_of_relations_come_with_a_change(client: Client) -> None:
    body = (
        "id children { totalCount } childrenAggregate(groupBy: [{status: VALUE}], totals: ROLLUP) "
        "{ key { status } totalOver count sum { revenue } } mentionsAggregate { count }"
    )
    made = client.ask('mutation { createCustomer(input: {name: "A"}) { id } }')["data"]["createCustomer"]["id"]
    client.ask(
        'mutation ($a: ID!) { b: createCustomer(input: {name: "B", parentId: $a, revenue: 1.5}) { id } '
        'n: createNote(input: {text: "N", about: {customerId: $a}}) { id } }',
        a=made,
    )
    changed = client.ask(f'mutation {{ updateCustomer(id: "{made}", input: {{city: "Ulm"}}) {{ {body} }} }}')
    assert changed["data"]["updateCustomer"] == {
        "id": made,
        "children": {"totalCount": 1},
        "childrenAggregate": [
            {"key": {"status": "lead"}, "totalOver": [], "count": 1, "sum": {"revenue": "1.50"}},
            {"key": {"status": None}, "totalOver": ["status"], "count": 1, "sum": {"revenue": "1.50"}},
        ],
        "mentionsAggregate": [{"count": 1}],
    }
    read = client.ask(f'{{ customer(id: "{made}") {{ {body} }} }}')
    assert read["data"]["customer"] == changed["data"]["updateCustomer"]


def test_polymorphic_relations_are_written_and_read(client: Client) -> None:
    anna = client.world.users["anna"]
    query = "{ id about { __typename ... on User { name } ... on Customer { city } } }"
    answer = client.ask(
        f'mutation ($id: ID!) {{ createNote(input: {{text: "x", about: {{userId: $id}}}}) {query} }}', id=anna
    )
    note = answer["data"]["createNote"]
    assert note["about"] == {"__typename": "User", "name": "anna"}
    answer = client.ask(f"mutation ($id: ID!) {{ updateNote(id: $id, input: {{about: null}}) {query} }}", id=note["id"])
    assert answer["data"]["updateNote"]["about"] is None


def test_mutations_of_one_document_happen_all_or_none(client: Client) -> None:
    before = client.world.state()
    answer = client.ask(
        'mutation { a: createUser(input: {name: "new"}) { id } '
        'b: createCustomer(input: {name: "A", status: lead, city: "a name that is fine"}) { id } '
        'c: createCustomer(input: {name: "far too long for a name of a customer"}) { id } '
        'd: createUser(input: {name: "later"}) { id } }'
    )
    assert answer["data"] is None
    [error] = answer["errors"]
    assert error["path"] == ["c"]
    assert error["extensions"]["code"] == "VALIDATION_FAILED"
    assert error["extensions"]["details"]["problems"] == [
        {"field": "name", "rule": "maxLength", "message": "is too long; at most 20 characters fit"}
    ]
    assert client.world.state() == before


def test_later_mutations_see_what_earlier_ones_did(client: Client) -> None:
    answer = client.ask(
        'mutation { a: createCustomer(input: {name: "A"}) { name } b: createCustomer(input: {name: "B"}) '
        "{ owner { customers(orderBy: [{name: ASC}]) { totalCount nodes { name } } } } }"
    )
    inner = answer["data"]["b"]["owner"]["customers"]
    assert inner == {"totalCount": 2, "nodes": [{"name": "A"}, {"name": "B"}]}


@pytest.mark.parametrize("id_", ["00000000-0000-7000-8000-000000000000", "no-uuid", "'; DROP TABLE customer; --", ""])
def test_a_mutation_of_no_record_is_not_found(client: Client, id_: str) -> None:
    for mutation in ('updateCustomer(id: $id, input: {name: "x"})', "deleteCustomer(id: $id)"):
        answer = client.ask(f"mutation ($id: ID!) {{ {mutation} {{ id }} }}", id=id_)
        assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"


def test_a_fault_inside_leaves_nothing_and_tells_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """R-004: whatever breaks after the SQL, the transaction is rolled back."""
    before = client.world.state()

    def broken(*_: Any) -> None:
        raise RuntimeError("SELECT secret FROM customer")

    monkeypatch.setattr("xrm_core.graphql.executor._changed", broken)
    answer = client.post({"query": 'mutation { createUser(input: {name: "x"}) { id } }'})
    assert "secret" not in answer.text
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == "INTERNAL_ERROR"
    assert error["extensions"]["details"]["requestId"]
    assert client.world.state() == before


def test_unknown_addresses_answer_in_the_one_shape(client: Client) -> None:
    answer = client.http.get("/nowhere")
    assert (answer.status_code, code(answer)) == (404, "NOT_FOUND")


def test_health_says_whether_requests_can_be_served(fresh_client: Client) -> None:
    assert fresh_client.http.get("/health/live").json() == {"status": "live"}
    assert fresh_client.http.get("/health/ready").json() == {"status": "ready"}
    with fresh_client.world.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM xrm_model")
    answer = fresh_client.http.get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready", "code": "MODEL_OUT_OF_DATE"})


def test_a_server_does_not_write_with_a_model_that_the_database_has_no_more(fresh_client: Client) -> None:
    with fresh_client.world.database.begin() as connection:
        connection.exec_driver_sql("UPDATE xrm_model SET fingerprint = 'another'")
    before = fresh_client.world.state()
    answer = fresh_client.ask('mutation { createUser(input: {name: "x"}) { id } }')
    assert answer["errors"][0]["extensions"]["code"] == "MODEL_OUT_OF_DATE"
    assert fresh_client.world.state() == before


def test_page_sizes_multiply_down_the_tree(client: Client) -> None:
    query = """query ($n: Int) { users(first: $n) { nodes { customers(first: $n) { nodes { owner {
        customers(first: $n) { totalCount } } } } } } }"""
    assert "data" in client.ask(query, n=10)
    [error] = client.ask(query, n=1000)["errors"]
    assert error["extensions"]["code"] == "QUERY_TOO_LARGE"
    users, customers, owners, count = 1000, 1000**2, 1000**2, 10 * 1000**2
    assert error["extensions"]["details"] == {
        "cost": users + customers + owners + count,
        "limit": 250_000,
        "path": ["users", "nodes", "customers", "nodes", "owner", "customers"],
    }


def test_what_the_database_refuses_inside_of_a_mutation_has_a_code_of_its_own(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deadlock(Exception):
        sqlstate = "40P01"

    def broken(*_: Any) -> None:
        raise DBAPIError("UPDATE secret", None, Deadlock("secret"))

    monkeypatch.setattr("xrm_core.graphql.executor._changed", broken)
    answer = client.post({"query": 'mutation { createUser(input: {name: "x"}) { id } }'})
    assert "secret" not in answer.text
    assert code(answer) == "BUSY"


@pytest.mark.parametrize(("takes", "tries"), [(0, 4), (1e6, 1)])
def test_a_mutation_is_tried_again_as_long_as_the_time_for_one_is_not_over(
    client: Client, monkeypatch: pytest.MonkeyPatch, takes: float, tries: int
) -> None:
    class Deadlock(Exception):
        sqlstate = "40P01"

    moments = [0.0]

    def broken(*_: Any) -> None:
        moments.append(moments[-1] + takes)
        raise DBAPIError("UPDATE secret", None, Deadlock("secret"))

    monkeypatch.setattr("xrm_core.graphql.executor._changed", broken)
    monkeypatch.setattr("xrm_core.graphql.executor.pause", lambda _retry: None)
    monkeypatch.setattr("xrm_core.graphql.executor.time", SimpleNamespace(monotonic=lambda: moments[-1]))
    answer = client.post({"query": 'mutation { createUser(input: {name: "x"}) { id } }'})
    assert (code(answer), len(moments) - 1) == ("BUSY", tries)


def test_callers_are_not_told_where_the_database_is(fresh_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise fresh_client.world.database.unavailable()

    monkeypatch.setattr("xrm_core.auth.tokens.find", gone)
    answer = fresh_client.post({"query": "{ __typename }"})
    assert (answer.status_code, code(answer)) == (503, "DATABASE_UNAVAILABLE")
    for secret in ("sqlite", "postgres", "/", "test.db"):
        assert secret not in answer.json()["errors"][0]["message"]


def test_what_nobody_thought_of_is_answered_in_the_one_shape(
    fresh_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("xrm_core.auth.tokens.find", broken)
    answer = fresh_client.post({"query": "{ __typename }"})
    assert (answer.status_code, code(answer)) == (500, "INTERNAL_ERROR")
    assert "secret" not in answer.text
