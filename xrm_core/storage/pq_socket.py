"""What the event loop does when the socket of a connection to PostgreSQL can be read, or written."""

import asyncio
from collections.abc import Callable


class SocketWatch:
    """Watches a socket until :meth:`end`, once: libpq closes that of a connection that is lost, and its number is soon
    that of another one, which must be left alone.

    Args:
        socket: its number.
        readable: is called whenever something has come, or the other side has closed it.
    """

    __slots__ = ("_ended", "_loop", "_socket")

    def __init__(self, socket: int, readable: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = socket
        self._ended = False
        self._loop.add_reader(socket, readable)

    def await_room(self, writable: Callable[[], None]) -> None:
        """Call this as soon as more can be written."""
        if not self._ended:
            self._loop.add_writer(self._socket, writable)

    def has_room(self) -> None:
        """All was written."""
        if not self._ended:
            self._loop.remove_writer(self._socket)

    def end(self) -> None:
        """Watch it no more."""
        if not self._ended:
            self._ended = True
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
