"""How connections come to a server: at once, or in turn if it has enough to do; and refused at next to no cost."""

from asyncio import Transport
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from xrm_core.server.metrics import METRICS
from xrm_core.server.one_write import HeldHead
from xrm_core.server.same_heads import Again, SameHeads
from xrm_core.server.slow_readers import SlowReader
from xrm_core.server.traffic import HEALTH, SIGN_IN, Traffic, has_large_body

_AHEAD = tuple(
    f"{method} {path}".encode()
    for path in (HEALTH, METRICS, SIGN_IN)
    for method in ("GET", "POST" if path == SIGN_IN else "HEAD")
)
"""What is never behind others: whether the server is well, and whoever comes to see why it is not."""


class Admission(SameHeads):
    """Uvicorn's protocol for a :class:`~xrm_core.server.traffic.Traffic`, which must be its application."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._traffic = cast(Traffic, self.config.app)
        self._held: list[bytes] = []
        self._is_late = False

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Watch whether what is sent is taken."""
        super().connection_made(transport)
        self._reader = SlowReader(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """See uvicorn."""
        self._reader.end()
        self._held.clear()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """More waits than fits: whoever sends waits, too, but not for ever."""
        super().pause_writing()
        self._reader.begin()

    def resume_writing(self) -> None:
        """See uvicorn."""
        self._reader.end()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection, if it has been idle, once all is taken that waits; see :class:`SlowReader`."""
        super().timeout_keep_alive_handler()
        if self.transport.is_closing() and cast(HeldHead, self.transport).plain.get_write_buffer_size():
            self._reader.begin()

    def data_received(self, data: bytes) -> None:
        """Read it, or let it wait unread if the server has enough to do and this connection has nothing under way."""
        if self._held:  # so that nothing overtakes
            self._held.append(data)
            self.flow.pause_reading()
            return
        traffic, cycle = self._traffic, self.cycle
        if (
            not traffic.is_crowded
            or (cycle is not None and not cycle.response_complete)
            or data.startswith(_AHEAD)
            or traffic.is_for_figures(self.server)
        ):
            super().data_received(data)
            return
        self._unset_keepalive_if_required()
        self._held.append(data)
        traffic.crowd.wait(self._come_in)

    def _come_in(self, is_late: bool) -> None:
        data = b"".join(self._held)
        self._held.clear()
        # The parser is gone once the connection is.
        if self.parser is not None and not self.transport.is_closing():
            self.flow.resume_reading()
            self._is_late = is_late
            super().data_received(data)
            self._is_late = False

    def _wrapped(self, scope: Scope, again: Again) -> Again | None:
        """Count what is answered so, within the limits."""
        return self._traffic.counted(scope, again)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Begin with a request, or refuse it without one thing being made for it."""
        if self.transport.is_closing():
            return  # the client was told that nothing comes any more, so it may send this to another server
        # One that has waited for another of its connection is whole by now, and that other one is still being counted.
        answer = self._traffic.comes(cast(Scope, cycle.scope), self._is_late) if cycle.more_body else None
        if answer is None:
            super()._start_asgi_task(cycle, app)
            return
        # After a refusal, a client that had asked whether to send its body may send it or not: nobody can tell.
        closes = not cycle.keep_alive or cycle.waiting_for_100_continue or has_large_body(cycle.scope["headers"])
        head = [STATUS_LINE[503], *(b"%s: %s\r\n" % each for each in self.server_state.default_headers)]
        if closes:
            head.append(b"connection: close\r\n")
        cycle.response_started = cycle.response_complete = True
        transport = cast(HeldHead, self.transport).plain
        transport.write(b"".join((*head, answer)))
        if closes:
            transport.close()
        self.on_response_complete()
