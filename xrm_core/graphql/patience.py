"""Changes that wait for records which others hold, a few at a time: they must not take all threads from those that can
go on.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from xrm_core.errors import Busy
from xrm_core.translation import say

SECONDS = 10.0
"""How long somebody waits for their turn to wait."""


class Patience:
    """Turns, in the order in which they are asked for.

    Args:
        most: how many wait in threads at the same time.
    """

    def __init__(self, most: int) -> None:
        self._turns = asyncio.Semaphore(most)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and have it. Raises Busy: it did not come."""
        try:
            async with asyncio.timeout(SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise Busy(say("Another change got in the way; nothing was done."), hint=say("Try again.")) from None
        try:
            yield
        finally:
            self._turns.release()
