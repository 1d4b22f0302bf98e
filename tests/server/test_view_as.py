"""``X-View-As``: an administrator sees what another user sees, changes nothing, and it is kept."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.http_kit import Client, code, serving
from xrm_core.auth import tokens
from xrm_core.auth.events import AuthEvent, recorded
from xrm_core.auth.tokens import TokenLimits
from xrm_core.errors import TablesChanged
from xrm_core.graphql.engine import Engine
from xrm_core.server.site import Serving, Site
from xrm_core.storage.engines import Database

CUSTOMERS = {"query": "{ customers(orderBy: [{name: ASC}]) { nodes { name revenue } totalCount } }"}


@pytest.fixture
def client(database: Database, tmp_path: Path) -> Iterator[Client]:
    with serving(database, tmp_path) as found:
        with database.begin() as connection:
            tokens.set_roles(connection, found.world.users["ben"], ["rep"])
        for name, owner in (("Anna's", "anna"), ("Ben's", "ben")):
            owned = {"name": name, "owner": found.world.users[owner]}
            found.world.create("admin", "customer", owned)
        yield found


def token(client: Client, user: str, *roles: str, limits: TokenLimits | None = None) -> str:
    with client.world.database.begin() as connection:
        if roles:
            tokens.set_roles(connection, client.world.users[user], roles)
        return tokens.create_token(connection, client.world.users[user], "test", limits=limits or TokenLimits())


def seen(client: Client) -> list[AuthEvent]:
    with client.world.database.read() as connection:
        return [each for each in recorded(connection) if each.event.startswith("view_as")]


def test_the_answers_are_those_of_the_other_user_and_each_is_kept(client: Client) -> None:
    ben = client.world.users["ben"]
    own = client.post(CUSTOMERS, Authorization=f"Bearer {token(client, 'ben')}")
    asked = [CUSTOMERS, {"query": "{ __schema { types { name } } }"}, {"query": "{ users { nodes { id name } } }"}]
    for body in asked:
        theirs = client.post(body, Authorization=f"Bearer {token(client, 'ben')}")
        assert client.post(body, **{"X-View-As": ben}).content == theirs.content
    assert [each["name"] for each in own.json()["data"]["customers"]["nodes"]] == ["Ben's"]
    assert client.post(CUSTOMERS).json()["data"]["customers"]["totalCount"] == 2
    events = seen(client)
    assert [(each.event, each.user_id, each.subject) for each in events] == [
        ("view_as", client.world.users["anna"], ben)
    ] * len(asked)
    assert events[0].address == "testclient"


def test_a_request_that_meets_changed_tables_is_kept_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts, execute = [], Engine.execute

    async def execute_later(self: Engine, *arguments: Any) -> Any:
        attempts.append(1)
        if len(attempts) == 1:
            raise TablesChanged("changed", hint="")
        return await execute(self, *arguments)

    async def the_same(self: Site, *_: Any) -> Serving:
        return self.serving

    monkeypatch.setattr(Engine, "execute", execute_later)
    monkeypatch.setattr(Site, "_newer", the_same)
    assert client.post(CUSTOMERS, **{"X-View-As": client.world.users["ben"]}).status_code == 200
    assert (len(attempts), len(seen(client))) == (2, 1)


def test_who_views_as_another_changes_nothing(client: Client) -> None:
    before = client.world.state()
    change = {"query": 'mutation { createCustomer(input: {name: "New"}) { id } }'}
    answer = client.post(change, **{"X-View-As": client.world.users["ben"]})
    assert (answer.status_code, code(answer)) == (403, "FORBIDDEN")
    upload = client.http.post(
        "/files",
        content=b"x",
        headers={"Authorization": f"Bearer {client.token}", "X-View-As": client.world.users["ben"]},
    )
    assert (upload.status_code, code(upload)) == (403, "FORBIDDEN")
    assert client.world.state() == before


def test_unknown_users_rights_that_are_missing_and_users_with_more_are_refused_alike(client: Client) -> None:
    anna, ben = client.world.users["anna"], client.world.users["ben"]
    gone = client.world.create("admin", "user", {"name": "Gone", "active": False})
    viewer, nobody = token(client, "ben", "viewer"), "01a2170d-fdba-726c-8456-14ba50d381ce"
    refusals = []
    for bearer, whom in (
        (client.token, nobody),
        (client.token, "nobody@example.com"),
        (client.token, gone),
        (client.token, "x" * 5000),
        (client.token, ""),
        (client.token, "ünknown\u200b".encode()),
        (viewer, ben),
        (viewer, anna),
        (token(client, "anna", limits=TokenLimits(grants={"*": ["read"]})), ben),
    ):
        answer = client.post(CUSTOMERS, Authorization=f"Bearer {bearer}", **{"X-View-As": whom})
        assert answer.status_code == 403
        refusals.append(answer.content)
    assert len(set(refusals)) == 1
    events = seen(client)
    assert {each.event for each in events} == {"view_as_refused"}
    assert len(events) == len(refusals)
    assert all(len(each.subject or "") <= 500 for each in events)


def test_whoever_may_not_view_as_others_does_not_fill_the_log(client: Client) -> None:
    # given somebody who may not, and tries for ever
    other, ben = token(client, "ben", "rep"), client.world.users["ben"]
    asked = {"Authorization": f"Bearer {other}", "X-View-As": client.world.users["anna"]}
    answers = [client.post(CUSTOMERS, **asked) for _ in range(25)]
    # then the answer is the same each time, and is kept as often as failures are free
    assert len({each.content for each in answers}) == 1
    assert [(each.event, each.user_id) for each in seen(client)] == [("view_as_refused", ben)] * 21
    # and who may is kept each time
    for _ in range(25):
        client.post(CUSTOMERS, **{"X-View-As": ben})
    assert len(seen(client)) == 46


def test_a_token_held_to_less_views_only_as_who_may_see_no_more(client: Client) -> None:
    # given Ben, who may read users and customers, and tokens of an admin
    ben = {"X-View-As": client.world.users["ben"]}
    token(client, "ben", "viewer")  # reads customers
    enough = token(client, "anna", limits=TokenLimits(grants={"customer": ["read"], "xrm_view_as": ["read"]}))
    less = token(client, "anna", limits=TokenLimits(grants={"user": ["read"], "xrm_view_as": ["read"]}))
    assert client.post(CUSTOMERS, Authorization=f"Bearer {enough}", **ben).status_code == 200
    assert client.post(CUSTOMERS, Authorization=f"Bearer {less}", **ben).status_code == 403


def test_files_are_found_as_the_other_user_finds_them(client: Client) -> None:
    headers = {"Authorization": f"Bearer {client.token}", "X-View-As": client.world.users["ben"]}
    answer = client.http.get("/files/01a2170d-fdba-726c-8456-14ba50d381ce", headers=headers)
    assert answer.status_code == 404
    assert [each.event for each in seen(client)] == ["view_as"]
    refused = {**headers, "X-View-As": "nobody"}
    answer = client.http.get("/files/01a2170d-fdba-726c-8456-14ba50d381ce", headers=refused)
    assert answer.status_code == 403


def test_caches_tell_viewers_apart(client: Client) -> None:
    answer = client.http.get("/graphql", params=CUSTOMERS, headers={"Authorization": f"Bearer {client.token}"})
    assert "X-View-As" in answer.headers["vary"]
