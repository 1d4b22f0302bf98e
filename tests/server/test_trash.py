"""The trash through GraphQL: the list, and the way back."""

from typing import Any

from tests.server.http_kit import Client
from xrm_core.auth import tokens

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


def test_many_come_back_or_end_for_good(client: Client) -> None:
    ids = [made(client, name) for name in "ABC"]
    deleted(client, *ids)
    back = 'mutation { restoreCustomers(where: {name: {in: ["A", "B"]}}) { count ids } }'
    assert set(client.ask(back)["data"]["restoreCustomers"].pop("ids")) == set(ids[:2])
    purge = "mutation ($id: ID!, $dry: Boolean) { purgeCustomer(id: $id, dryRun: $dry) }"
    for dry, left in ((True, 1), (False, 0)):
        assert client.ask(purge, id=ids[2].upper(), dry=dry)["data"] == {"purgeCustomer": ids[2]}
        assert client.ask("{ customersTrash { totalCount } }")["data"]["customersTrash"]["totalCount"] == left
    many = "mutation ($ids: [ID!]) { purgeCustomers(ids: $ids, onError: SKIP) { count errors { index code } } }"
    deleted(client, ids[0])
    assert client.ask(many, ids=[ids[2], ids[0]])["data"]["purgeCustomers"] == {
        "count": 1,
        "errors": [{"index": 0, "code": "NOT_FOUND"}],
    }


def test_who_may_delete_and_restore_may_not_purge(client: Client) -> None:
    with client.database.begin() as connection:
        tokens.set_roles(connection, client.world.users["ben"], ["rep"])
        token = tokens.create_token(connection, client.world.users["ben"], "test")
    asked = {"query": '{ __type(name: "Mutation") { fields { name } } }'}
    answer = client.post(asked, Authorization=f"Bearer {token}").json()
    names = {each["name"] for each in answer["data"]["__type"]["fields"]}
    assert {"restoreCustomer", "restoreCustomers", "mergeCustomers"} <= names
    assert not {"purgeCustomer", "purgeCustomers"} & names
