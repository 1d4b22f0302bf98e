"""Clients that go away while their query runs: the database need not answer them any more."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE_SECONDS = 0.2
"""Nobody looks whether the client is still there before: most queries are answered by then."""

Result = TypeVar("Result")


class ClientGone(Exception):
    """The client has closed the connection; nobody waits for the answer."""


class Departure:
    """Ends work that takes long when the client has gone.

    Args:
        gone: returns when the client has closed the connection, not before.
    """

    def __init__(self, gone: Callable[[], Awaitable[None]]) -> None:
        self._gone = gone
        self._watching: asyncio.Task[None] | None = None
        self._left = False

    async def during(self, work: Awaitable[Result]) -> Result:
        """Do work that may be cancelled at any point, such as reading.

        Raises:
            ClientGone: the client has gone.
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("not in a task")
        timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._watch, task)
        try:
            return await work
        except asyncio.CancelledError:
            if not self._left:
                raise
            task.uncancel()
            raise ClientGone("The client has gone.") from None
        finally:
            timer.cancel()
            if self._watching is not None:
                self._watching.cancel()

    def _watch(self, task: asyncio.Task[object]) -> None:
        self._watching = asyncio.get_running_loop().create_task(self._wait(task))

    async def _wait(self, task: asyncio.Task[object]) -> None:
        await self._gone()
        self._left = True
        task.cancel()
