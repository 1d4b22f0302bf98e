"""Servers that are killed under load: what was acknowledged is there once, and what was not is done once when it is
sent again with its key.
"""

import json
import random
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Server
from tests.postgres import PostgresServer
from tests.server.live_kit import Installation, install

KILLS = 4
CREATE = "mutation ($name: String) { createProduct(input: {name: $name}) { id name } }"


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'shop.db'}"
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database())
        yield install(url, tmp_path)


def send(server: Server, token: str, name: str) -> bytes | int | None:
    """The answer to a change whose key is its name; the status if it was refused; None if there was no answer."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": name}
    body = json.dumps({"query": CREATE, "variables": {"name": name}}).encode()
    request = urllib.request.Request(f"{server.url}graphql", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: bytes = answer.read()
            return found
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except (OSError, HTTPException):
        return None


@pytest.mark.slow
def test_acknowledged_or_not_each_change_is_there_once(shop: Installation, tmp_path: Path) -> None:
    chance = random.Random()
    acknowledged: dict[str, bytes] = {}
    open_: set[str] = set()
    with ExitStack() as stack:

        def start(number: int) -> Server:
            (place := tmp_path / f"server{number}").mkdir()
            server = Server(place, "--schemas", shop.pack.folder, "--database", shop.settings.database_url)
            stack.callback(server.stop)
            return server

        for number in range(KILLS):
            server, ended = start(number), threading.Event()

            def work(worker: int, server: Server = server, number: int = number, ended: Any = ended) -> None:
                for each in range(10_000):
                    name = f"{number}-{worker}-{each}"
                    open_.add(name)
                    answer = send(server, shop.token, name)
                    if isinstance(answer, bytes):
                        acknowledged[name] = answer
                        open_.discard(name)
                    if answer is None or ended.is_set():
                        return

            threads = [threading.Thread(target=work, args=[worker], daemon=True) for worker in range(4)]
            for thread in threads:
                thread.start()
            ended.wait(0.5 + chance.random())
            server.stop(signal.SIGKILL)
            ended.set()
            for thread in threads:
                thread.join(60)
                assert not thread.is_alive()

        assert len(acknowledged) > 20
        assert open_, "no change was cut off"
        server = start(KILLS)
        for name in sorted(open_):
            answer = send(server, shop.token, name)
            assert isinstance(answer, bytes), answer
            acknowledged[name] = answer
        for name, answer in chance.sample(sorted(acknowledged.items()), 20):
            assert send(server, shop.token, name) == answer
        found: list[tuple[str, str]] = []
        after = ""
        while True:
            query = f"{{ products(first: 1000{after}) {{ nodes {{ id name }} pageInfo {{ hasNextPage endCursor }} }} }}"
            status, answer_ = server.graphql(shop.token, query)
            assert status == 200
            page = answer_["data"]["products"]
            found += [(each["id"], each["name"]) for each in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = f', after: "{page["pageInfo"]["endCursor"]}"'
    stored = {name: id_ for id_, name in found}
    assert len(stored) == len(found)
    told = {name: json.loads(answer)["data"]["createProduct"]["id"] for name, answer in acknowledged.items()}
    assert stored == told
