"""Answers that leave at once, without messages of ASGI, are the same, and counted the same."""

import json
from typing import Any

import pytest

from tests.server.http_kit import Client
from xrm_core.server.one_write import ANSWER

QUERY = "query Whole { customers(first: 1) { edges { node { name } } } }"


def asked(client: Client, query: str, *, at_once: bool, method: str = "POST", **more: str) -> tuple[int, Any, bytes]:
    """Status, headers and body of an answer; 0 as status: it left at once."""
    body = json.dumps({"query": query}).encode()
    headers = {"authorization": f"Bearer {client.token}", "content-type": "application/json", **more}
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "http_version": "1.1",
        "scheme": "http",
        "root_path": "",
        "server": ("testserver", 80),
        "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    status, lines, content = -1, [], b""

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status, lines, content
        status, lines = message.get("status", status), message.get("headers", lines)
        content += message.get("body", b"")

    def whole(head: bytes, given: bytes) -> bool:
        nonlocal status, lines, content
        pairs = [line.split(b": ", 1) for line in head.removesuffix(b"\r\n").split(b"\r\n")]
        status, lines, content = 0, [(name, value) for name, value in pairs], given
        return True

    if at_once:
        scope[ANSWER] = whole
    assert client.http.portal is not None
    client.http.portal.call(client.http.app, scope, receive, send)
    return status, dict(lines), content


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json", "*/*"])
def test_both_ways_send_the_same(client: Client, accept: str) -> None:
    at_once = asked(client, QUERY, at_once=True, accept=accept, **{"x-request-id": "as-it-is-given"})
    by_messages = asked(client, QUERY, at_once=False, accept=accept, **{"x-request-id": "as-it-is-given"})
    assert (at_once[0], by_messages[0]) == (0, 200)
    assert at_once[1:] == by_messages[1:]
    assert at_once[1][b"x-request-id"] == b"as-it-is-given"


def test_what_is_not_an_ordinary_answer_is_sent_by_messages(client: Client) -> None:
    assert asked(client, "{ nonsense }", at_once=True)[0] == 422
    assert asked(client, QUERY, at_once=True, authorization="Bearer xrm_nobody")[0] == 401
    assert asked(client, QUERY, at_once=True, method="PUT")[0] == 405
    large = "{ __schema { types { name description fields { name description } } } }"
    status, headers, _ = asked(client, large, at_once=True, **{"accept-encoding": "gzip"})
    assert (status, headers[b"content-encoding"]) == (200, b"gzip")
