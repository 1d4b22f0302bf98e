"""Threads for work that blocks, with turns: who has much of it holds up nobody else."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from xrm_core.errors import Busy
from xrm_core.telemetry.threads import ThreadPool

Result = TypeVar("Result")


class Apart:
    """Does work in threads of its own: what is slow holds up its like only.

    Where several tenants wait for a thread, they take turns, however much one of them waits for.

    Args:
        name: of the threads.
        threads: how much is done at a time.
        most: how much may wait of one tenant.
        refusal: what is said to who comes when that is reached.
    """

    def __init__(self, name: str, threads: int, most: int, refusal: str) -> None:
        self._threads = ThreadPool(threads, name)
        self._free = threads
        self._most, self._refusal = most, refusal
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def __call__(self, tenant: str, work: Callable[..., Result], *arguments: Any) -> Result:
        """Do something that blocks. Raises Busy: too much of the tenant waits already."""
        loop = asyncio.get_running_loop()
        if self._free:
            self._free -= 1
        else:
            await self._turn(tenant, loop.create_future())
        job = self._threads.submit(work, *arguments)

        def ended(_job: object) -> None:
            with suppress(RuntimeError):  # the loop has ended before
                loop.call_soon_threadsafe(self._next)

        # by the thread itself: who asked may have gone meanwhile
        job.add_done_callback(ended)
        return await asyncio.wrap_future(job)

    async def _turn(self, tenant: str, turn: asyncio.Future[None]) -> None:
        queue = self._waiting.setdefault(tenant, deque())
        if len(queue) >= self._most:
            raise Busy(self._refusal, hint="Try again in a moment.")
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it came to who had just gone
                self._next()
            raise

    def _next(self) -> None:
        """A thread is free: for whoever waits longest of the tenant whose turn it is."""
        while self._waiting:
            tenant, queue = next(iter(self._waiting.items()))
            del self._waiting[tenant]
            turn = queue.popleft()
            if queue:
                self._waiting[tenant] = queue  # behind the others
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False)
