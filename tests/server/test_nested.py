"""Records that are created together with another, in one mutation."""

from typing import Any

from tests.server.http_kit import Client
from xrm_core.graphql import nested_costs

CREATE = """mutation ($input: CreateCustomerInput!, $dry: Boolean) {
    made: createCustomer(input: $input, dryRun: $dry) {
        name owner { name } parent { name } notes { nodes { text about { __typename ... on User { name } } } }
        children { nodes { name mentions { nodes { text } } } } } }"""
WHOLE: dict[str, Any] = {
    "name": "A",
    "owner": {"create": {"name": "Zoe"}},
    "parent": {"create": {"name": "Holding"}},
    "notes": {"create": [{"text": "x", "about": {"user": {"create": {"name": "Cid"}}}}]},
    "children": {"create": [{"name": "B", "mentions": {"create": [{"text": "y"}, {"text": "z"}]}}]},
}
SHOWN = {
    "name": "A",
    "owner": {"name": "Zoe"},
    "parent": {"name": "Holding"},
    "notes": {"nodes": [{"text": "x", "about": {"__typename": "User", "name": "Cid"}}]},
    "children": {"nodes": [{"name": "B", "mentions": {"nodes": [{"text": "y"}, {"text": "z"}]}}]},
}


def count(client: Client) -> int:
    found = client.ask("{ customers { totalCount } notes { totalCount } users { totalCount } }")["data"]
    return sum(int(each["totalCount"]) for each in found.values())


def test_a_record_is_created_with_what_belongs_to_it(client: Client) -> None:
    before = count(client)
    assert client.ask(CREATE, input=WHOLE, dry=True) == {"data": {"made": SHOWN}, "extensions": {"dryRun": True}}
    assert count(client) == before
    assert client.ask(CREATE, input=WHOLE)["data"]["made"] == SHOWN
    assert count(client) == before + 8


def test_a_record_without_any_value_is_created_too(client: Client) -> None:
    before = count(client)
    answer = client.ask(CREATE, input={"name": "A", "owner": {"create": {}}, "notes": {"create": [{"text": "x"}]}})
    assert answer["data"]["made"]["owner"] == {"name": None}
    assert count(client) == before + 3
    twice = {"name": "B", "owner": {"create": {}}, "ownerId": client.world.users["ben"]}
    assert client.ask(CREATE, input=twice)["errors"][0]["extensions"]["code"] == "BAD_QUERY"


def test_parts_may_come_out_of_variables(client: Client) -> None:
    query = """mutation ($notes: [CreateNoteWithoutCustomerInput!]!, $child: CreateCustomerWithoutParentInput!) {
        createCustomer(input: {name: "A", notes: {create: $notes}, children: {create: [$child, {name: "C"}]}}) {
            notes { totalCount } children { nodes { name } } } }"""
    asked = {"notes": [{"text": "x"}, {"text": "y"}], "child": {"name": "B"}}
    body = {"query": query, "variables": asked, "extensions": {"cost": True}}
    answer = client.post(body).json()
    assert answer["data"]["createCustomer"] == {
        "notes": {"totalCount": 2},
        "children": {"nodes": [{"name": "B"}, {"name": "C"}]},
    }
    # the mutation and its record, a count in it, a page of 50, and the four records beside it
    assert answer["extensions"]["cost"]["requested"] == 10 + 1 + 10 + 50 + 4


def test_what_it_costs_is_known_before(client: Client) -> None:
    for input_, points in (
        ('{name: "A", owner: {create: {name: "Z"}}}', 12),
        ('{name: "A", children: {create: {name: "B", notes: {create: [{text: "x"}, {text: "y"}]}}}}', 14),
        ('{name: "A", notes: {create: {text: "x", about: {user: {create: {name: "Z"}}}}}}', 13),
    ):
        body = {"query": f"mutation {{ createCustomer(input: {input_}, dryRun: true) {{ id }} }}"}
        assert client.post({**body, "extensions": {"cost": True}}).json()["extensions"]["cost"]["requested"] == points
    many = """mutation ($input: [CreateCustomerInput!]!) { createCustomers(input: $input, dryRun: true) { count } }"""
    body = {"query": many, "variables": {"input": [WHOLE, {"name": "D"}]}, "extensions": {"cost": True}}
    assert client.post(body).json()["extensions"]["cost"]["requested"] == 10 + 2 + 7


def test_problems_say_where_they_are(client: Client) -> None:
    before = count(client)
    wrong = {**WHOLE, "children": {"create": [{"name": "B"}, {"name": "C" * 21, "email": "no"}]}}
    [error] = client.ask(CREATE, input=wrong)["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("VALIDATION_FAILED", ["made"])
    found = [(each["field"], each["rule"]) for each in error["extensions"]["details"]["problems"]]
    assert found == [("children.create.1.name", "maxLength"), ("children.create.1.email", "format")]
    [error] = client.ask(CREATE, input={**WHOLE, "ownerId": client.world.users["ben"]})["errors"]
    assert error["extensions"]["code"] == "BAD_QUERY"
    deep: dict[str, Any] = {"name": "x"}
    for _ in range(6):
        deep = {"name": "x", "children": {"create": [deep]}}
    [error] = client.ask(CREATE, input=deep)["errors"]
    assert error["extensions"]["code"] == "QUERY_TOO_LARGE"
    assert count(client) == before


def test_a_variable_that_stands_in_many_places_is_looked_into_once(client: Client, monkeypatch: Any) -> None:
    """Else a small document could have very many values looked at before it is refused."""
    looked: list[Any] = []
    real = nested_costs._in_value
    monkeypatch.setattr(nested_costs, "_in_value", lambda value, type_: looked.append(value) or real(value, type_))
    query = f"""mutation ($child: CreateCustomerWithoutParentInput!) {{
        createCustomer(dryRun: true, input: {{name: "A", children: {{create: [{"$child " * 20}]}}}}) {{ id }} }}"""
    child = {"name": "B", "notes": {"create": [{"text": "x"}] * 50}}
    answer = client.post({"query": query, "variables": {"child": child}, "extensions": {"cost": True}}).json()
    assert answer["extensions"]["cost"]["requested"] == 11 + 20 * 51
    assert 1 <= looked.count(child) < 8  # the cost is reckoned some times: for the limit, and to tell it
