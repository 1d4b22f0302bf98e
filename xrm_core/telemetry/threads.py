"""Threads that know for which request they work."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class ThreadPool(ThreadPoolExecutor):
    """A pool whose work sees the context variables of whoever hands it in, the request under way among them.

    It counts: ``busy`` is how much is being done, ``waiting`` how much waits for a thread.
    """

    def __init__(self, most: int, name: str) -> None:
        super().__init__(most, thread_name_prefix=name)
        self.name = name
        self._counting = threading.Lock()
        self.busy = self.waiting = 0

    def submit(
        self, work: Callable[Parameters, Result], /, *arguments: Parameters.args, **named: Parameters.kwargs
    ) -> Future[Result]:
        """Hand in work. Raises RuntimeError: the pool was shut down."""
        context = copy_context()
        started = False

        def run() -> Result:
            nonlocal started
            started = True
            with self._counting:
                self.waiting -= 1
                self.busy += 1
            try:
                return context.run(work, *arguments, **named)
            finally:
                with self._counting:
                    self.busy -= 1

        def gone(_job: object) -> None:
            if not started:  # cancelled while it waited
                with self._counting:
                    self.waiting -= 1

        with self._counting:
            self.waiting += 1
        try:
            job = super().submit(run)
        except BaseException:
            with self._counting:
                self.waiting -= 1
            raise
        job.add_done_callback(gone)
        return job
