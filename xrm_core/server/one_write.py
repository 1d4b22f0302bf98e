"""Head and body of an answer in one write to the socket. Uvicorn writes them apart, which costs a system call.

ASGI demands no less: a server must not send the head before it has got the first part of the body.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_COPIED = 65_536
"""Bytes of a body that are copied behind their head; of more, the copy takes longer than a system call."""


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


class Protocol(HttpToolsProtocol):
    """Uvicorn's, on such a transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Hold heads on this connection."""
        super().connection_made(transport)
        self.transport = HeldHead(transport, self)  # type: ignore[assignment]

    def handle_websocket_upgrade(self) -> None:
        """Give the connection on as it is: a socket has no heads."""
        self.transport = getattr(self.transport, "plain", self.transport)
        super().handle_websocket_upgrade()
