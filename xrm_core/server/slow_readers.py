"""Clients that do not take what they have asked for: their connection is cut, whatever is being sent to them."""

import asyncio

SECONDS = 30.0
"""Between looks at a connection on which something waits to be taken."""

LEAST = 32 * 1024
"""Bytes that a client has to take until the next look."""


class SlowReader:
    """Watches one connection while more waits on it than fits. Of the event loop."""

    __slots__ = ("_timer", "_transport")

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """More waits than fits, or the connection is to be closed when all is taken."""
        if self._timer is None:
            self._look_later()

    def end(self) -> None:
        """The client has taken most of it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_later(self) -> None:
        before = self._transport.get_write_buffer_size()
        self._timer = asyncio.get_running_loop().call_later(SECONDS, self._look, before)

    def _look(self, before: int) -> None:
        self._timer = None
        left = self._transport.get_write_buffer_size()
        if left > max(0, before - LEAST):
            self._transport.abort()
        elif left:
            self._look_later()
