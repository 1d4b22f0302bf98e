"""A query whose client goes away is ended; a change is not."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.graphql.slow_tables import slow_down
from tests.records.kit import World, build
from tests.server.lifespan import alive
from xrm_core.auth import tokens
from xrm_core.graphql.departure import PATIENCE_SECONDS
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.server.app import create_app
from xrm_core.server.assembly import Platform
from xrm_core.settings import load_settings
from xrm_core.storage.engines import Database
from xrm_core.storage.pq_reader import PostgresReader
from xrm_core.storage.sqlite_reader import SqliteReader

LONG = 20.0


class Line:
    """An HTTP connection to the application, whose client hangs up some seconds after the request."""

    def __init__(self, app: Any, token: str, query: str, hangs_up_after: float) -> None:
        self._app = app
        self._body = json.dumps({"query": query}).encode()
        self._after = hangs_up_after
        self._read = False
        self.sent: list[Any] = []
        self._scope = {
            "type": "http",
            "method": "POST",
            "path": "/graphql",
            "raw_path": b"/graphql",
            "root_path": "",
            "query_string": b"",
            "headers": [(b"authorization", f"Bearer {token}".encode()), (b"content-type", b"application/json")],
        }

    async def ask(self) -> float:
        """Ask; returns how many seconds the application was busy with it."""
        began = time.monotonic()
        await self._app(self._scope, self._receive, self._send)
        return time.monotonic() - began

    async def _receive(self) -> Any:
        if not self._read:
            self._read = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await asyncio.sleep(self._after)
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)


@pytest.fixture
def server(database: Database, tmp_path: Path) -> tuple[Any, str, World]:
    """The application, a token and its world."""
    world = build(database, tmp_path)
    with world.database.begin() as connection:
        tokens.set_roles(connection, world.users["anna"], ["admin"])
        token = tokens.create_token(connection, world.users["anna"], "test")
    settings = load_settings(database_url=database.url.render_as_string(False))
    platform = Platform(
        settings, Plugins(), world.model, world.records.tables, database, world.records, world.authority
    )
    return create_app(platform), token, world


def slow_reads(monkeypatch: pytest.MonkeyPatch, database: Database, seconds: float) -> list[str]:
    """Every read takes so long from now on; the list gets how each ended."""
    ended: list[str] = []

    async def fetch(*_: Any, **__: Any) -> list[bytes | None]:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        ended.append("answered")
        return [b"{}"]

    monkeypatch.setattr(SqliteReader if database.is_sqlite else PostgresReader, "fetch", fetch)
    return ended


def within_life(app: Any, work: Any) -> Any:
    """Run the application with its startup and shutdown around some work."""

    async def run() -> Any:
        async with alive(app):
            return await work()

    return asyncio.run(run())


def test_a_query_ends_when_its_client_has_gone(
    server: tuple[Any, str, World], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, token, _ = server
    ended = slow_reads(monkeypatch, database, LONG)
    line = Line(app, token, "{ customers { nodes { id } } }", hangs_up_after=0.1)
    assert within_life(app, line.ask) < LONG / 2
    assert ended == ["cancelled"]
    assert line.sent == []


QUERIES = (
    "{ customers { nodes { id } } }",
    "{ customers { totalCount } }",
    '{ customer(id: "$") { id } }',
    "{ customersAggregate { count } }",
    '{ node(id: "$") { ... on Customer { name } } }',
    '{ nodes(ids: ["$"]) { ... on Customer { name } } }',
    "{ users { nodes { id } } customers { nodes { id } } }",
    "{ customers { nodes { id } } __schema { queryType { name } } }",
)


def test_statements_of_each_kind_end_with_their_clients(server: tuple[Any, str, World], database: Database) -> None:
    # Given customers that take for ever to be read
    app, token, world = server
    customer = world.create("admin", "customer", {"name": "A"})
    with database.begin() as connection:
        slow_down(connection, "customer")
    # When clients of each root field hang up
    lines = [Line(app, token, query.replace("$", customer), hangs_up_after=0.2) for query in QUERIES]
    last = Line(app, token, "{ users { nodes { name } } }", hangs_up_after=LONG)

    async def ask() -> Any:
        await asyncio.gather(*(line.ask() for line in lines))
        return await last.ask()

    # Then none of their statements is in the way of the next client any more
    assert within_life(app, ask) < LONG / 2
    assert [line.sent for line in lines] == [[]] * len(QUERIES)
    assert "errors" not in json.loads(last.sent[1]["body"])
    assert database.is_sqlite or at_work(database) == 0


def at_work(database: Database) -> int:
    """How many statements PostgreSQL still works on, after it has had time to look for their connections."""
    count = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND datname = "
    for _ in range(50):
        with database.read() as connection:
            found = int(connection.exec_driver_sql(f"{count} current_database()").scalar() or 0)
        if not found:
            break
        time.sleep(0.1)
    return found


def test_a_query_whose_client_waits_is_answered(
    server: tuple[Any, str, World], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, token, _ = server
    ended = slow_reads(monkeypatch, database, 0.5)
    line = Line(app, token, "{ customers { nodes { id } } }", hangs_up_after=LONG)
    within_life(app, line.ask)
    assert ended == ["answered"]
    assert [message["type"] for message in line.sent] == ["http.response.start", "http.response.body"]


def test_a_change_is_made_whoever_waits(server: tuple[Any, str, World], monkeypatch: pytest.MonkeyPatch) -> None:
    app, token, world = server
    create = Records.create

    def slowly(*arguments: Any, **more: Any) -> Any:
        time.sleep(2 * PATIENCE_SECONDS)
        return create(*arguments, **more)

    monkeypatch.setattr(Records, "create", slowly)
    line = Line(app, token, 'mutation { createCustomer(input: {name: "A"}) { id } }', hangs_up_after=0)
    within_life(app, line.ask)
    made = json.loads(line.sent[1]["body"])["data"]["createCustomer"]["id"]
    assert world.stored("customer", made) is not None
