"""``upsertCustomer``, ``upsertCustomers``."""

from sqlalchemy import func, select
from uuid_utils import uuid7

from tests.server.http_kit import Client, code
from xrm_core.auth import tokens
from xrm_core.storage.change_tables import CHANGE

ONE = """mutation ($by: CustomerKey!, $input: UpsertCustomerInput!, $dry: Boolean) {
    done: upsertCustomer(by: $by, input: $input, dryRun: $dry) {
        was: created  record { id name city version } again: record { status } __typename } }"""
MANY = """mutation ($input: [UpsertCustomerInput!]!, $on: OnError) {
    done: upsertCustomers(by: number, input: $input, onError: $on) {
        count createdCount ids created errors { index id code problems { field rule } } } }"""


def changes(client: Client) -> int:
    with client.database.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(CHANGE)) or 0)


def test_the_answer_says_whether_it_was_created(client: Client) -> None:
    dry = client.ask(ONE, by="number", input={"number": "1", "name": "A"}, dry=True)
    assert (dry["data"]["done"]["was"], dry["extensions"]) == (True, {"dryRun": True})
    made = client.ask(ONE, by="number", input={"number": "1", "name": "A"})["data"]["done"]
    assert (made["was"], made["again"], made["__typename"]) == (True, {"status": "lead"}, "UpsertCustomerResult")
    before = changes(client)
    same = client.ask(ONE, by="number", input={"number": "1", "name": "A"})["data"]["done"]
    assert (same["was"], same["record"], changes(client)) == (False, made["record"], before)
    changed = client.ask(ONE, by="city_name", input={"city": "Ulm", "name": "A"})["data"]["done"]
    assert (changed["was"], changed["record"]["id"] == made["record"]["id"]) == (True, False)
    id_ = str(uuid7())
    for name, was in (("B", True), ("C", False)):
        answer = client.ask(ONE, by="id", input={"id": id_, "name": name})["data"]["done"]
        assert (answer["was"], answer["record"]["id"], answer["record"]["name"]) == (was, id_, name)


def test_a_key_needs_a_value(client: Client) -> None:
    [error] = client.ask(ONE, by="number", input={"name": "A"})["errors"]
    [problem] = error["extensions"]["details"]["problems"]
    assert (error["extensions"]["code"], problem["field"], problem["rule"]) == (
        "VALIDATION_FAILED",
        "number",
        "required",
    )
    german = client.post(
        {"query": ONE, "variables": {"by": "number", "input": {"name": "A"}}}, **{"Accept-Language": "de"}
    )
    [problem] = german.json()["errors"][0]["extensions"]["details"]["problems"]
    assert problem["message"] == "muss einen Wert haben, weil der Datensatz danach gesucht wird"


def test_many_are_created_and_changed_in_one_field(client: Client) -> None:
    client.ask(MANY, input=[{"number": "1", "name": "A"}])
    rows = [{"number": number, "name": f"N{number}"} for number in "12"] + [{"name": "none"}]
    [error] = client.ask(MANY, input=rows)["errors"]
    assert error["extensions"]["code"] == "BULK_REFUSED"
    done = client.ask(MANY, input=rows, on="SKIP")["data"]["done"]
    assert (done["count"], done["createdCount"], done["created"]) == (2, 1, [False, True, None])
    assert done["ids"][2] is None
    [wrong] = done["errors"]
    assert (wrong["index"], wrong["problems"]) == (2, [{"field": "number", "rule": "required"}])


def test_it_is_made_once_with_a_key_of_idempotency(client: Client) -> None:
    body = {"query": ONE, "variables": {"by": "number", "input": {"number": "1", "name": "A"}}}
    first, second = (client.post(body, **{"Idempotency-Key": "one"}) for _ in range(2))
    assert first.content == second.content
    assert second.json()["data"]["done"]["was"] is True


def test_what_it_costs_is_known_before(client: Client) -> None:
    for field, cost in (
        ('upsertCustomer(by: number, input: {number: "1"}) { created }', 10),
        (
            'upsertCustomer(by: number, input: {number: "1"}) { record { name children(first: 5) { nodes { id } } } }',
            16,
        ),
        ('upsertCustomers(by: id, input: [{name: "A"}, {name: "B"}], onError: SKIP) { count }', 12),
    ):
        body = {"query": f"mutation {{ {field} }}", "extensions": {"cost": True}}
        assert client.post(body).json()["extensions"]["cost"]["requested"] == cost


def test_keys_are_those_that_a_role_may_read_and_write(client: Client) -> None:
    def keys(role: str) -> list[str] | None:
        with client.database.begin() as connection:
            tokens.set_roles(connection, client.world.users["ben"], [role])
            client.token = tokens.create_token(connection, client.world.users["ben"], role)
        found = client.ask('{ __type(name: "CustomerKey") { enumValues { name } } }')["data"]["__type"]
        return found and sorted(each["name"] for each in found["enumValues"])

    assert keys("rep") == ["city_name", "id", "number"]
    assert keys("clerk") == ["id"]  # may not know the number
    assert keys("viewer") is None
    assert code(client.post({"query": "mutation { upsertCustomer(by: id, input: {}) { created } }"})) == "BAD_QUERY"
