"""The world of ``tests/records/kit.py`` with jobs and workers."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.jobs.kit import Queue
from tests.records.kit import World
from xrm_core.jobs import running
from xrm_core.jobs.context import JobContext
from xrm_core.jobs.job import Job
from xrm_core.jobs.place import Place
from xrm_core.jobs.registry import JobHandler, Registry
from xrm_core.jobs.worker import Pace, Worker

Handle = Callable[[JobContext, Mapping[str, Any]], Mapping[str, Any] | None]
LEASE = 30.0


@dataclass(frozen=True)
class JobWorld(Queue):
    """A world and its queue."""

    world: World
    place: Place

    def do(self, handle: Handle, ending: Callable[[], bool] = lambda: False, **handler: Any) -> Job:
        """Enqueue a job if none is pending, do the next in this thread, and answer what has become of it."""
        run = self.claim("work")
        if run is None:
            self.add(max_attempts=handler.pop("max_attempts", None))
            run = self.taken()
        running.run(self.place, run, JobHandler("work", handle, **handler), LEASE, ending)
        return self.job(run.job.id)

    def worker(self, handle: Handle, pace: Pace, **handlers: Handle) -> Worker:
        """A worker that does «work»."""
        done = {name: JobHandler(name, each) for name, each in {"work": handle, **handlers}.items()}
        return Worker(Registry(done, {}), lambda: [self.place], pace)


@contextmanager
def at_work(worker: Worker) -> Iterator[threading.Thread]:
    """A worker in a thread of its own, until the block ends."""
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        worker.stop(0)
        thread.join(20)
