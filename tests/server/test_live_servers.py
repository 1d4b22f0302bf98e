"""Subscriptions at running servers: what is written at one is told at the other, and a server that ends says so."""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.postgres import PostgresServer
from tests.server.two_servers import PATIENCE, Two, two_servers

ALL = "subscription ($after: String) { productChanged(after: $after) { operation cursor node { name } } }"
PACKAGE = "graphql-ws@6.4.2"


@pytest.fixture(params=["sqlite", "postgresql"])
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Two]:
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'shop.db'}"
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database())
        yield stack.enter_context(two_servers(url, tmp_path))


@contextmanager
def socket(two: Two, number: int, after: str) -> Iterator[ClientConnection]:
    """A socket at a server that has subscribed."""
    url = two.servers[number].url.rstrip("/").replace("http://", "ws://") + "/graphql"
    protocol: Any = "graphql-transport-ws"
    with connect(url, subprotocols=[protocol], open_timeout=PATIENCE, close_timeout=2) as found:
        init = {"type": "connection_init", "payload": {"authorization": f"Bearer {two.shop.token}"}}
        found.send(json.dumps(init))
        assert json.loads(found.recv(PATIENCE)) == {"type": "connection_ack"}
        payload = {"query": ALL, "variables": {"after": after}}
        found.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        yield found


@contextmanager
def stream(two: Two, number: int, query: str, after: str | None = None) -> Iterator[HTTPResponse]:
    """What a server answers to who accepts events."""
    place = urlsplit(two.servers[number].url)
    with closing(HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE)) as connection:
        headers = {
            "Accept": "text/event-stream",
            "Content-Type": "application/json",
            "Authorization": f"Bearer {two.shop.token}",
        }
        connection.request("POST", "/graphql", json.dumps({"query": query, "variables": {"after": after}}), headers)
        yield connection.getresponse()


def event(response: HTTPResponse) -> Any:
    """The next event of a stream: its kind and content; None: the stream has ended."""
    kind = ""
    while line := response.readline():
        if line.startswith(b"event: "):
            kind = line[7:].decode().strip()
        elif line.startswith(b"data:") and kind:
            return kind, json.loads(line[5:] or b"null") if line[5:].strip() else None
    return None


def write(two: Two, number: int, name: str) -> None:
    mutation = f'mutation {{ createProduct(input: {{name: "{name}", price: "1", rank: 1}}) {{ id }} }}'
    status, answer = two.servers[number].graphql(two.shop.token, mutation)
    assert (status, "errors" in answer) == (200, False), answer


def test_what_is_written_at_one_server_is_told_at_the_other_which_says_when_it_ends(two: Two) -> None:
    after = two.admin("{ changes { cursor } }")["changes"]["cursor"]
    with socket(two, 0, after) as found, stream(two, 0, ALL, after) as response:
        assert response.status == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        # when somebody writes at the other server
        began = time.monotonic()
        write(two, 1, "green")
        told = json.loads(found.recv(PATIENCE))
        # then it is told by both ways, and soon
        assert time.monotonic() - began < PATIENCE / 4
        while (change := told["payload"]["data"]["productChanged"])["node"]["name"] != "green":
            told = json.loads(found.recv(PATIENCE))  # what the world was made of may not have been sealed before
        assert change["operation"] == "CREATE"
        kind, body = event(response)
        while body["data"]["productChanged"]["node"]["name"] != "green":
            kind, body = event(response)
        assert (kind, body["data"]["productChanged"]["operation"]) == ("next", "CREATE")

        # when the server ends
        process = two.servers[0].process
        process.send_signal(signal.SIGINT)
        with pytest.raises(ConnectionClosed) as caught:
            found.recv(PATIENCE)
        # then it says so, and ends in time
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1012
        assert event(response) is None
        assert process.wait(PATIENCE) == 0
    # and what came meanwhile is told by the other one to who goes on there
    write(two, 1, "grey")
    with socket(two, 1, change["cursor"]) as again:
        told = json.loads(again.recv(PATIENCE))["payload"]["data"]["productChanged"]
        assert told["node"] == {"name": "grey"}
    with stream(two, 1, "subscription { productChanged { nothing } }") as refused:
        assert refused.status == 422
        assert json.loads(refused.read())["errors"][0]["extensions"]["code"] == "BAD_QUERY"


SCRIPT = """
import { createClient } from 'graphql-ws';
const [url, token, query, after] = process.argv.slice(2);
const client = createClient({ url, connectionParams: { authorization: `Bearer ${token}` }, retryAttempts: 0 });
for await (const result of client.iterate({ query, variables: { after } })) {
  console.log(JSON.stringify(result));
  if (result.errors || result.data.productChanged.node.name === 'last') break;
}
await client.dispose();
"""


@pytest.mark.slow
def test_the_client_of_npm_is_told(two: Two, tmp_path: Path) -> None:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("there is no node with npm on this machine, which the client needs")
    folder = tmp_path / "npm"
    folder.mkdir()
    install = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run([*install, PACKAGE, "graphql@16", "ws@8"], check=True, timeout=300, capture_output=True)
    (folder / "client.mjs").write_text("import WebSocket from 'ws'; globalThis.WebSocket = WebSocket;\n" + SCRIPT)
    after = two.admin("{ changes { cursor } }")["changes"]["cursor"]
    for name in ("first", "last"):
        write(two, 1, name)
    url = two.servers[0].url.rstrip("/").replace("http://", "ws://") + "/graphql"
    command = ["node", str(folder / "client.mjs"), url, two.shop.token, ALL, after]
    done = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    names = [json.loads(line)["data"]["productChanged"]["node"]["name"] for line in done.stdout.splitlines()]
    assert names[-2:] == ["first", "last"]
