"""``Idempotency-Key``: a change that is sent again is made once, and answered as it was."""

import datetime as dt
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.server.http_kit import Client, code
from xrm_core.auth import tokens
from xrm_core.graphql import executor
from xrm_core.graphql.executor import Executor
from xrm_core.permissions.access import Access
from xrm_core.permissions.caller import User
from xrm_core.records import idempotency
from xrm_core.records.idempotency import IdempotencyInProgress, Kept, Repeatable
from xrm_core.storage.idempotency import IDEMPOTENCY_KEY
from xrm_core.storage.system import TOKEN

KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
CREATE = """mutation ($name: String!, $city: String) {
    createCustomer(input: {name: $name, city: $city}) { id name version }
}"""
NOW = dt.datetime.now(dt.UTC)


def create(client: Client, name: str = "Secret Customer", headers: dict[str, str] = KEY, **more: Any) -> Any:
    return client.post({"query": CREATE, "variables": {"name": name, **more}}, **headers)


def names(client: Client) -> list[str]:
    nodes = client.ask("{ customers(orderBy: [{name: ASC}]) { nodes { name } } }")["data"]["customers"]["nodes"]
    return [each["name"] for each in nodes]


def kept(client: Client) -> int:
    with client.database.read() as connection:
        return len(connection.execute(select(IDEMPOTENCY_KEY)).all())


def token_of(client: Client, user: str, *roles: str) -> dict[str, str]:
    with client.database.begin() as connection:
        tokens.set_roles(connection, client.world.users[user], list(roles))
        return {"Authorization": f"Bearer {tokens.create_token(connection, client.world.users[user], 'test')}"}


def test_a_repeat_gets_the_first_answer(client: Client) -> None:
    first = create(client, city="Ulm")
    assert (first.status_code, first.json()["data"]["createCustomer"]["name"]) == (200, "Secret Customer")
    record = first.json()["data"]["createCustomer"]["id"]
    client.ask('mutation ($id: ID!) { updateCustomer(id: $id, input: {name: "later"}) { id } }', id=record)
    quoted = {"Idempotency-Key": f'"{KEY["Idempotency-Key"]}"'}  # as the draft writes it
    for again in (
        create(client, city="Ulm"),
        create(client, city="Ulm", headers=quoted),
        client.post({"variables": {"city": "Ulm", "name": "Secret Customer"}, "query": CREATE}, **KEY),
    ):
        assert (again.status_code, again.content) == (200, first.content)
    assert names(client) == ["later"]


def test_without_a_key_or_with_another_it_is_another_change(client: Client) -> None:
    for headers in (KEY, {"Idempotency-Key": "another"}, {}, {}):
        assert "errors" not in create(client, headers=headers).json()
    assert len(names(client)) == 4


def test_a_key_belongs_to_one_request(client: Client) -> None:
    create(client, "A")
    for other in (
        {"query": CREATE, "variables": {"name": "B"}},
        {"query": CREATE + " # ", "variables": {"name": "A"}},
        {"query": CREATE, "variables": {"name": "A", "city": None}},
        {"query": CREATE, "variables": {"name": "A"}, "extensions": {"cost": True}},
    ):
        answer = client.post(other, **KEY)
        assert (answer.status_code, code(answer)) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert names(client) == ["A"]


def test_a_key_belongs_to_one_caller(client: Client) -> None:
    """Who guesses the key of another learns nothing; two tokens of one user are one caller."""
    ben = token_of(client, "ben", "giver")
    first, of_ben = create(client), create(client, headers={**KEY, **ben})
    assert of_ben.status_code == 200
    assert of_ben.json()["data"]["createCustomer"]["id"] != first.json()["data"]["createCustomer"]["id"]
    assert create(client, "other", headers={**KEY, **token_of(client, "ben", "giver")}).status_code == 422
    assert len(names(client)) == 2


@pytest.mark.parametrize(
    "header", ["", "x" * 256, '"' + "x" * 256 + '"', '""', "with blank", "a, b", '"a', "ä", 'a"b', '"\\x"']
)
def test_what_is_no_key_is_refused(client: Client, header: str) -> None:
    given = header.encode()
    body = {"query": CREATE, "variables": {"name": "A"}}
    headers = {"Authorization": f"Bearer {client.token}", "Idempotency-Key": given}
    answer = client.http.post("/graphql", json=body, headers=headers)
    assert (answer.status_code, code(answer)) == (400, "IDEMPOTENCY_KEY_INVALID")
    assert names(client) == []


def test_what_is_a_key_is_taken(client: Client) -> None:
    headers = ["x" * 255, '"with blank, and \\"more\\\\"', "a:b/c=1", '"' + "y" * 255 + '"']
    for header in headers:
        first = create(client, headers={"Idempotency-Key": header})
        assert create(client, headers={"Idempotency-Key": header}).content == first.content
    assert len(names(client)) == len(headers)


def test_queries_pass_it_over(client: Client) -> None:
    for header in ("x" * 300, "key"):
        answer = client.post({"query": "{ customers { totalCount } }"}, **{"Idempotency-Key": header})
        assert answer.json() == {"data": {"customers": {"totalCount": 0}}}
    assert kept(client) == 0


def test_what_was_refused_may_be_tried_again(client: Client) -> None:
    for _ in range(2):
        answer = create(client, "far too long for a name of a customer")
        assert code(answer) == "VALIDATION_FAILED"
    assert kept(client) == 0
    assert create(client, "A").status_code == 200  # so the key is still free
    [record] = client.ask("{ customers { nodes { id } } }")["data"]["customers"]["nodes"]
    change = f'mutation {{ updateCustomer(id: "{record["id"]}", version: 2, input: {{name: "B"}}) {{ version }} }}'
    other = {"Idempotency-Key": "other"}
    assert code(client.post({"query": change}, **other)) == "VERSION_CONFLICT"
    client.ask(f'mutation {{ updateCustomer(id: "{record["id"]}", input: {{city: "Ulm"}}) {{ id }} }}')
    done = client.post({"query": change}, **other)
    assert done.json() == {"data": {"updateCustomer": {"version": 3}}}
    assert client.post({"query": change}, **other).content == done.content


def test_what_changes_nothing_keeps_nothing(client: Client) -> None:
    dry = {"query": CREATE.replace("city: $city}", "city: $city}, dryRun: true"), "variables": {"name": "A"}}
    ids = [client.post(dry, **KEY).json()["data"]["createCustomer"]["id"] for _ in range(2)]
    assert ids[0] != ids[1]
    assert (kept(client), names(client)) == (0, [])
    create(client, "A")
    again = client.post(dry, **KEY)  # nor does it look at what is kept
    assert (again.status_code, again.json()["extensions"]) == (200, {"dryRun": True})


def test_changes_of_accounts_and_of_the_schema_refuse_a_key(client: Client) -> None:
    """Their answers may be secrets that are told once."""
    for query in (
        'mutation { createToken(label: "x") { token } }',
        'mutation { revokeToken(id: "x") }',
        'mutation { applySchemaChange(files: [], key: "x") { key } }',
        "mutation { applyPermissions(files: [], version: 1) { __typename } }",
    ):
        answer = client.post({"query": query}, **KEY)
        assert (answer.status_code, code(answer)) == (400, "IDEMPOTENCY_KEY_INVALID"), answer.text
    assert kept(client) == 0
    with client.database.read() as connection:
        assert len(connection.execute(select(TOKEN)).all()) == 1


def test_after_its_time_a_repeat_is_a_new_request(client: Client) -> None:
    create(client)
    with client.database.begin() as connection:
        expires = dt.datetime.fromisoformat(connection.scalars(select(IDEMPOTENCY_KEY.c.expires_at)).one())
        assert dt.timedelta(hours=23, minutes=50) < expires - dt.datetime.now(dt.UTC) <= dt.timedelta(hours=24)
        connection.execute(update(IDEMPOTENCY_KEY).values(expires_at=NOW - dt.timedelta(seconds=1)))
    assert create(client, "A").status_code == 200
    assert names(client) == ["A", "Secret Customer"]
    assert kept(client) == 1


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_clock_that_is_set_makes_no_change_twice(client: Client, hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    first = create(client)

    class Other(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            return dt.datetime.now(tz) + dt.timedelta(hours=hours)

    with monkeypatch.context() as patched:
        patched.setattr(executor, "dt", SimpleNamespace(datetime=Other, timedelta=dt.timedelta, UTC=dt.UTC))
        assert create(client).content == first.content
        other = create(client, "Other", {"Idempotency-Key": "other"})
        with client.database.begin() as connection:
            assert idempotency.remove_expired(connection, Other.now(dt.UTC)) == 0
    # and when it is right again
    assert create(client).content == first.content
    assert create(client, "Other", {"Idempotency-Key": "other"}).content == other.content
    assert names(client) == ["Other", "Secret Customer"]


def test_expired_answers_are_removed(client: Client) -> None:
    for number in range(3):
        create(client, headers={"Idempotency-Key": str(number)})
    with client.database.begin() as connection:
        first = connection.scalars(select(IDEMPOTENCY_KEY.c.key_hash)).first()
        late = update(IDEMPOTENCY_KEY).where(IDEMPOTENCY_KEY.c.key_hash == first)
        connection.execute(late.values(expires_at=NOW - dt.timedelta(seconds=1)))
        assert idempotency.remove_expired(connection, dt.datetime.now(dt.UTC)) == 1
    assert kept(client) == 2


def test_who_has_other_rights_by_now_is_not_shown_the_former_answer(client: Client) -> None:
    ben = token_of(client, "ben", "giver")
    first = create(client, headers={**KEY, **ben})
    assert first.status_code == 200
    token_of(client, "ben", "giver", "rep")
    refused = create(client, headers={**KEY, **token_of(client, "ben", "giver", "rep")})
    assert (refused.status_code, code(refused)) == (403, "IDEMPOTENCY_ANSWER_WITHHELD")
    assert "Secret" not in refused.text
    assert names(client) == ["Secret Customer"]
    token_of(client, "ben", "giver")
    assert create(client, headers={**KEY, **token_of(client, "ben", "giver")}).content == first.content


def test_the_database_shows_neither_key_nor_request_nor_answer(client: Client) -> None:
    create(client)
    with client.database.read() as connection:
        [row] = connection.execute(select(IDEMPOTENCY_KEY))
    stored = repr(tuple(row)) + bytes(row.answer).decode("latin-1")
    assert row.user_id == client.world.users["anna"]
    for text in (KEY["Idempotency-Key"], "Secret", "createCustomer", "data"):
        assert text not in stored


def test_answers_go_with_their_user(client: Client) -> None:
    create(client, headers={**KEY, **token_of(client, "ben", "giver")})
    with client.database.begin() as connection:
        caller = client.world.caller("admin")
        [id_] = connection.scalars(select(client.records.tables["customer"].c.id))
        client.records.delete(connection, caller, "customer", id_)
        client.records.delete(connection, caller, "user", client.world.users["ben"])
    assert kept(client) == 0


def test_many_at_once_are_one_change(client: Client) -> None:
    """R-005: of 20 that come together one is done; the others get its answer, or come again when they are told to."""
    answers: list[Any] = []
    early: list[Any] = []
    together = threading.Barrier(20, timeout=20)

    def send() -> None:
        together.wait()
        for _ in range(200):
            answer = create(client)
            if answer.status_code != 409:
                answers.append(answer)
                return
            early.append((code(answer), answer.headers["retry-after"]))

    threads = [threading.Thread(target=send, daemon=True) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(answers) == 20
    assert {(each.status_code, each.content) for each in answers} == {(200, answers[0].content)}
    assert set(early) <= {("IDEMPOTENCY_IN_PROGRESS", "1")}
    assert len(names(client)) == 1


def test_two_servers_make_it_once(client: Client) -> None:
    """Another process cannot see what is under way here but by the database."""
    user = User(client.world.users["anna"], Access("shape", {}))
    here, there = (Repeatable("key", user, ["request"]) for _ in range(2))
    answer = Kept(200, b'{"data": {}}', [])
    later = NOW + dt.timedelta(hours=1)
    if client.database.is_sqlite:
        with client.database.begin() as connection:  # another waits until this has ended
            assert here.answered(connection, NOW) is None
            here.keep(connection, answer, later)
    else:
        with client.database.begin() as connection:
            assert here.answered(connection, NOW) is None
            with client.database.begin() as other, pytest.raises(IdempotencyInProgress):
                there.answered(other, NOW)
            with client.database.begin() as other:  # other keys do not wait for each other
                assert Repeatable("key 2", user, ["request"]).answered(other, NOW) is None
            here.keep(connection, answer, later)
    with client.database.begin() as connection:
        assert there.answered(connection, NOW) == answer


@pytest.mark.parametrize("moment", ["before", "after"])
def test_whether_it_was_done_is_the_databases_to_say(
    client: Client, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """R-002: a server that ends around the commit has answered nobody. A repeat finds out, and it is done once."""
    run, keep = Executor.run, Repeatable.keep

    def ends_before(*arguments: Any) -> None:
        keep(*arguments)
        raise RuntimeError("killed")

    def ends_after(*arguments: Any) -> Any:
        run(*arguments)
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        if moment == "before":
            patch.setattr(Repeatable, "keep", ends_before)
        else:
            patch.setattr(Executor, "run", ends_after)
        assert code(create(client)) == "INTERNAL_ERROR"
    assert names(client) == ([] if moment == "before" else ["Secret Customer"])
    again = create(client)
    assert again.json()["data"]["createCustomer"]["name"] == "Secret Customer"
    assert names(client) == ["Secret Customer"]
