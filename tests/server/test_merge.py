"""``mergeCustomers`` and ``customerMergedInto``."""

from pathlib import Path
from typing import Any

from tests.records.kit import CUSTOMERS, Pack
from tests.server.http_kit import Client, code, serving
from xrm_core.auth import tokens
from xrm_core.storage.engines import Database

MERGE = """mutation ($into: ID!, $from: [ID!]!, $take: [MergeCustomerTake!], $set: UpdateCustomerInput, $dry: Boolean,
    $version: Int, $versions: [Int!]) {
    done: mergeCustomers(into: $into, from: $from, take: $take, set: $set, dryRun: $dry, version: $version,
        fromVersions: $versions) {
        kept: record { id name city version notes { totalCount } history { operation causes { kind name } } __typename }
        moved { entity count: moved dropped __typename } __typename } }"""
LEADS = "query ($id: ID!) { customer(id: $id) { name } customerMergedInto(id: $id) { id name } }"


def made(client: Client, name: str, **values: Any) -> str:
    return client.world.create("admin", "customer", {"name": name, **values})


def test_duplicates_become_one(client: Client) -> None:
    stays, first, second = made(client, "S"), made(client, "A", city="Ulm"), made(client, "B")
    for each in (first, second, second):
        client.world.create("admin", "note", {"text": "x", "customer": each})
    wanted: dict[str, Any] = {
        "into": stays,
        "from": [first, second.upper()],
        "take": [{"from": first, "fields": ["city"]}],
    }
    wanted |= {"set": {"name": "SAB"}, "version": 1, "versions": [1, 1]}
    tried = client.ask(MERGE, **wanted, dry=True)["data"]["done"]
    assert tried["moved"] == [{"entity": "note", "count": 3, "dropped": 0, "__typename": "MovedRecords"}]
    history = tried["kept"].pop("history")
    assert tried["kept"] == {
        **{"id": stays, "name": "SAB", "city": "Ulm", "version": 2},
        **{"notes": {"totalCount": 3}, "__typename": "Customer"},
    }
    assert client.ask(LEADS, id=first)["data"] == {"customer": {"name": "A"}, "customerMergedInto": None}
    done = client.ask(MERGE, **wanted)["data"]["done"]
    assert (done["moved"], done["__typename"]) == (tried["moved"], "MergeCustomerResult")
    causes = [(each["kind"], each["name"]) for each in done["kept"]["history"][0]["causes"]]
    assert causes[-2:] == [("merged_from", first), ("merged_from", second)]
    assert [kind for kind, _ in causes[-3:-2]] == ["merge"]
    assert len(history) == 2
    assert client.ask(LEADS, id=first)["data"] == {"customer": None, "customerMergedInto": {"id": stays, "name": "SAB"}}
    answer = client.post({"query": f'mutation {{ deleteCustomer(id: "{first}") {{ id }} }}'})
    assert code(answer) == "NOT_FOUND"
    assert answer.json()["errors"][0]["extensions"]["details"] == {"mergedInto": stays}


def test_whoever_cannot_see_the_one_that_stays_is_not_led_to_it(client: Client) -> None:
    stays, first = made(client, "S"), made(client, "A")
    client.ask(MERGE, **{"into": stays, "from": [first]})
    with client.database.begin() as connection:
        tokens.set_roles(connection, client.world.users["ben"], ["rep"])
        token = tokens.create_token(connection, client.world.users["ben"], "test")
    headers = {"Authorization": f"Bearer {token}"}
    answer = client.post({"query": LEADS, "variables": {"id": first}}, **headers).json()
    assert answer["data"] == {"customer": None, "customerMergedInto": None}
    update = f'mutation {{ updateCustomer(id: "{first}", input: {{city: "Ulm"}}) {{ id }} }}'
    told = client.post({"query": update}, **headers).json()["errors"][0]["extensions"]
    assert (told["code"], "details" in told) == ("NOT_FOUND", False)


def test_history_names_the_one_that_stays_as_long_as_it_can_be_seen(client: Client) -> None:
    stays, first = made(client, "S"), made(client, "A")
    client.ask(MERGE, **{"into": stays, "from": [first]})
    client.ask("mutation ($id: ID!) { restoreCustomer(id: $id) { id } }", id=first)
    for name in (stays, ""):
        history = "query ($id: ID!) { customer(id: $id) { history { causes { name kind } } } }"
        _, entry, _ = client.ask(history, id=first)["data"]["customer"]["history"]
        assert entry["causes"][-1] == {"kind": "merged_into", "name": name}
        client.ask("mutation ($id: ID!) { deleteCustomer(id: $id) { id } }", id=stays)


def test_history_names_what_was_merged_to_who_could_read_it(database: Database, tmp_path: Path) -> None:
    policies = CUSTOMERS.policies + "rep,customer,history,name,own,allow\n"
    with serving(database, tmp_path, Pack(CUSTOMERS.files, CUSTOMERS.roles, policies)) as client:
        anna, ben = (client.world.users[name] for name in ("anna", "ben"))
        stays, theirs, foreign = (
            client.world.create("admin", "customer", {"name": name, "owner": owner})
            for name, owner in (("S", ben), ("A", ben), ("B", anna))
        )
        client.ask(MERGE, **{"into": stays, "from": [theirs, foreign]})
        history = f'{{ customer(id: "{stays}") {{ history {{ causes {{ kind name }} }} }} }}'
        with client.database.begin() as connection:
            tokens.set_roles(connection, ben, ["rep"])
            token = tokens.create_token(connection, ben, "test")
        for headers, named in (({}, [theirs, foreign]), ({"Authorization": f"Bearer {token}"}, [theirs, ""])):
            entry = client.post({"query": history}, **headers).json()["data"]["customer"]["history"][0]
            assert [each["name"] for each in entry["causes"] if each["kind"] == "merged_from"] == named


def test_errors_and_costs(client: Client) -> None:
    stays, first = made(client, "S"), made(client, "A")
    client.world.update("admin", "customer", first, {"city": "Ulm"})
    for more, expected in (
        ({"versions": [1]}, "VERSION_CONFLICT"),
        ({"from": []}, "BAD_QUERY"),
        ({"take": [{"from": first, "fields": ["city"]}], "set": {"city": "Bonn"}}, "VALIDATION_FAILED"),
    ):
        answer = client.post({"query": MERGE, "variables": {"into": stays, "from": [first], **more}})
        assert code(answer) == expected
    body = {"query": f'mutation {{ mergeCustomers(into: "{stays}", from: ["{first}"]) {{ moved {{ entity }} }} }}'}
    assert client.post({**body, "extensions": {"cost": True}}).json()["extensions"]["cost"]["requested"] == 10_001
