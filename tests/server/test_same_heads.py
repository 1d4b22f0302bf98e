"""Requests whose head came before are answered from their bodies alone: the same answers, in the same order."""

import asyncio
import gc
from typing import Any

import httptools
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from tests.garbage import leave_what_is_there
from tests.server.test_one_write import Wire
from xrm_core.server.one_write import MOST_COPIED, Protocol
from xrm_core.server.same_heads import _KEPT, AGAIN, SameHeads


class Echo:
    """Answers with the body that came, and offers to do so again; ``asked`` are those that came the ordinary way."""

    def __init__(self, *, offers: bool = True) -> None:
        self.asked: list[bytes] = []
        self.again: list[bytes] = []
        self.knows = True
        self._offers = offers

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.asked.append(body)
        if AGAIN in scope and self._offers:
            scope[AGAIN](self._again)
        scope.pop(AGAIN, None)
        headers = [(b"kind", b"echo"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _again(self, body: bytes) -> tuple[bytes, bytes] | None:
        if not self.knows:
            return None
        self.again.append(body)
        return b"kind: echo\r\n", body


class Line:
    """A connection to an application."""

    def __init__(self, app: Any, kind: type[Protocol] = SameHeads) -> None:
        config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None, access_log=False)
        config.load()
        self.state, self.wire = ServerState(), Wire()
        self.state.default_headers = [(b"server", b"test")]
        self.protocol = kind(config=config, server_state=self.state, app_state={})
        self.protocol.connection_made(self.wire)

    def send(self, data: bytes) -> None:
        if not self.wire.is_closing():
            self.protocol.data_received(data)

    async def rest(self) -> None:
        for _ in range(60):
            await asyncio.sleep(0)

    def end(self) -> None:
        for task in self.state.tasks:
            task.cancel()
        self.protocol.connection_lost(None)

    def answers(self) -> list[tuple[int, dict[bytes, bytes], bytes]]:
        """Status, headers and body of each."""
        found: list[tuple[int, dict[bytes, bytes], bytes]] = []

        class Read:
            def on_message_begin(self) -> None:
                self.headers: dict[bytes, bytes] = {}
                self.body = b""

            def on_header(self, name: bytes, value: bytes) -> None:
                self.headers[name] = value

            def on_body(self, body: bytes) -> None:
                self.body += body

            def on_message_complete(self) -> None:
                if parser.get_status_code() != 100:
                    found.append((parser.get_status_code(), self.headers, self.body))

        parser = httptools.HttpResponseParser(Read())
        parser.feed_data(b"".join(each for each in self.wire.written if each != b"<closed>"))
        return found


def post(body: bytes, *lines: bytes, version: bytes = b"1.1") -> bytes:
    head = (b"POST / HTTP/" + version, b"host: a", *lines, b"content-length: %d" % len(body))
    return b"\r\n".join((*head, b"", body))


async def test_a_head_that_came_before_is_not_read_again() -> None:
    app = Echo()
    line = Line(app)
    for body in (b"one", b"two", b"six"):
        line.send(post(body))
        await line.rest()
    line.send(post(b"seven"))  # another head, by its length
    await line.rest()
    line.end()
    assert (app.asked, app.again) == ([b"one", b"seven"], [b"two", b"six"])
    first, *others = line.answers()
    assert [body for _, _, body in (first, *others)] == [b"one", b"two", b"six", b"seven"]
    assert others[0][:2] == first[:2]
    assert line.state.total_requests == 4


async def test_what_is_not_at_hand_goes_the_ordinary_way() -> None:
    app = Echo()
    line = Line(app)
    line.send(post(b"one"))
    await line.rest()
    app.knows = False
    line.send(post(b"two"))
    await line.rest()
    line.end()
    assert (app.asked, app.again) == ([b"one", b"two"], [])
    assert [body for _, _, body in line.answers()] == [b"one", b"two"]


@pytest.mark.parametrize(
    "asked",
    [
        post(b"ab", b"connection: close"),
        post(b"ab", version=b"1.0"),
        post(b"ab", b"expect: 100-continue"),
        post(b"ab", b"upgrade: h2c"),
        post(b"ab", b"filler: " + b"x" * 2048),
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
    ],
)
async def test_heads_that_say_more_are_always_read(asked: bytes) -> None:
    app = Echo()
    line = Line(app)
    for _ in range(3):
        line.send(asked)
        await line.rest()
    line.end()
    assert app.again == []


async def test_of_several_requests_that_came_together_no_head_is_kept() -> None:
    app = Echo()
    line = Line(app)
    for _ in range(2):
        line.send(post(b"one") + post(b"seven"))
        await line.rest()
    line.end()
    assert (app.asked, app.again) == ([b"one", b"seven"] * 2, [])


async def test_few_heads_are_kept_and_none_of_a_connection_that_is_gone() -> None:
    line = Line(Echo())
    for number in range(5 * _KEPT):
        line.send(post(b"x" * number))
        await line.rest()
        assert len(line.protocol._kept) <= _KEPT  # type: ignore[attr-defined]
    line.end()
    assert not line.protocol._kept  # type: ignore[attr-defined]


async def test_large_answers_are_not_copied() -> None:
    app = Echo()
    line = Line(app)
    for _ in range(2):
        line.send(post(b"x" * (MOST_COPIED + 1)))
        await line.rest()
    line.end()
    assert len(app.again) == 1
    assert line.wire.written[-3].endswith(b"\r\n\r\n")
    assert len(line.wire.written[-2]) == MOST_COPIED + 1


async def test_nothing_is_answered_on_a_connection_that_ends() -> None:
    app = Echo()
    line = Line(app)
    line.send(post(b"one"))
    await line.rest()
    line.wire.close()
    line.protocol.data_received(post(b"two"))
    assert app.again == []
    line.end()


async def test_a_connection_is_idle_from_its_last_answer_on() -> None:
    line = Line(Echo())
    line.send(post(b"one"))
    await line.rest()
    line.protocol._idle_since = None
    line.send(post(b"two"))
    assert line.protocol._idle_since is not None
    assert line.protocol.timeout_keep_alive_task is not None
    line.end()


async def test_they_leave_nothing_to_the_garbage_collector() -> None:
    line = Line(Echo())
    line.send(post(b"one"))
    await line.rest()
    left = []
    leave_what_is_there()  # that of other tests would be looked through each time
    for _ in range(3):
        gc.collect()
        gc.disable()
        try:
            for _ in range(50):
                line.send(post(b"two"))
            left.append(gc.collect())
        finally:
            gc.enable()
    line.end()
    assert min(left) < 50, left


NONSENSE = (b"nonsense\r\n\r\n", b"POST / HTTP/1.1\nhost: a\ncontent-length: 0\n\n")
_WHOLE = st.one_of(
    st.binary(max_size=4).map(post),
    st.binary(max_size=4).map(lambda body: post(body, b"x-other: 1")),
    st.binary(max_size=4).map(lambda body: post(body, b"expect: 100-continue")),
    st.sampled_from(
        [
            b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
            b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            post(b"GET / HTTP/1.1\r\n\r\n"),
            b"\r\n",
            *NONSENSE,
        ]
    ),
)


@given(st.lists(_WHOLE, max_size=12), st.data())
def test_however_requests_arrive_the_answers_are_those_of_one_who_reads_all(sent: list[bytes], data: Any) -> None:
    # given what a client sends, cut anywhere or nowhere, with pauses or without
    pieces: list[tuple[bytes, bool]] = []
    together = b""
    for each in sent:
        if each in NONSENSE:  # it ends the connection, and who was answered by then is a matter of chance
            pieces.append((together, True))
            together = b""
        together += each
        if data.draw(st.integers(0, 3)) > 0:
            cut = data.draw(st.integers(1, 60)) if data.draw(st.integers(0, 4)) == 0 else len(together)
            pieces += [(part, data.draw(st.booleans())) for part in (together[:cut], together[cut:]) if part]
            together = b""
    pieces.append((together, True))

    async def answers(kind: type[Protocol]) -> bytes:
        line = Line(Echo(), kind)
        for piece, pauses in pieces:
            if piece:
                line.send(piece)
            if pauses:
                await line.rest()
        await line.rest()
        line.end()
        return b"".join(line.wire.written).replace(b"<closed>", b"")

    async def both() -> None:
        assert await answers(SameHeads) == await answers(Protocol)

    asyncio.run(both())
