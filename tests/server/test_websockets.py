"""Subscriptions over WebSockets: who is let in, what ends them, and going on where one was."""

import time

import pytest
from starlette.websockets import WebSocketDisconnect

from tests.server.http_kit import Client
from tests.server.socket_kit import ALL, socket
from xrm_core.auth import tokens
from xrm_core.server import live, websockets


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PULSE_SECONDS", 0.05)


def start(client: Client) -> str:
    """A cursor from which everything that comes is told."""
    found = client.ask("{ changes { cursor } }")
    return str(found["data"]["changes"]["cursor"])


def create(client: Client, name: str) -> str:
    return client.world.create("admin", "customer", {"name": name})


def test_changes_are_told_and_a_dropped_socket_goes_on_without_a_gap(client: Client) -> None:
    after = start(client)
    with socket(client.http) as first:
        first.init(client.token)
        first.subscribe(after=after)
        create(client, "A")
        told = first.next()
        assert (told["operation"], told["node"]) == ("CREATE", {"name": "A"})
    for name in "BC":  # while nobody listens
        create(client, name)
    with socket(client.http, authorization=f"Bearer {client.token}") as second:
        second.init()
        second.subscribe(after=told["cursor"])
        create(client, "D")
        assert second.names(3) == ["B", "C", "D"]


def test_several_subscriptions_share_a_socket_and_one_ends_by_itself(client: Client) -> None:
    after = start(client)
    with socket(client.http) as one:
        one.init(client.token)
        for id_ in ("a", "b"):
            one.subscribe(id_, after=after)
        create(client, "A")
        got = sorted(one.session.receive_json()["id"] for _ in range(2))
        assert got == ["a", "b"]
        one.session.send_json({"id": "a", "type": "complete"})
        one.session.send_json({"type": "ping"})
        assert one.session.receive_json() == {"type": "pong"}
        create(client, "B")
        assert one.next("b")["node"]["name"] == "B"
        one.session.send_json({"type": "ping"})
        assert one.session.receive_json() == {"type": "pong"}


def test_a_revoked_token_ends_the_socket_within_two_seconds(client: Client) -> None:
    with client.database.begin() as connection:
        token = tokens.create_token(connection, client.world.users["anna"], "to be revoked")
    with socket(client.http) as one:
        one.init(token)
        one.subscribe(after=start(client))
        create(client, "A")
        one.next()
        with client.database.begin() as connection:
            tokens.remove_tokens(connection, client.world.users["anna"], "to be revoked")
        began = time.monotonic()
        assert one.code() == 4401
        assert time.monotonic() - began < 2


def test_who_is_nobody_is_not_let_in(client: Client) -> None:
    for messages, code in (
        ([{"type": "connection_init", "payload": {"Authorization": "Bearer xrm_wrong"}}], 4403),
        ([{"type": "connection_init"}], 4403),
        ([{"type": "connection_init", "payload": {"Authorization": "Cookie xrms_x"}}], 4403),
        ([{"id": "1", "type": "subscribe", "payload": {"query": ALL}}], 4401),
    ):
        with socket(client.http) as one:
            for message in messages:
                one.session.send_json(message)
            assert one.code() == code, messages


@pytest.mark.parametrize(
    "message",
    [
        "",
        "[]",
        "{",
        '"x"',
        '{"type": 7}',
        '{"type": "nonsense"}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": 7}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 7}}',
        '{"type": "subscribe", "id": "\\u0000", "payload": {"query": "{ me { id } }"}}',
        '{"x": "' + "y" * 20_000 + '"}',
    ],
)
def test_what_is_no_message_ends_the_socket(client: Client, message: str) -> None:
    with socket(client.http) as one:
        one.init(client.token)
        one.session.send_text(message)
        assert one.code() == 4400


def test_the_other_ends_of_the_protocol(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket(client.http) as one:
        one.init(client.token)
        one.session.send_json({"type": "connection_init"})
        assert one.code() == 4429
    with socket(client.http) as one:
        one.init(client.token)
        one.subscribe()
        one.subscribe()
        assert one.code() == 4409
    with socket(client.http, protocol="graphql-ws") as one:
        assert one.code() == 4406
    monkeypatch.setattr(websockets, "INIT_SECONDS", 0.05)
    with socket(client.http) as one:
        assert one.code() == 4408


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { customerChanged { nothing } }", "BAD_QUERY"),
        ("subscription {", "BAD_QUERY"),
        ("{ me { id } }", "BAD_QUERY"),
        ('subscription { customerChanged(after: "abc") { id } }', "BAD_CURSOR"),
    ],
)
def test_what_cannot_be_told_is_an_error_and_the_socket_goes_on(client: Client, query: str, code: str) -> None:
    with socket(client.http) as one:
        one.init(client.token)
        one.subscribe("x", query)
        message = one.session.receive_json()
        assert (message["type"], message["id"]) == ("error", "x")
        assert message["payload"][0]["extensions"]["code"] == code
        one.subscribe("x", after=start(client))
        create(client, "A")
        assert one.next("x")["node"]["name"] == "A"


def test_a_page_of_another_site_cannot_use_a_cookie(client: Client) -> None:
    cookie = "xrm_session=xrms_whatever"
    for origin in ({"origin": "https://evil.example.com"}, {}):
        with pytest.raises(WebSocketDisconnect), socket(client.http, cookie=cookie, **origin):
            pass
    with socket(client.http, cookie=cookie, origin="http://testserver") as one:
        one.session.send_json({"type": "connection_init"})
        assert one.code() == 4403  # no such session


def test_there_are_sockets_at_one_address_only_and_no_tokens_in_it(client: Client) -> None:
    for path in ("/", "/files", "/t/none/graphql", "/graphql?access_token=x"):
        with pytest.raises(WebSocketDisconnect), socket(client.http, path):
            pass


def test_one_caller_has_so_many(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_OF_CALLER", 1)
    after = start(client)
    with socket(client.http) as one:
        one.init(client.token)
        one.subscribe("a", after=after)
        create(client, "A")
        one.next("a")
        one.subscribe("b", after=after)
        message = one.session.receive_json()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "OVERLOADED")
