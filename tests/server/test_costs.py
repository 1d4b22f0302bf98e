"""The cost of a mutation, and the limits of a request that settings give."""

from pathlib import Path

import pytest

from tests.server.http_kit import code, serving
from xrm_core.storage.engines import Database

CREATE = 'createCustomer(input: {name: "%s"}) { name children(first: 15) { nodes { id } } }'


def changes(*names: str) -> str:
    return "mutation { " + " ".join(f"{name}: {CREATE % name}" for name in names) + " }"


def test_nothing_of_a_mutation_is_done_that_costs_too_much(database: Database, tmp_path: Path) -> None:
    # Given changes of 26 points each: the change, the record, and the list in it
    with serving(database, tmp_path, max_cost=60) as client:
        before = client.world.state()
        # When there are three, though each is within the limit
        answer = client.post({"query": changes("a", "b", "c"), "extensions": {"cost": True}})
        # Then nothing happens, and the refusal says why
        [error] = answer.json()["errors"]
        assert error["extensions"]["details"] == {"cost": 78, "limit": 60, "path": ["a", "children"]}
        assert answer.json()["extensions"]["cost"]["fields"][0] == {"path": ["a", "children"], "points": 15}
        assert (answer.status_code, client.world.state()) == (422, before)
        # And two are made
        answer = client.post({"query": changes("a", "b"), "extensions": {"cost": True}}).json()
        assert answer["extensions"]["cost"]["requested"] == 52
        assert [each["name"] for each in answer["data"].values()] == ["a", "b"]


def test_a_mutation_has_its_cost_each_time_it_is_asked(database: Database, tmp_path: Path) -> None:
    query = """mutation ($n: Int, $more: Boolean = false) {
        a: createCustomer(input: {name: "a"}) { children(first: $n) { nodes { id } } }
        b: createCustomer(input: {name: "b"}) @include(if: $more) { children(first: $n) { nodes { id } } } }"""
    with serving(database, tmp_path, max_cost=60) as client:
        for variables, cost in (({"n": 49}, None), ({"n": 50}, 61), ({"n": 20, "more": True}, 62), ({"n": -1}, None)):
            answer = client.post({"query": query, "variables": variables}).json()
            if variables["n"] == 49:
                assert "data" in answer
            elif cost is None:
                assert answer["errors"][0]["extensions"]["code"] == "BAD_QUERY"
            else:
                assert answer["errors"][0]["extensions"]["details"]["cost"] == cost


@pytest.mark.parametrize("by_get", [True, False])
def test_a_request_may_have_as_many_bytes_as_the_limit(database: Database, tmp_path: Path, by_get: bool) -> None:
    with serving(database, tmp_path, max_body_bytes=2000) as client:
        headers = {"Authorization": f"Bearer {client.token}"}
        for length, status in ((2000, 200), (2001, 413)):
            text = "query={__typename}" if by_get else '{"query": "{ __typename }"}'
            if by_get:
                rest = "&x=" + "x" * (length - len(text) - 3)
                answer = client.http.get(f"/graphql?{text}{rest}", headers=headers)
            else:
                answer = client.post(text + " " * (length - len(text)))
            assert answer.status_code == status
            assert status == 200 or code(answer) == "BODY_TOO_LARGE"


def test_how_many_values_variables_have_is_a_setting(database: Database, tmp_path: Path) -> None:
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    with serving(database, tmp_path, max_variables=5) as client:
        assert "data" in client.ask(query, ids=["x"] * 4)
        assert client.ask(query, ids=["x"] * 5)["errors"][0]["extensions"]["code"] == "QUERY_TOO_LARGE"
