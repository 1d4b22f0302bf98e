"""Ids of requests, and what happens when there are too many of them, or when the server is about to end."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any, cast

import pytest
from httpx2 import ASGITransport, AsyncClient, Response
from starlette.types import Receive, Scope, Send

from tests.server.http_kit import Client, code, serving
from xrm_core.errors import Overloaded
from xrm_core.server.metrics import Metrics
from xrm_core.server.traffic import RESERVED, Stage, Traffic
from xrm_core.settings import load_settings
from xrm_core.storage.engines import Database

SECONDS = 10


class Slow:
    """An application whose answers wait until they may go."""

    def __init__(self) -> None:
        self.may_go = asyncio.Event()
        self.begun = 0

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.begun += 1
        await asyncio.wait_for(self.may_go.wait(), SECONDS)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    async def until(self, number: int) -> None:
        async with asyncio.timeout(SECONDS):
            while self.begun < number:  # noqa: ASYNC110 - there are several to wait for
                await asyncio.sleep(0.001)


@asynccontextmanager
async def crowd(
    traffic: Traffic, slow: Slow, number: int
) -> AsyncIterator[tuple[AsyncClient, list[asyncio.Task[Response]]]]:
    """So many requests that are under way."""
    async with AsyncClient(transport=ASGITransport(traffic), base_url="http://localhost") as http:
        waiting = [asyncio.create_task(http.get("/graphql")) for _ in range(number)]
        try:
            await slow.until(number)
            yield http, waiting
        finally:
            slow.may_go.set()
            await asyncio.gather(*waiting, return_exceptions=True)


def limited(slow: Slow, **settings: Any) -> Traffic:
    return Traffic(slow, load_settings(**settings), Metrics())


def test_each_answer_has_the_id_of_its_request(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"X-Request-Id": "from-the-proxy-1"}
    for answer in (
        client.post({"query": "{ customers { totalCount } }"}, **given),
        client.post("nonsense", **given),
        client.http.get("/graphql", headers=given),
        client.http.get("/nowhere", headers=given),
        client.http.get("/health/live", headers=given),
        client.http.get("/t/nobody/graphql", headers=given),
    ):
        assert answer.headers.get_list("x-request-id") == ["from-the-proxy-1"]
    made = {client.http.get("/health/live").headers["x-request-id"] for _ in range(3)}
    assert len(made) == 3


def test_an_error_that_nobody_foresaw_is_told_with_the_id_of_the_request(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("xrm_core.server.site.Site.answer", broken)

    answer = client.post({"query": "{ customers { totalCount } }"}, **{"X-Request-Id": "from-the-proxy-2"})

    assert code(answer) == "INTERNAL_ERROR"
    assert answer.json()["errors"][0]["extensions"]["details"] == {"requestId": "from-the-proxy-2"}


async def test_one_request_too_many_is_refused_and_the_others_are_answered() -> None:
    slow = Slow()
    async with crowd(limited(slow, max_requests=3), slow, 3) as (http, waiting):
        refused = await http.post("/graphql", content=b"x" * 99_999)
        large = await http.post("/graphql", content=b"x" * 100_000)

        assert (refused.status_code, code(refused), refused.headers["retry-after"]) == (503, "OVERLOADED", "1")
        # nobody waits for the rest of a large body; else the connection is of further use
        assert "connection" not in refused.headers
        assert (large.status_code, large.headers["connection"]) == (503, "close")
        assert refused.headers["x-request-id"]
        assert slow.begun == 3  # nothing of it was done
        slow.may_go.set()
        assert [each.status_code for each in await asyncio.gather(*waiting)] == [200] * 3
        assert (await http.get("/graphql")).status_code == 200


async def test_health_figures_and_sign_in_are_answered_while_nothing_else_is() -> None:
    slow = Slow()
    async with crowd(limited(slow, max_requests=2), slow, 2) as (http, _):
        more = [asyncio.create_task(http.get(path)) for path in ("/health/ready", "/metrics", "/auth/login")]
        await slow.until(5)
        assert (await http.get("/files/x")).status_code == 503
        # sign-ins are let in beyond the limit, but not without end
        more += [asyncio.create_task(http.get("/auth/login")) for _ in range(RESERVED - 3)]
        await slow.until(2 + RESERVED)
        assert code(await http.get("/auth/login")) == "OVERLOADED"
        slow.may_go.set()
        assert {each.status_code for each in await asyncio.gather(*more)} == {200}


async def test_a_server_that_ends_refuses_what_is_new() -> None:
    slow = Slow()
    traffic = limited(slow)
    async with crowd(traffic, slow, 1) as (http, waiting):
        traffic.stage = Stage.LEAVING  # a load balancer has not noticed yet
        second = asyncio.create_task(http.get("/graphql"))
        await slow.until(2)
        traffic.stage = Stage.CLOSED

        refused = await http.get("/graphql")

        assert (refused.status_code, code(refused)) == (503, "SHUTTING_DOWN")
        assert (refused.headers["retry-after"], refused.headers["connection"]) == ("1", "close")
        assert traffic.under_way == 2
        slow.may_go.set()
        assert [each.status_code for each in await asyncio.gather(*waiting, second)] == [200, 200]
    assert traffic.under_way == 0


def test_a_server_that_ends_is_live_but_not_ready(client: Client) -> None:
    traffic: Any = client.http.app
    assert client.http.get("/health/ready").json() == {"status": "ready"}
    try:
        traffic.stage = Stage.LEAVING
        ready = client.http.get("/health/ready")
        assert (ready.status_code, ready.json()) == (503, {"status": "not ready", "code": "SHUTTING_DOWN"})
        assert client.http.get("/health/live").status_code == 200
        assert client.post({"query": "{ customers { totalCount } }"}).status_code == 200
    finally:
        traffic.stage = Stage.SERVING


@pytest.mark.parametrize("port", [8000, 9100])
async def test_the_port_of_the_figures_has_nothing_else(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a server that listens on two ports
    slow = Slow()
    slow.may_go.set()
    traffic = limited(slow, metrics_port=9100)

    async def at(path: str) -> int:
        status: list[int] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            status.append(message.get("status", 0))

        scope = {"type": "http", "method": "GET", "path": path, "headers": [], "server": ("127.0.0.1", port)}
        await traffic(scope, receive, send)
        return status[0]

    found = {path: await at(path) for path in ("/graphql", "/t/acme/graphql", "/metrics", "/health/ready")}

    assert found == {
        "/graphql": 200 if port == 8000 else 404,
        "/t/acme/graphql": 200 if port == 8000 else 404,
        "/metrics": 200,
        "/health/ready": 200,
    }


def test_a_tenant_whose_database_is_slow_leaves_room_for_the_others(database: Database, tmp_path: Path) -> None:
    # given two changes that wait for somebody who holds the database, and no room for a third request
    with serving(database, tmp_path, max_tenant_requests=2) as client:
        change = {"query": 'mutation { createUser(input: {name: "x"}) { name } }'}
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda: statuses.append(client.post(change).status_code), daemon=True)
            for _ in range(2)
        ]
        site = cast(Any, client.http.app).app._main
        with database.begin() as holder:
            if not database.is_sqlite:
                holder.exec_driver_sql('LOCK TABLE xrm_token, customer, "user" IN EXCLUSIVE MODE')
            for thread in threads:
                thread.start()
            deadline = time.monotonic() + SECONDS
            while site.busy < 2:
                assert time.monotonic() < deadline
                time.sleep(0.01)

            # when somebody else asks
            full = cast(Any, client.http.app).is_full
            assert full({"path": "/graphql", "headers": []}, 0)
            assert not full({"path": "/health/ready", "headers": []}, 0)
            assert not full({"path": "/t/nobody/graphql", "headers": []}, 0)
            refused = client.post({"query": "{ customers { totalCount } }"})
            ready, sign_in = client.http.get("/health/ready"), client.http.get("/auth/providers")

        # then it is refused at once; health and sign-in are not
        assert (code(refused), refused.headers["retry-after"]) == ("OVERLOADED", "1")
        assert (ready.status_code, sign_in.status_code) == (200, 200)
        for thread in threads:
            thread.join(SECONDS)
        assert statuses == [200, 200]
        assert client.post({"query": "{ customers { totalCount } }"}).status_code == 200
        assert site.busy == 0


def test_who_waits_in_vain_for_a_connection_is_told_so(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xrm_core.storage.engines.POOL_WAIT_SECONDS", 0.05)
    with closing(Database(database.url.render_as_string(False), 1)) as narrow, ExitStack() as stack:

        def take_all() -> None:
            for _ in range(50):
                stack.enter_context(narrow.read())

        with pytest.raises(Overloaded) as refused:
            take_all()
        assert refused.value.retry_after == 1
        assert narrow.use().busy == narrow.use().open > 0
