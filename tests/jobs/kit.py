"""Short words for what tests do with a queue, each in a transaction of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xrm_core.jobs import by_hand, queue
from xrm_core.jobs.enqueue import enqueue
from xrm_core.jobs.job import Job
from xrm_core.jobs.queue import Claimed
from xrm_core.storage.engines import Database

NAMES = ("work", "other")


@dataclass(frozen=True)
class Queue:
    """The queue in a database."""

    database: Database

    def add(self, name: str = "work", payload: dict[str, Any] | None = None, **more: Any) -> str:
        """Enqueue."""
        return self.write(lambda connection: enqueue(connection, name, payload, **more))

    def claim(self, *names: str, worker: str = "w") -> Claimed | None:
        """Take the next."""
        return self.write(lambda connection: queue.claim(connection, names or NAMES, worker))

    def taken(self) -> Claimed:
        """Take the next, which must be there."""
        found = self.claim()
        assert found is not None
        return found

    def job(self, id_: str) -> Job:
        """As it is now."""
        with self.database.read() as connection:
            found = by_hand.job(connection, id_)
        assert found is not None
        return found

    def write(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """In a transaction."""
        with self.database.begin() as connection:
            return work(connection, *arguments)
