"""Head and body of an answer in one write to the socket. Uvicorn writes them apart, which costs a system call.

ASGI demands no less: a server must not send the head before it has got the first part of the body.
"""

import asyncio
from collections.abc import Callable, Sequence, Sized
from functools import partial
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MOST_COPIED = 65_536
"""Bytes of a body that are copied behind their head; of more, the copy takes longer than a system call."""

ANSWER = "xrm.answer"
"""Key of a scope: an :data:`Answering` for who has a whole answer at hand. Who wraps ``send`` to see or change answers
must wrap this, too, or take it away. Other servers do not have it."""

Answering = Callable[[bytes, bytes], bool]
"""Takes the lines of the head, each with its end, ``content-length`` among them, and the body, and answers 200 at once
with them. False: nothing was done, the answer has to be sent by messages."""


class HeldHead:
    """A transport that keeps the head of each answer until its body comes.

    Args:
        transport: the connection's own.
        protocol: knows which answer is being sent.
    """

    __slots__ = ("_cycle", "_head", "_protocol", "_transport")

    def __init__(self, transport: asyncio.Transport, protocol: HttpToolsProtocol) -> None:
        self._transport = transport
        self._protocol = protocol
        self._cycle: object = None
        self._head: bytes | None = None

    @property
    def plain(self) -> asyncio.Transport:
        """The connection's own."""
        return self._transport

    def write(self, data: bytes) -> None:
        """Write, or hold what is a head."""
        head, cycle = self._head, self._protocol.cycle
        if head is not None:
            self._head = None
            if len(data) > MOST_COPIED:
                self._transport.write(head)
            else:
                data = head + data
        elif cycle is not self._cycle and cycle.response_started and cycle.scope["method"] != "HEAD":
            self._cycle, self._head = cycle, data  # «100 Continue» comes before the answer has started
            return
        self._transport.write(data)

    def close(self) -> None:
        """Close the connection when everything is written, a head without its body, too."""
        if self._head is not None:
            self.write(b"")
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Flow(FlowControl):
    """Of a connection: no more is read of it while a request waits that came behind the one under way.

    Uvicorn reads on whenever a request asks for its body, or is answered: whoever sends faster than they take answers
    would have it keep all that they send.
    """

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        """See uvicorn."""
        if not self._waiting:  # else the one under way is whole
            super().resume_reading()


class Protocol(HttpToolsProtocol):
    """Uvicorn's, on such a transport, and with one timer for a connection instead of one for each request."""

    _defaults: tuple[object, bytes] = (None, b"")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Hold heads on this connection."""
        super().connection_made(transport)
        self.transport = HeldHead(transport, self)  # type: ignore[assignment]
        self.flow = _Flow(transport, self.pipeline)
        self._idle_since: float | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """See uvicorn."""
        super().connection_lost(exc)
        super()._unset_keepalive_if_required()

    def on_response_complete(self) -> None:
        """See uvicorn; the connection is idle from now on if no request waits behind this one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        following = self.pipeline.pop() if self.pipeline else None
        self.flow.resume_reading()
        if following is None:
            self._is_idle()
        else:
            self._start_asgi_task(*following)

    def _is_idle(self) -> None:
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_later(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it has been idle for long enough; else look again when it may have been."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return  # a request is under way, and its end begins anew
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._look_later(left)
        else:
            super().timeout_keep_alive_handler()

    def _look_later(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None  # the timer itself stays

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.scope[ANSWER] = partial(self._answer, cycle)  # type: ignore[literal-required]
        super()._start_asgi_task(cycle, app)

    def handle_websocket_upgrade(self) -> None:
        """Give the connection on as it is: a socket has no heads."""
        self.transport = getattr(self.transport, "plain", self.transport)
        super().handle_websocket_upgrade()

    def _answer(self, cycle: RequestResponseCycle, head: bytes, body: bytes) -> bool:
        """Answer 200 at once: what uvicorn does in ``send`` for the two messages of an answer, for this one case."""
        ordinary = cycle.keep_alive and not (cycle.response_started or cycle.disconnected or cycle.access_log)
        if not ordinary or cycle.flow.write_paused or len(body) > MOST_COPIED:
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        lines = self._default_lines(cycle.default_headers)
        transport: Any = cycle.transport
        transport.plain.write(b"HTTP/1.1 200 OK\r\n%b%b\r\n%b" % (lines, head, body))
        cycle.message_event.set()
        cycle.on_response()
        return True

    def _default_lines(self, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        """Of every answer; uvicorn makes the headers anew each second."""
        known, lines = self._defaults
        if headers is not known:
            lines = b"".join([b"%b: %b\r\n" % each for each in headers])
            self._defaults = headers, lines
        return lines
