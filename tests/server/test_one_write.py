"""Head and body of an answer leave in one write, and none is held back for longer than ASGI wants."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from xrm_core.server.one_write import ANSWER, MOST_COPIED, Protocol


class Wire(asyncio.Transport):
    """A transport that notes what is written, and when it is closed."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return b"<closed>" in self.written

    def close(self) -> None:
        self.written.append(b"<closed>")

    def pause_reading(self) -> None:
        """Nothing to pause."""

    def resume_reading(self) -> None:
        """Nothing to resume."""


def exchange(app: Any, *sent: bytes) -> list[bytes]:
    """What is written to a connection on which a client sends this, one after the other."""

    async def talk() -> list[bytes]:
        config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None, access_log=False)
        config.load()
        state, wire = ServerState(), Wire()
        protocol = Protocol(config=config, server_state=state, app_state={})
        protocol.connection_made(wire)
        for each in sent:
            protocol.data_received(each)
            for _ in range(100):
                await asyncio.sleep(0)
        written = list(wire.written)
        for task in state.tasks:
            task.cancel()
        protocol._unset_keepalive_if_required()
        return written

    return asyncio.run(talk())


def answering(*parts: bytes, length: int | None = None, wait: bool = False) -> Any:
    async def app(_scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        await receive()
        headers = [(b"content-length", b"%d" % (sum(map(len, parts)) if length is None else length))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if wait:
            await asyncio.Event().wait()
        for number, part in enumerate(parts):
            await send({"type": "http.response.body", "body": part, "more_body": number + 1 < len(parts)})

    return app


GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"


def test_an_answer_is_one_write() -> None:
    [written] = exchange(answering(b"hello"), GET)
    assert written.startswith(b"HTTP/1.1 200 OK\r\n")
    assert written.endswith(b"\r\n\r\nhello")


def test_so_are_the_answers_of_one_connection_after_each_other() -> None:
    written = exchange(answering(b"hello"), GET, GET, GET)
    assert [each.count(b"HTTP/1.1 200") for each in written] == [1, 1, 1]
    assert all(each.endswith(b"hello") for each in written)


def test_requests_that_come_at_once_are_answered_in_their_order() -> None:
    written = b"".join(exchange(answering(b"hello"), GET * 3))
    assert written == b"".join(exchange(answering(b"hello"), GET)) * 3


class Reading(Wire):
    """A transport that knows whether it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.is_read = True

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True


async def test_nothing_more_is_read_while_a_request_waits_behind_another() -> None:
    # given a client that sends the next requests without waiting for answers
    turn = asyncio.Semaphore(0)
    answer = answering(b"hello")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def when_let(message: Any) -> None:
            if message["type"] == "http.response.start":
                await turn.acquire()
            await send(message)

        await answer(scope, receive, when_let)

    config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None, access_log=False)
    config.load()
    state, wire = ServerState(), Reading()
    protocol = Protocol(config=config, server_state=state, app_state={})
    protocol.connection_made(wire)
    protocol.data_received(GET * 3)
    # then it is read on only when the last of them is under way
    read = []
    for _ in range(3):
        for _ in range(30):
            await asyncio.sleep(0)
        read.append(wire.is_read)
        turn.release()
    for _ in range(30):
        await asyncio.sleep(0)
    protocol.connection_lost(None)
    assert read == [False, False, True]
    assert b"".join(wire.written).count(b"HTTP/1.1 200 OK") == 3


def test_further_parts_leave_at_once_whatever_they_look_like() -> None:
    first, *rest = exchange(answering(b"a", b"HTTP/1.1 200 OK", b"c"), GET)
    assert first.endswith(b"\r\n\r\na")
    assert rest == [b"HTTP/1.1 200 OK", b"c"]


def test_a_large_body_is_not_copied() -> None:
    head, body = exchange(answering(b"x" * (MOST_COPIED + 1)), GET)
    assert head.endswith(b"\r\n\r\n")
    assert len(body) == MOST_COPIED + 1


def test_an_answer_without_body_leaves_too() -> None:
    [written] = exchange(answering(b"hello"), GET.replace(b"GET", b"HEAD"))
    assert b"content-length: 5\r\n" in written
    assert written.endswith(b"\r\n\r\n")
    [empty] = exchange(answering(b""), GET)
    assert empty.endswith(b"\r\n\r\n")


def test_a_client_that_asks_whether_to_go_on_is_told_so() -> None:
    asked = b"POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n"
    assert exchange(answering(b"hello"), asked)[0] == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_a_head_whose_body_fails_leaves_before_the_end() -> None:
    head, closed = exchange(answering(b"hello", length=3), GET)
    assert (head[:15], closed) == (b"HTTP/1.1 200 OK", b"<closed>")


def test_a_head_waits_for_its_body() -> None:
    assert exchange(answering(b"hello", wait=True), GET) == []


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"])
def test_what_closes_the_connection_is_written_before(sent: bytes) -> None:
    *written, closed = exchange(answering(b"hello"), sent)
    assert b"".join(written).startswith(b"HTTP/1.1 ")
    assert closed == b"<closed>"


POST = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nab"
LINES = b"x-a: b\r\ncontent-length: 5\r\n"


def having_it(body: bytes = b"hello", *, taken: list[bool]) -> Any:
    """An application that has its answer whole, and else sends it by messages."""

    async def app(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        await receive()
        taken.append(scope[ANSWER](b"x-a: b\r\ncontent-length: %d\r\n" % len(body), body))
        if not taken[-1]:
            headers = [(b"x-a", b"b"), (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    return app


def test_a_whole_answer_leaves_as_messages_would_have_left_it() -> None:
    taken: list[bool] = []
    whole = exchange(having_it(taken=taken), POST, POST)
    by_messages = exchange(answering(b"hello"), POST, POST)
    assert taken == [True, True]
    assert [each.replace(b"x-a: b\r\n", b"") for each in whole] == by_messages


def test_whole_answers_to_requests_that_come_at_once_keep_their_order() -> None:
    taken: list[bool] = []
    bodies = iter((b"1", b"22", b"333"))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await having_it(next(bodies), taken=taken)(scope, receive, send)

    written = exchange(app, POST * 3)
    assert [each.rpartition(b"\r\n")[2] for each in written] == [b"1", b"22", b"333"]
    assert taken == [True] * 3


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_whole_answers_that_end_the_connection_are_sent_by_messages(version: bytes) -> None:
    taken: list[bool] = []
    sent = b"POST / HTTP/%b\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % version
    *written, closed = exchange(having_it(taken=taken), sent)
    assert (taken, closed) == ([False], b"<closed>")
    assert b"connection: close" in b"".join(written)


def test_whole_answers_that_are_large_are_sent_by_messages() -> None:
    taken: list[bool] = []
    head, body = exchange(having_it(b"x" * (MOST_COPIED + 1), taken=taken), POST)
    assert (taken, len(body)) == ([False], MOST_COPIED + 1)
    assert head.endswith(b"\r\n\r\n")


def test_nothing_follows_a_whole_answer() -> None:
    async def app(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        await receive()
        assert scope[ANSWER](LINES, b"hello")
        assert not scope[ANSWER](LINES, b"hello")
        with pytest.raises(RuntimeError):
            await send({"type": "http.response.start", "status": 200, "headers": []})
        assert (await receive())["type"] == "http.disconnect"

    [written] = exchange(app, POST)
    assert written.endswith(b"\r\n\r\nhello")


class Clock:
    """The time of an event loop that only moves when a test says so, with what is to be called later."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self.now = loop, 1000.0
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.made = 0

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, what: Callable[[], None]) -> Any:
        self.made += 1
        entry = (self.now + seconds, what)
        self.later.append(entry)

        class Handle:
            def cancel(inner) -> None:  # noqa: N805
                self.later = [each for each in self.later if each is not entry]

        return Handle()

    def go_on(self, seconds: float) -> None:
        self.now += seconds
        for entry in [each for each in self.later if each[0] <= self.now]:
            self.later.remove(entry)
            entry[1]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


def idle(steps: Callable[[Protocol, Wire, Clock, Callable[[], Awaitable[None]]], Awaitable[None]], app: Any) -> None:
    """Do something with a connection that is closed after five idle seconds."""

    async def talk() -> None:
        config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None, access_log=False, timeout_keep_alive=5)
        config.load()
        clock, wire = Clock(asyncio.get_running_loop()), Wire()
        protocol = Protocol(config=config, server_state=ServerState(), app_state={}, _loop=clock)  # type: ignore[arg-type]
        protocol.connection_made(wire)

        async def settled() -> None:
            for _ in range(100):
                await asyncio.sleep(0)

        await steps(protocol, wire, clock, settled)

    asyncio.run(talk())


def test_idle_connections_are_closed_and_busy_ones_are_not() -> None:
    async def steps(protocol: Protocol, wire: Wire, clock: Clock, settled: Callable[[], Awaitable[None]]) -> None:
        for _ in range(40):
            protocol.data_received(GET)
            await settled()
            clock.go_on(1)
            assert not wire.is_closing()
        assert clock.made <= 40 / 4 + 1  # not one for each request
        clock.go_on(4)
        assert wire.is_closing()

    idle(steps, answering(b"hello"))


def test_a_connection_is_not_closed_while_its_request_is_under_way() -> None:
    may_go = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/slow":
            await may_go.wait()
        await answering(b"hello")(scope, receive, send)

    async def steps(protocol: Protocol, wire: Wire, clock: Clock, settled: Callable[[], Awaitable[None]]) -> None:
        protocol.data_received(GET)
        await settled()
        protocol.data_received(GET.replace(b"/ ", b"/slow ", 1))
        await settled()
        clock.go_on(60)
        clock.go_on(60)
        assert not wire.is_closing()
        may_go.set()
        await settled()
        clock.go_on(4)
        assert not wire.is_closing()
        clock.go_on(2)
        assert wire.is_closing()

    idle(steps, app)


def test_a_connection_that_is_lost_leaves_no_timer() -> None:
    async def steps(protocol: Protocol, wire: Wire, clock: Clock, settled: Callable[[], Awaitable[None]]) -> None:
        protocol.data_received(GET)
        await settled()
        assert clock.later
        protocol.connection_lost(ConnectionResetError())
        assert not clock.later

    idle(steps, answering(b"hello"))
