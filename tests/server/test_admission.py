"""How requests come to a server that is full: in turns, refused without being begun, and never before its health."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from tests.garbage import leave_what_is_there
from tests.server.test_one_write import Wire
from xrm_core.server.admission import Admission
from xrm_core.server.crowd import _MOST_SAVED, ENOUGH, PATIENCE, SHARE, Crowd
from xrm_core.server.metrics import Metrics
from xrm_core.server.one_write import ANSWER
from xrm_core.server.slow_readers import LEAST
from xrm_core.server.traffic import Traffic
from xrm_core.settings import load_settings

SECONDS = 10


class Desk:
    """A server with room for some requests, whose answers wait until they may go; health is answered at once."""

    def __init__(self, **settings: Any) -> None:
        self.may_go = asyncio.Event()
        self.begun: list[str] = []
        self.metrics = Metrics()
        self.traffic = Traffic(self._answer, load_settings(**settings), self.metrics)
        self._config = uvicorn.Config(
            self.traffic, ws="none", lifespan="off", log_config=None, access_log=False, proxy_headers=False
        )
        self._config.load()
        self._state = ServerState()
        self._opened: list[Admission] = []

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun.append(scope["path"])
        if not scope["path"].startswith("/health/"):
            await asyncio.wait_for(self.may_go.wait(), SECONDS)
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    def client(self, wire: Wire | None = None) -> "Client":
        made = Admission(config=self._config, server_state=self._state, app_state={})
        wire = wire or Wire()
        made.connection_made(wire)
        self._opened.append(made)
        return Client(made, wire)

    async def end(self) -> None:
        self.may_go.set()
        async with asyncio.timeout(SECONDS):
            while len(self.traffic.crowd) or self._state.tasks:  # noqa: ASYNC110 - several to wait for
                await asyncio.sleep(0)
        for each in self._opened:
            each._unset_keepalive_if_required()


class Client:
    """A connection."""

    def __init__(self, protocol: Admission, wire: Wire) -> None:
        self.protocol, self.wire = protocol, wire

    def send(self, data: bytes) -> None:
        self.protocol.data_received(data)

    @property
    def read(self) -> bytes:
        return b"".join(self.wire.written)

    async def answer(self) -> bytes:
        """What is written from now on; it has ended with an answer, or with the connection."""
        before = len(self.wire.written)
        async with asyncio.timeout(SECONDS):
            while len(self.wire.written) == before:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)
        return b"".join(self.wire.written[before:])


@asynccontextmanager
async def desk(**settings: Any) -> AsyncIterator[Desk]:
    made = Desk(**settings)
    try:
        yield made
    finally:
        await made.end()


def request(path: str = "/graphql", method: str = "GET", *headers: str) -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/1.1", "host: a", *headers, "", "")).encode()


async def test_a_request_too_many_is_refused_and_its_connection_is_of_further_use() -> None:
    async with desk(max_requests=1) as full:
        first, second = full.client(), full.client()
        first.send(request())
        second.send(request("/graphql", "GET", "x-request-id: from-the-proxy-1"))

        refused = await second.answer()

        assert refused.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        for each in (b"\r\nretry-after: 1\r\n", b"\r\nx-request-id: from-the-proxy-1\r\n", b'"code":"OVERLOADED"'):
            assert refused.count(each) == 1
        assert b"connection: close" not in refused
        assert full.begun == ["/graphql"]
        full.may_go.set()
        assert (await first.answer()).startswith(b"HTTP/1.1 200 OK")
        second.send(request())
        assert (await second.answer()).endswith(b"\r\n\r\nok")
        assert full.traffic.under_way == 0


async def test_refusals_are_counted() -> None:
    async with desk(max_requests=1) as full:
        full.client().send(request())
        other = full.client()
        other.send(request(method="DELETE"))
        await other.answer()
        of = full.metrics.registry.get_sample_value
        named = {"method": "DELETE", "route": "none", "status": "503"}
        assert of("xrm_http_request_duration_seconds_count", named) == 1
        assert of("xrm_errors_total", {"code": "OVERLOADED"}) == 1


async def test_of_those_that_arrive_at_the_same_moment_no_more_are_begun_than_there_is_room_for() -> None:
    async with desk(max_requests=3) as full:
        clients = [full.client() for _ in range(20)]
        for each in clients:
            each.send(request())
        async with asyncio.timeout(SECONDS):
            while sum(b"503" in each.read for each in clients) < 17:  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert len(full.begun) == 3
        assert len(full.traffic.crowd) == 0
        full.may_go.set()
        await asyncio.gather(*full._state.tasks)
        assert sum(b"200 OK" in each.read for each in clients) == 3


@pytest.mark.parametrize("header", ["content-length: 100000", "transfer-encoding: chunked", "expect: 100-continue"])
async def test_a_refusal_ends_a_connection_on_which_nobody_knows_what_comes(header: str) -> None:
    async with desk(max_requests=1) as full:
        full.client().send(request())
        other = full.client()
        other.send(request("/files", "POST", header, *(["content-length: 5"] if "expect" in header else [])))
        refused = await other.answer()
        assert b"\r\nconnection: close\r\n" in refused
        assert b"100 Continue" not in refused
        assert refused.endswith(b"<closed>")


async def test_nothing_is_begun_that_came_along_with_what_ended_its_connection() -> None:
    async with desk(max_requests=2) as full:
        full.client().send(request())
        full.client().send(request())
        await asyncio.sleep(0)
        other = full.client()
        refused = request("/files", "POST", "transfer-encoding: chunked") + b"1\r\na\r\n0\r\n\r\n"
        other.send(refused + request("/health/ready") + request("/health/live"))
        assert (await other.answer()).endswith(b"<closed>")
        await asyncio.sleep(0)
        assert full.begun == ["/graphql", "/graphql"]


async def test_a_body_that_comes_after_its_refusal_is_passed_over() -> None:
    async with desk(max_requests=1) as full:
        full.client().send(request())
        other = full.client()
        other.send(request("/graphql", "POST", "content-length: 40"))
        await other.answer()
        other.send(request("/health/live") + b" " * (40 - len(request("/health/live"))) + request("/health/ready"))
        assert b"200 OK" in await other.answer()
        assert full.begun == ["/graphql", "/health/ready"]


async def test_health_and_sign_in_are_ahead_of_all_that_wait() -> None:
    async with desk(max_requests=1) as full:
        full.client().send(request())
        await asyncio.sleep(0)
        crowd = [full.client() for _ in range(50)]
        for each in crowd:
            each.send(request())
        health, sign_in = full.client(), full.client()
        health.send(request("/health/ready"))
        sign_in.send(request("/auth/login", "POST", "content-length: 0"))
        assert len(full.traffic.crowd) == 50
        assert b"200 OK" in await health.answer()
        assert "/auth/login" in full.begun


async def test_who_has_gone_before_its_turn_is_passed_over() -> None:
    async with desk(max_requests=1) as full:
        full.client().send(request())
        await asyncio.sleep(0)
        gone, stays = full.client(), full.client()
        for each in (gone, stays):
            each.send(request())
        gone.protocol.connection_lost(OSError())
        assert b"503" in await stays.answer()
        assert gone.read == b""


async def test_requests_that_were_sent_at_once_are_answered_in_their_order() -> None:
    async with desk(max_requests=1) as full:
        client = full.client()
        client.send(request("/a") + request("/b") + request("/c"))
        full.may_go.set()
        async with asyncio.timeout(SECONDS):
            while client.read.count(b"HTTP/1.1 ") < 3:  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert client.read.count(b"200 OK") == 3
        assert full.begun == ["/a", "/b", "/c"]


class Full(Wire):
    """A connection whose client takes so much of what waits at each look."""

    def __init__(self, waiting: int) -> None:
        super().__init__()
        self.waiting, self.aborted = waiting, False

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def abort(self) -> None:
        self.aborted = True


@pytest.mark.parametrize(("takes", "is_cut"), [(0, True), (LEAST - 1, True), (LEAST, False)])
async def test_who_takes_too_little_of_what_waits_is_cut_off(
    takes: int, is_cut: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xrm_core.server.slow_readers.SECONDS", 0.001)
    async with desk() as made:
        wire = Full(10 * LEAST)
        client = made.client(wire)
        client.protocol.pause_writing()
        async with asyncio.timeout(SECONDS):
            while wire.waiting > 0 and not wire.aborted:
                wire.waiting -= takes
                looked = client.protocol._reader._timer
                while client.protocol._reader._timer is looked:  # noqa: ASYNC110
                    await asyncio.sleep(0)
        assert wire.aborted is is_cut


async def test_who_takes_it_in_time_is_not_watched_any_more() -> None:
    async with desk() as made:
        client = made.client(Full(10 * LEAST))
        client.protocol.pause_writing()
        client.protocol.resume_writing()
        assert client.protocol._reader._timer is None
        # nor is a connection that has ended
        client.protocol.pause_writing()
        client.protocol.connection_lost(OSError())
        assert client.protocol._reader._timer is None


async def test_a_connection_that_is_closed_with_something_left_is_watched() -> None:
    async with desk() as made:
        wire = Full(100)
        client = made.client(wire)
        # not while it is in use
        client.protocol.timeout_keep_alive_handler()
        assert (client.read, client.protocol._reader._timer) == (b"", None)
        # but once it has been idle for long
        client.protocol._idle_since = float("-inf")
        client.protocol.timeout_keep_alive_handler()
        assert client.read == b"<closed>"
        assert client.protocol._reader._timer is not None
        client.protocol._reader.end()


async def test_a_crowd_takes_a_part_of_the_time_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    # given two hundred who wait, of whom each takes a moment, by a clock that counts nothing else
    crowd, came, now = Crowd(lambda: True), 0, 1000.0
    monkeypatch.setattr("xrm_core.server.crowd.perf_counter", lambda: now)

    def come_in(_is_late: bool) -> None:
        nonlocal came, now
        came += 1
        now += 0.0002

    for _ in range(200):
        crowd.wait(come_in)
    # when something else needs fifty rounds of the loop, and as many of the crowd can be in between
    for _ in range(50):
        now += 0.001
        crowd._round()
    # then they have hardly been in its way: what was saved for them, and their share of the time
    most = (_MOST_SAVED + SHARE * (now - 1000.0)) / 0.0002
    assert most / 2 <= came <= most + 50 < 200
    async with asyncio.timeout(SECONDS):
        while len(crowd):
            now += 0.001
            await asyncio.sleep(0)
    assert came == 200


async def test_as_long_as_there_is_less_than_enough_to_do_all_are_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a crowd that has used up its time, and two thousand who wait
    now, under_way, came = 1000.0, 0, list[bool]()
    monkeypatch.setattr("xrm_core.server.crowd.perf_counter", lambda: now)
    crowd = Crowd(lambda: under_way >= ENOUGH)
    crowd._saved, crowd._looked_at = -_MOST_SAVED, now

    def come_in(is_late: bool) -> None:
        nonlocal under_way
        under_way += 1
        came.append(is_late)

    for _ in range(2_000):
        crowd.wait(come_in)
    # when what is under way ends again and again, though nothing is left of their time
    rounds = 0
    while len(crowd):
        rounds += 1
        crowd._round()
        assert under_way == ENOUGH or not len(crowd)
        under_way = 0
    # then all are let in, as many at a time as are enough
    assert rounds == -(-2_000 // ENOUGH)
    assert came == [False] * 2_000


async def test_who_has_waited_for_too_long_is_refused_though_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(max_requests=1_000) as made:
        # given as much under way as is enough, and one who has waited for too long by now
        for _ in range(ENOUGH):
            made.client().send(request())
        await _rounds()
        late, now = made.client(), time.perf_counter()
        late.send(request())
        monkeypatch.setattr("xrm_core.server.crowd.perf_counter", lambda: now + PATIENCE + 1)
        # when it is its turn, then it is refused
        assert b"503 Service Unavailable" in await late.answer()
        # and who comes now is let in, though more than enough is under way
        other = made.client()
        other.send(request("/other"))
        async with asyncio.timeout(SECONDS):
            while "/other" not in made.begun:  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert other.read == b""


async def test_what_comes_behind_a_request_that_waits_does_not_overtake_it() -> None:
    async with desk(max_requests=2) as made:
        made.client().send(request())
        made.client().send(request())
        await _rounds()
        client = made.client()
        whole = request("/a", "POST", "content-length: 4")
        client.send(whole[:20])
        client.send(whole[20:] + b"abcd")
        client.send(request("/health/live"))
        answers = await client.answer()
        async with asyncio.timeout(SECONDS):
            while b"200 OK" not in client.read:  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert answers.startswith(b"HTTP/1.1 503")
        assert client.read.index(b"503") < client.read.index(b"200 OK")


async def test_requests_leave_nothing_to_the_garbage_collector() -> None:
    async def whole(scope: Scope, receive: Receive, _send: Send) -> None:
        await receive()
        assert scope[ANSWER](b"content-length: 2\r\n", b"ok")

    async with desk() as made:
        made.traffic.app = whole
        client = made.client()
        client.send(request("/graphql"))
        await _rounds()
        left = []
        leave_what_is_there()  # that of other tests would be looked through each time
        for _ in range(3):
            gc.collect()
            gc.disable()
            try:
                for _ in range(50):
                    client.send(request("/graphql"))
                    await _rounds()
                left.append(gc.collect())
            finally:
                gc.enable()
        assert client.read.count(b"HTTP/1.1 200") == 151
        # What is left is of the test and of asyncio, and does not grow with each request. A thread of another test may
        # leave something meanwhile, but hardly three times.
        assert min(left) < 50, left


async def _rounds() -> None:
    for _ in range(5):
        await asyncio.sleep(0)
