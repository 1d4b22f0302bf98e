"""``createCustomers``, ``updateCustomers``, ``deleteCustomers``."""

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from tests.server.http_kit import Client, code
from xrm_core.graphql.variables import Variables

CREATE = """mutation ($input: [CreateCustomerInput!]!, $on: OnError) {
    made: createCustomers(input: $input, onError: $on) {
        count done: ids errors { index id code problems { field rule label message } } __typename } }"""


def names(client: Client) -> list[str]:
    return [
        each["name"]
        for each in client.ask("{ customers(orderBy: [{name: ASC}]) { nodes { name } } }")["data"]["customers"]["nodes"]
    ]


def test_many_are_created_changed_and_deleted(client: Client) -> None:
    made = client.ask(CREATE, input=[{"name": name, "city": "Ulm"} for name in "ABC"])["data"]["made"]
    assert (made["count"], made["errors"], made["__typename"]) == (3, [], "BulkResult")
    change = """mutation ($where: CustomerFilter, $ids: [ID!]) {
        updateCustomers(where: $where, ids: $ids, set: {city: "Bonn"}) { count ids } }"""
    assert client.ask(change, where={"name": {"in": ["A", "B"]}})["data"]["updateCustomers"]["ids"] == made["done"][:2]
    assert client.ask(change, ids=made["done"][2:])["data"]["updateCustomers"]["count"] == 1
    gone = client.ask('mutation { deleteCustomers(where: {city: {eq: "Bonn"}}, dryRun: true) { count } }')
    assert (gone["data"]["deleteCustomers"]["count"], names(client)) == (3, ["A", "B", "C"])
    gone = client.ask('mutation { deleteCustomers(where: {name: {eq: "B"}}) { count ids } }')
    assert (gone["data"]["deleteCustomers"], names(client)) == ({"count": 1, "ids": [made["done"][1]]}, ["A", "C"])
    for wrong in ("", "ids: [], where: {}"):
        field = f"deleteCustomers({wrong}, onError: SKIP)" if wrong else "deleteCustomers"
        assert code(client.post({"query": f"mutation {{ {field} {{ count }} }}"})) == "BAD_QUERY"


@pytest.mark.parametrize(("count", "is_apart"), [(3, False), (501, True)])
def test_long_lists_are_looked_at_apart_from_the_event_loop(
    client: Client, monkeypatch: pytest.MonkeyPatch, count: int, is_apart: bool
) -> None:
    coerced, threads = Variables.coerced, []

    def noting(self: Variables, given: Mapping[str, Any]) -> Any:
        threads.append(threading.current_thread().name)
        return coerced(self, given)

    monkeypatch.setattr(Variables, "coerced", noting)
    made = client.ask(CREATE, input=[{"name": str(number)} for number in range(count)])["data"]["made"]
    assert made["count"] == count
    assert [name.startswith("xrm-plan") for name in threads] == [is_apart]


def test_errors_say_where_they_are(client: Client) -> None:
    rows = [{"name": "A"}, {"name": "B" * 21}, {"name": "C"}]
    [error] = client.ask(CREATE, input=rows)["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("BULK_REFUSED", ["made"])
    assert error["extensions"]["details"]["errors"][0]["index"] == 1
    assert names(client) == []
    made = client.ask(CREATE, input=rows, on="SKIP")["data"]["made"]
    assert (made["count"], made["done"][1], names(client)) == (2, None, ["A", "C"])
    [wrong] = made["errors"]
    assert (wrong["index"], wrong["id"], wrong["code"]) == (1, None, "VALIDATION_FAILED")
    assert [(each["field"], each["rule"]) for each in wrong["problems"]] == [("name", "maxLength")]


def test_what_it_costs_is_known_before(client: Client) -> None:
    for field, cost in (
        ('createCustomers(input: [{name: "A"}, {name: "B"}]) { count }', 12),
        ("deleteCustomers(ids: [], onError: SKIP) { count }", 10),
        ("deleteCustomers(where: {}, dryRun: true) { count }", 11_010),
    ):
        body = {"query": f"mutation {{ {field} }}", "extensions": {"cost": True}}
        assert client.post(body).json()["extensions"]["cost"]["requested"] == cost
