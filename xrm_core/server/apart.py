"""Threads for work that blocks, with a bound on how much of it waits."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from xrm_core.errors import Busy

Result = TypeVar("Result")


class Apart:
    """Does work in threads of its own: what is slow holds up its like only.

    Args:
        name: of the threads.
        threads: how much is done at a time.
        most: how much may be under way, waiting or not.
        refusal: what is said to who comes when that is reached.
    """

    def __init__(self, name: str, threads: int, most: int, refusal: str) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most, self._refusal = most, refusal
        self._under_way = 0

    async def __call__(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Do something that blocks. Raises Busy: too much waits already."""
        if self._under_way >= self._most:
            raise Busy(self._refusal, hint="Try again in a moment.")
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._under_way -= 1

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False)
