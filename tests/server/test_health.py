"""Whether a server is ready: it says a code and nothing else, in time, and looks once for all who ask."""

import asyncio
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from tests.server.http_kit import Client
from xrm_core.errors import ModelOutOfDate
from xrm_core.server import health
from xrm_core.server.site import Site


def not_ready(answer: Any, code: str) -> bool:
    body = {"status": "not ready", "code": code}
    return (answer.status_code, answer.json(), answer.headers["cache-control"]) == (503, body, "no-store")


def test_what_is_wrong_is_told_by_its_code_alone(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(_site: Site) -> bool:
        raise ModelOutOfDate("The table customer of db.example.com is another one.", hint="Ask Eva.")

    monkeypatch.setattr(Site, "refresh", refused)
    assert not_ready(client.http.get("/health/ready"), "MODEL_OUT_OF_DATE")

    async def broken(_site: Site) -> bool:
        raise KeyError("secret")

    monkeypatch.setattr(Site, "refresh", broken)
    answer = client.http.get("/health/ready")
    assert not_ready(answer, "INTERNAL_ERROR")
    assert client.http.get("/health/live").json() == {"status": "live"}


async def test_a_database_that_says_nothing_is_no_reason_to_wait_and_is_asked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "READY_SECONDS", 0.2)
    speaks, looks = asyncio.Event(), 0

    class Silent:
        async def refresh(self) -> bool:
            nonlocal looks
            looks += 1
            await asyncio.wait_for(speaks.wait(), 10)
            return False

    site, routes = Silent(), Starlette(routes=health.routes(lambda: False))

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        await routes({**scope, "xrm.site": site}, receive, send)

    async with AsyncClient(transport=ASGITransport(served), base_url="http://localhost") as http:
        for _ in range(2):
            found = await asyncio.gather(*(http.get("/health/ready") for _ in range(20)))
            assert all(not_ready(answer, "DATABASE_UNAVAILABLE") for answer in found)
        assert looks == 1
        speaks.set()
        await asyncio.sleep(0.01)
        assert (await http.get("/health/ready")).json() == {"status": "ready"}
        assert looks == 2
