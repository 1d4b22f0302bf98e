"""Clients that go away while their query runs: the database need not answer them any more."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from xrm_core.storage.late import Late

PATIENCE_SECONDS = 0.2
"""Nobody looks whether the client is still there before: most queries are answered by then."""

Result = TypeVar("Result")


class ClientGone(Exception):
    """The client has closed the connection; nobody waits for the answer."""


class Departure:
    """Ends work that takes long when the client has gone.

    Args:
        gone: returns when the client has closed the connection, not before.
        late: shared by the departures of a server.
    """

    __slots__ = ("_gone", "_late", "_left", "_task", "_watching")

    def __init__(self, gone: Callable[[], Awaitable[None]], late: "Late[Departure]") -> None:
        self._gone = gone
        self._late = late
        self._task: asyncio.Task[object] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._left = False

    async def during(self, work: Awaitable[Result]) -> Result:
        """Do work that may be cancelled at any point, such as reading.

        Raises:
            ClientGone: the client has gone.
        """
        self._task = task = asyncio.current_task()
        if task is None:
            raise RuntimeError("not in a task")
        self._late.add(self)
        try:
            return await work
        except asyncio.CancelledError:
            if not self._left:
                raise
            task.uncancel()
            raise ClientGone("The client has gone.") from None
        finally:
            self._late.remove(self)
            if self._watching is not None:
                self._watching.cancel()

    def watch(self) -> None:
        """Look from now on whether the client is still there."""
        if self._task is not None:
            self._watching = asyncio.get_running_loop().create_task(self._wait(self._task))

    async def _wait(self, task: asyncio.Task[object]) -> None:
        await self._gone()
        self._left = True
        task.cancel()


def departures() -> Late[Departure]:
    """What the departures of a server share."""
    return Late(PATIENCE_SECONDS, Departure.watch)
