"""Which status an answer has, for both media types, as GraphQL over HTTP says (section 5.4)."""

import json
from typing import Any

import pytest

from tests.server.http_kit import GRAPHQL_RESPONSE, Client, code
from xrm_core.graphql import answers
from xrm_core.server.negotiation import JSON

ACCEPTS = (GRAPHQL_RESPONSE, JSON, "*/*")
COUNT = "{ users { totalCount } }"
MAKE = 'mutation Make { createUser(input: {name: "made"}) { name } }'
TWO = "query A { users { totalCount } } query B { customers { totalCount } }"


def get(client: Client, method: str = "GET", accept: str = "*/*", **parameters: str) -> Any:
    headers = {"Authorization": f"Bearer {client.token}", "Accept": accept}
    return client.http.request(method, "/graphql", params=parameters, headers=headers)


@pytest.mark.parametrize("accept", ACCEPTS)
@pytest.mark.parametrize(
    ("content", "status", "expected"),
    [
        # the body cannot be read
        ("NONSENSE", 400, "BAD_REQUEST"),
        ('{"query":', 400, "BAD_REQUEST"),
        ("", 400, "BAD_REQUEST"),
        # it is no request
        ({"qeury": "{ __typename }"}, 422, "BAD_REQUEST"),
        ({"query": None}, 422, "BAD_REQUEST"),
        ({"query": {}}, 422, "BAD_REQUEST"),
        ({"query": COUNT, "variables": [7]}, 422, "BAD_REQUEST"),
        ({"query": COUNT, "variables": "{}"}, 422, "BAD_REQUEST"),
        ({"query": COUNT, "operationName": {}}, 422, "BAD_REQUEST"),
        ({"query": COUNT, "extensions": []}, 422, "BAD_REQUEST"),
        ([{"query": COUNT}], 422, "BAD_REQUEST"),
        # the document cannot be parsed
        ({"query": "{"}, 400, "BAD_QUERY"),
        ({"query": ""}, 400, "BAD_QUERY"),
        # it does not pass validation
        ({"query": "{ nothingOfTheKind }"}, 422, "BAD_QUERY"),
        ({"query": "{ users(first: 1001) { totalCount } }"}, 422, "QUERY_TOO_LARGE"),
        ({"query": '{ users(after: "00") { totalCount } }'}, 422, "BAD_CURSOR"),
        # the operation cannot be determined
        ({"query": TWO}, 422, "BAD_QUERY"),
        ({"query": TWO, "operationName": "C"}, 422, "BAD_QUERY"),
        ({"query": "fragment F on User { name }"}, 422, "BAD_QUERY"),
        # variables cannot be coerced
        ({"query": "query ($n: Int!) { users(first: $n) { totalCount } }"}, 422, "BAD_QUERY"),
        (
            {"query": "query ($n: Int!) { users(first: $n) { totalCount } }", "variables": {"n": "x"}},
            422,
            "BAD_QUERY",
        ),
    ],
)
def test_what_is_not_executed_has_no_data_and_says_why(
    client: Client, content: Any, status: int, expected: str, accept: str
) -> None:
    answer = client.post(content, Accept=accept)
    assert (answer.status_code, code(answer)) == (status, expected)
    assert "data" not in answer.json()
    # With this type a client knows that it comes from here, and not from something on the way.
    assert answer.headers["content-type"] == f"{GRAPHQL_RESPONSE}; charset=utf-8"


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL_RESPONSE, 294), ("*/*", 294), (JSON, 200)])
def test_what_is_executed_with_errors_is_a_partial_success(client: Client, accept: str, status: int) -> None:
    answer = client.post({"query": "mutation { createCustomer(input: {name: null}) { id } }"}, Accept=accept)
    assert answer.status_code == 422
    answer = client.post({"query": 'mutation { deleteCustomer(id: "none") { id } }'}, Accept=accept)
    assert (answer.status_code, code(answer)) == (status, "NOT_FOUND")
    assert answer.json()["data"] is None


@pytest.mark.parametrize("data", [{"a": 1, "b": None}, None])
def test_data_with_errors_is_a_partial_success_whether_null_or_not(data: Any) -> None:
    answer = answers.result(data, [answers.GraphQLError("b")], lambda _: None)
    assert (answer.executed, answer.status, json.loads(answer.body)["data"]) == (True, 294, data)
    assert answers.result({"a": 1}, [], lambda _: None).status == 200


@pytest.mark.parametrize("accept", ACCEPTS)
def test_what_is_executed_without_errors_is_200(client: Client, accept: str) -> None:
    for query in (COUNT, MAKE, "{ __schema { queryType { name } } users { totalCount } }"):
        answer = client.post({"query": query}, Accept=accept)
        assert answer.status_code == 200
        assert answer.json().keys() == {"data"}


def test_null_is_the_same_as_nothing_and_unknown_properties_are_ignored(client: Client) -> None:
    nothing = {"operationName": None, "variables": None, "extensions": None}
    answer = client.post({"query": COUNT, **nothing, "id": 7, "doc": "{"})
    assert (answer.status_code, answer.json()) == (200, {"data": {"users": {"totalCount": 2}}})
    answer = get(client, query=COUNT, variables="null", extensions="null", operationName="", more="1")
    assert (answer.status_code, answer.json()) == (200, {"data": {"users": {"totalCount": 2}}})


@pytest.mark.parametrize("accept", ACCEPTS)
def test_no_mutation_by_get_whichever_is_named(client: Client, accept: str) -> None:
    before = client.world.state()
    both = f"query Count {COUNT} {MAKE}"
    for parameters in ({"query": MAKE}, {"query": both, "operationName": "Make"}):
        for method in ("GET", "HEAD"):
            answer = get(client, method, accept, **parameters)
            assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert client.world.state() == before
    answer = get(client, accept=accept, query=both, operationName="Count")
    assert (answer.status_code, answer.json()) == (200, {"data": {"users": {"totalCount": 2}}})


@pytest.mark.parametrize(
    "query_string",
    [
        "query={__typename}&query={__typename}",
        "query={__typename}&variables={}&variables={}",
        "query={__typename}&operationName=A&operationName=B",
        "query={__typename}&extensions={}&extensions={}",
        "query={__typename}&variables=[]",
        "query={__typename}&variables={",
        "query={__typename}&variables=7",
        "query={__typename}&extensions=%22x%22",
        "operationName=A",
        "",
    ],
)
def test_parameters_that_are_no_request_or_two_are_refused(client: Client, query_string: str) -> None:
    headers = {"Authorization": f"Bearer {client.token}"}
    answer = client.http.get(f"/graphql?{query_string}", headers=headers)
    assert (answer.status_code, code(answer)) == (422, "BAD_REQUEST")


def test_the_name_null_is_a_name_in_a_url(client: Client) -> None:
    named = f"query null {COUNT} query other {{ customers {{ totalCount }} }}"
    assert get(client, query=named, operationName="null").json() == {"data": {"users": {"totalCount": 2}}}


def test_a_plus_in_a_url_is_a_space(client: Client) -> None:
    headers = {"Authorization": f"Bearer {client.token}"}
    answer = client.http.get("/graphql?query=query+A+%7B+users+%7B+totalCount+%7D+%7D", headers=headers)
    assert answer.json() == {"data": {"users": {"totalCount": 2}}}


def test_head_is_get_without_the_body(client: Client) -> None:
    whole, head = get(client, query=COUNT), get(client, "HEAD", query=COUNT)
    assert (head.status_code, head.content) == (200, b"")
    assert {**head.headers, "x-request-id": whole.headers["x-request-id"]} == dict(whole.headers)


def test_other_methods_are_told_which_there_are(client: Client) -> None:
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = get(client, method, query=COUNT)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
