"""The trash through GraphQL: the list, and the way back."""

from typing import Any

from tests.server.http_kit import Client

LIST = """query ($where: CustomerFilter) { customersTrash(where: $where, orderBy: [{name: DESC}], first: 2) {
    nodes { id name revenue since status owner { name } notes { totalCount } updatedBy version } totalCount
    pageInfo { hasNextPage } } }"""
RESTORE = """mutation ($id: ID!, $dry: Boolean) {
    restoreCustomer(id: $id, dryRun: $dry) { name version notes { totalCount } } }"""
BOTH = "customersTrash { nodes { name revenue status createdAt owner { id } } }"


def made(client: Client, name: str, **values: Any) -> str:
    document = "mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { id } }"
    answer = client.ask(document, input={"name": name, **values})
    return str(answer["data"]["createCustomer"]["id"])


def deleted(client: Client, *ids: str) -> None:
    for id_ in ids:
        assert "errors" not in client.ask("mutation ($id: ID!) { deleteCustomer(id: $id) { id } }", id=id_)


def test_a_record_goes_to_the_trash_and_comes_back(client: Client) -> None:
    first, second, third = (made(client, name, revenue="12.50", since="2026-02-01") for name in "ABC")
    client.ask('mutation ($id: ID!) { createNote(input: {text: "x", customerId: $id}) { id } }', id=second)
    deleted(client, first, second, third)
    page = client.ask(LIST)["data"]["customersTrash"]
    assert [each["name"] for each in page["nodes"]] == ["C", "B"]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (3, True)
    anna = client.world.users["anna"]
    assert page["nodes"][1] == {
        **{"id": second, "name": "B", "revenue": "12.50", "since": "2026-02-01", "status": "lead"},
        **{"owner": {"name": "anna"}, "notes": {"totalCount": 0}, "updatedBy": anna, "version": 2},
    }
    tried = client.ask(RESTORE, id=second, dry=True)
    assert tried["data"]["restoreCustomer"] == {"name": "B", "version": 3, "notes": {"totalCount": 1}}
    assert client.ask(LIST, where={"name": {"eq": "B"}})["data"]["customersTrash"]["totalCount"] == 1
    assert client.ask(RESTORE, id=second)["data"] == tried["data"]
    assert client.ask(LIST, where={"name": {"eq": "B"}})["data"]["customersTrash"]["nodes"] == []
    [error] = client.ask(RESTORE, id=second)["errors"]
    assert error["extensions"]["code"] == "NOT_FOUND"


def test_both_ways_to_an_answer_agree_on_the_trash(client: Client) -> None:
    deleted(client, made(client, "A", revenue="1.00"))
    plain = client.ask(f"{{ {BOTH} }}")
    executed = client.ask(f"{{ __schema {{ queryType {{ name }} }} {BOTH} }}")
    assert executed["data"]["customersTrash"] == plain["data"]["customersTrash"] != {"nodes": []}
