"""Head and body of an answer leave in one write, and none is held back for longer than ASGI wants."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from xrm_core.server.one_write import MOST_COPIED, Protocol


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
