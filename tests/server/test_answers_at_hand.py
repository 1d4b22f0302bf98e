"""Queries on SQLite whose head came before: answered at once, and never other than the ordinary way would."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from tests.server.lifespan import alive
from tests.server.live_kit import POLICIES, Installation, install
from tests.server.test_same_heads import Line, post
from xrm_core.auth import authenticator
from xrm_core.plugins import Plugins
from xrm_core.server.admission import Admission
from xrm_core.server.app import create_app
from xrm_core.server.assembly import assemble_applied, read_model
from xrm_core.server.traffic import Stage, Traffic
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.system import READ, TOKEN
from xrm_core.storage.tenants import State, register, set_state

NAMES = "query ($first: Int!) { products(first: $first, orderBy: {name: ASC}) { nodes { name } } }"
PRICES = "query ($first: Int!) { products(first: $first) { nodes { price } } }"
MAKE = "mutation ($name: String!) { createProduct(input: {name: $name}) { name } }"
SECONDS = 20


class Caller:
    """A client of a server that sends the same head each time; ``ordinary`` counts what came to the application."""

    def __init__(self, traffic: Traffic, token: str) -> None:
        self.traffic, self.token, self.ordinary = traffic, token, 0
        self.line = Line(traffic, Admission)
        app = traffic.app

        async def counting(scope: Any, receive: Any, send: Any) -> None:
            self.ordinary += scope["type"] == "http"
            await app(scope, receive, send)

        traffic.app = counting

    async def ask(self, query: str, *lines: bytes, **more: Any) -> tuple[int, dict[bytes, bytes], Any]:
        """Status, headers and body of an answer."""
        given = more.pop("given", {"first": 9})
        body = json.dumps({"query": query, "variables": given, **more}).encode().ljust(500)
        return await self.send(body, b"content-type: application/json", *lines)

    async def send(self, body: bytes, *lines: bytes) -> tuple[int, dict[bytes, bytes], Any]:
        """The same for any body."""
        head = (b"authorization: Bearer " + self.token.encode(), *lines)
        before = len(self.line.answers())
        self.line.send(post(body, *head).replace(b"POST / ", b"POST /graphql ", 1))
        async with asyncio.timeout(SECONDS):
            while len(self.line.answers()) == before:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.001)
        status, headers, text = self.line.answers()[-1]
        packed = headers.get(b"content-encoding") == b"gzip"
        return status, headers, json.loads(gzip.decompress(text) if packed else text)

    async def at_hand(self, query: str = NAMES, *lines: bytes, **more: Any) -> bool:
        """Whether one is answered without the application."""
        before = self.ordinary
        await self.ask(query, *lines, **more)
        return self.ordinary == before

    async def warm(self, *lines: bytes) -> None:
        """Ask until they are."""
        async with asyncio.timeout(SECONDS):
            while not await self.at_hand(NAMES, *lines):
                pass


@pytest.fixture
def shop(tmp_path: Path) -> Installation:
    return install(f"sqlite:///{tmp_path / 'near.db'}", tmp_path)


@asynccontextmanager
async def calling(shop: Installation, token: str = "", **settings: Any) -> AsyncIterator[Caller]:
    chosen = shop.settings.model_copy(update=settings)
    traffic = create_app(await asyncio.to_thread(assemble_applied, chosen))
    async with alive(traffic):
        caller = Caller(traffic, token or shop.token)
        for name in ("Chair", "Desk"):
            await Caller(traffic, shop.token).ask(MAKE, given={"name": name})
        yield caller
        caller.line.end()


async def test_an_answer_at_hand_is_the_same_but_for_its_id(shop: Installation) -> None:
    async with calling(shop) as caller:
        status, headers, body = await caller.ask(NAMES)
        await caller.warm()
        near_status, near_headers, near_body = await caller.ask(NAMES)
        assert [each["name"] for each in body["data"]["products"]["nodes"]] == ["Chair", "Desk"]
        assert (near_status, near_body) == (status, body) == (200, body)
        assert headers.pop(b"x-request-id") != near_headers.pop(b"x-request-id")
        assert near_headers == headers
        # what the body asks for, it gets
        assert (await caller.ask(NAMES, given={"first": 1}))[2]["data"]["products"]["nodes"] == [{"name": "Chair"}]


@pytest.mark.parametrize("apart", [False, True])
async def test_requests_that_do_not_wait_for_each_other_are_answered_in_their_order(
    shop: Installation, apart: bool
) -> None:
    async with calling(shop) as caller:
        await caller.warm()
        lines = (b"authorization: Bearer " + caller.token.encode(), b"content-type: application/json")
        sent = [
            post(json.dumps({"query": NAMES, "variables": {"first": first}}).encode().ljust(size), *lines)
            for first, size in ((2, 300), (1, 301), (2, 302), (1, 301))
        ]
        sent = [each.replace(b"POST / ", b"POST /graphql ", 1) for each in sent]
        before = len(caller.line.answers())
        for piece in sent if apart else [b"".join(sent)]:
            caller.line.send(piece)
        async with asyncio.timeout(SECONDS):
            while len(caller.line.answers()) < before + len(sent):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.001)
        found = caller.line.answers()[before:]
        assert [status for status, _, _ in found] == [200] * 4
        assert [len(json.loads(body)["data"]["products"]["nodes"]) for _, _, body in found] == [2, 1, 2, 1]


async def test_they_are_counted_like_all_others(shop: Installation) -> None:
    async with calling(shop) as caller:
        await caller.warm()

        def counted() -> float:
            registry = caller.traffic._metrics.registry
            labels = {"method": "POST", "route": "/graphql", "status": "200"}
            return registry.get_sample_value("xrm_http_request_duration_seconds_count", labels) or 0.0

        before, ordinary = counted(), caller.ordinary
        for _ in range(10):
            await caller.ask(NAMES)
        assert counted() == before + 10
        assert caller.ordinary == ordinary
        assert caller.traffic.under_way == 0


async def test_they_show_what_was_written_a_moment_ago(shop: Installation) -> None:
    async with calling(shop) as caller:
        await caller.warm()
        await Caller(caller.traffic, shop.token).ask(MAKE, given={"name": "Anvil"})
        ordinary = caller.ordinary
        assert (await caller.ask(NAMES))[2]["data"]["products"]["nodes"][0] == {"name": "Anvil"}
        assert caller.ordinary == ordinary


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"query": "{ products { nodes { nothing } } }"}, "BAD_QUERY"),
    ({"query": NAMES, "given": {"first": "many"}}, "BAD_QUERY"),
    ({"query": NAMES, "given": {"first": 10**6}}, "QUERY_TOO_LARGE"),
    ({"query": NAMES, "operationName": "Other"}, "BAD_QUERY"),
    ({"query": NAMES, "extensions": []}, "BAD_REQUEST"),
    ({"query": MAKE, "given": {"name": 5}}, "BAD_QUERY"),
]


async def test_what_is_wrong_is_said_the_ordinary_way(shop: Installation) -> None:
    async with calling(shop) as caller:
        for asked, refused in WRONG * 2:
            await caller.warm()
            body = (await caller.ask(**asked))[2]
            assert [each["extensions"]["code"] for each in body["errors"]] == [refused]


async def test_only_queries_without_more_are_at_hand(shop: Installation) -> None:
    async with calling(shop) as caller:
        await caller.warm()
        assert not await caller.at_hand(MAKE, given={"name": "Bed"})
        await caller.warm()
        status, _, body = await caller.ask(NAMES, extensions={"cost": True})
        assert (status, list(body["extensions"])) == (200, ["cost"])
        for lines in (
            (b"x-request-id: of-the-client",),
            (b"idempotency-key: abcdefgh",),
            (b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",),
            (b"x-view-as: nobody@example.org",),
        ):
            for _ in range(3):
                assert not await caller.at_hand(NAMES, *lines), lines


async def test_answers_are_compressed_as_ever(shop: Installation) -> None:
    async with calling(shop) as caller:
        await caller.warm(b"accept-encoding: gzip")
        names = " ".join(f"alias_{number}: name" for number in range(60))
        many = f"query ($first: Int!) {{ products(first: $first) {{ nodes {{ {names} }} }} }}"
        for _ in range(3):
            assert (await caller.ask(many, b"accept-encoding: gzip"))[1][b"content-encoding"] == b"gzip"
            assert b"content-encoding" not in (await caller.ask(many))[1]


async def test_a_right_that_is_taken_away_is_gone_with_the_policies(shop: Installation) -> None:
    async with calling(shop, shop.buyer) as caller:
        await caller.warm()
        assert "errors" not in (await caller.ask(PRICES))[2]
        assert await caller.at_hand(PRICES)
        shop.change_policies(POLICIES.replace("name price", "name"))
        async with asyncio.timeout(2):
            while "errors" not in (answer := (await caller.ask(PRICES))[2]):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["BAD_QUERY"]
        await caller.warm()


async def test_a_host_name_that_becomes_a_tenants_leads_there(
    shop: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authenticator, "REMEMBER_SECONDS", 1000)
    async with calling(shop) as caller:
        await caller.warm()
        # when the name by which the client has asked the main database so far is given to a tenant
        with closing(Database(shop.settings.database_url)) as database:
            register(database, shop.settings.data_dir, "acme", ["a"])
            set_state(database, "acme", State.ACTIVE)
        # then the main database answers it no more (there is no file of that tenant here, so it has no answer either)
        async with asyncio.timeout(5):
            while (await caller.ask(NAMES))[0] == 200:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        assert not await caller.at_hand()


async def test_a_form_is_read_as_one(shop: Installation) -> None:
    shop.pack.entities["product"]["photo"] = {"x-type": "file"}
    shop.apply()
    asked = json.dumps({"query": NAMES, "variables": {"first": 9}}).encode()
    form = b"".join(
        b'--x\r\ncontent-disposition: form-data; name="%b"\r\n\r\n%b\r\n' % part
        for part in ((b"operations", asked), (b"map", b"{}"))
    )
    form += b"--x--\r\n"
    async with calling(shop) as caller:
        await caller.warm()
        says_form = b"content-type: multipart/form-data; boundary=x"
        statuses = [(await caller.send(body, says_form))[0] for body in (form, form, asked.ljust(len(form)))]
        assert statuses == [200, 200, 422]


async def test_a_token_that_is_revoked_is_refused_soon(shop: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authenticator, "REMEMBER_SECONDS", 0.1)
    async with calling(shop, shop.buyer) as caller:
        await caller.warm()
        with closing(Database(shop.settings.database_url)) as database, database.begin() as connection:
            connection.execute(update(TOKEN).values(revoked_at="2020-01-01T00:00:00+00:00"))
        async with asyncio.timeout(2):
            while (await caller.ask(NAMES))[0] == 200:
                pass
        assert not await caller.at_hand()


async def test_a_field_that_is_removed_is_not_read_any_more(shop: Installation) -> None:
    async with calling(shop) as caller:
        ranks = PRICES.replace("price", "rank")
        await caller.ask(ranks)
        await caller.warm()
        assert await caller.at_hand(ranks)
        del shop.pack.entities["product"]["rank"]
        await asyncio.to_thread(shop.apply, "drop_field:product.rank")
        _, _, body = await caller.ask(ranks)
        assert [each["extensions"]["code"] for each in body["errors"]] == ["BAD_QUERY"]
        await caller.warm()


async def test_reads_that_are_logged_are_logged_each_time(shop: Installation) -> None:
    folder = shop.pack.folder
    text = json.loads((folder / "product.json").read_text()) | {"x-log-reads": True}
    (folder / "product.json").write_text(json.dumps(text))
    with closing(Database(shop.settings.database_url)) as database:
        apply(database, read_model(shop.settings, Plugins(), {}), ())
        async with calling(shop) as caller:
            before = logged(database)
            for _ in range(5):
                assert not await caller.at_hand()
            assert logged(database) == before + 5


def logged(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(READ)) or 0


async def test_a_server_that_ends_answers_nothing_more_at_hand(shop: Installation) -> None:
    async with calling(shop) as caller:
        await caller.warm()
        caller.traffic.stage = Stage.CLOSED
        assert (await caller.ask(NAMES))[0] == 503
        caller.traffic.stage = Stage.SERVING


async def test_what_is_logged_line_by_line_is_not_at_hand(shop: Installation) -> None:
    async with calling(shop, access_log=True) as caller:
        for _ in range(5):
            assert not await caller.at_hand()
