"""Requests whose head came before, byte for byte: what follows from a head is not found out again.

A client sends the same head with each of its requests on a connection, and another body. To parse it, to make a task,
and to ask each layer what it says takes longer than to read a record by its id. So who answers a request may offer to
answer others of that head from their bodies alone. What is not at hand goes the ordinary way, which also says what is
wrong.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from xrm_core.server.one_write import MOST_COPIED, HeldHead, Protocol

AGAIN = "xrm.again"
"""Key of a scope: an :data:`Offering`. Who looks at each request, or changes its answer, must wrap what is offered, or
take the key away. Other servers do not have it."""

Again = Callable[[bytes], tuple[bytes, bytes] | None]
"""Takes the body of another request of the same head and gives the lines of the head of its answer, each with its end
but without ``content-length``, and its body, if it is 200 and at hand. None: nothing was done. It raises nothing."""

Offering = Callable[[Again], None]

_END = b"\r\n\r\n"
_MOST = 2048  # bytes of a head that is kept
_KEPT = 8  # heads of a connection: the length of the body stands in them
_NOT_PLAIN = frozenset({b"expect", b"transfer-encoding", b"upgrade"})


@dataclass(frozen=True, slots=True)
class _Kept:
    length: int
    again: Again


class SameHeads(Protocol):
    """A protocol that keeps the last heads of its connection, with what was offered for them.

    Only a request that arrives alone, whole and in one piece is taken by its head: all others are for the parser, which
    then does not know that some were not shown to it, since it stands between two messages.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._kept: dict[bytes, _Kept] = {}
        self._came: tuple[bytes, int] | None = None
        self._begun = self._in_message = False

    def on_message_begin(self) -> None:
        """See uvicorn."""
        if self._begun:
            self._came = None  # what came is more than one request
        self._begun = self._in_message = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """See uvicorn."""
        self._in_message = False
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Answer at once what is at hand by its head; else read it."""
        self._came, self._begun = None, False
        cycle = self.cycle
        if not self._in_message and (cycle is None or cycle.response_complete):
            end = data.find(_END, 0, _MOST) + len(_END)
            if end >= len(_END):
                head = data[:end]
                kept = self._kept.get(head)
                if kept is not None and len(data) == end + kept.length:
                    if self._answer_again(kept.again, data[end:]):
                        return
                    del self._kept[head]
                self._came = (head, len(data))
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """See uvicorn."""
        self._kept.clear()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._came is not None:
            cycle.scope[AGAIN] = self._keep  # type: ignore[literal-required]
        super()._start_asgi_task(cycle, app)

    def _keep(self, again: Again) -> None:
        """The application offers this for the head of the request that it is about to answer."""
        came, self._came = self._came, None
        cycle = self.cycle
        if came is None or self._in_message or cycle.more_body or not cycle.keep_alive or self.access_log:
            return
        head, size = came
        headers = cycle.scope["headers"]
        lengths = [value for name, value in headers if name == b"content-length"]
        if len(lengths) != 1 or not _NOT_PLAIN.isdisjoint(name for name, _ in headers):
            return
        length = int(lengths[0])
        if size != len(head) + length:
            return
        wrapped = self._wrapped(cycle.scope, again)
        if wrapped is None:
            return
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept[head] = _Kept(length, wrapped)

    def _wrapped(self, scope: Any, again: Again) -> Again | None:  # noqa: ARG002
        """What is kept for the head of a request, if anything."""
        return again

    def _answer_again(self, again: Again, body: bytes) -> bool:
        if self.transport.is_closing() or self.flow.write_paused:
            return False
        found = again(body)
        if found is None:
            return False
        lines, text = found
        size = len(text)
        transport: asyncio.Transport = self._plain
        head = b"HTTP/1.1 200 OK\r\n%b%bcontent-length: %d\r\n\r\n" % (
            self._default_lines(self.server_state.default_headers),
            lines,
            size,
        )
        if size > MOST_COPIED:
            transport.write(head)
            transport.write(text)
        else:
            transport.write(head + text)
        self.server_state.total_requests += 1
        self._is_idle()
        return True

    @property
    def _plain(self) -> asyncio.Transport:
        held: Any = self.transport
        return held.plain if isinstance(held, HeldHead) else held
