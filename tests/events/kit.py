"""Consumers that note what they get, and short words for what tests do with readers."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.changes.kit import KEY
from tests.records.kit import World
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.reading import LoggedChange
from xrm_core.changes.sealing import seal_all
from xrm_core.events import by_hand, cursors
from xrm_core.events.by_hand import ReaderState
from xrm_core.events.consumer import Consumer, Note, Patience
from xrm_core.events.readers import Readers
from xrm_core.events.run import Run
from xrm_core.events.run_together import run_of
from xrm_core.jobs.place import Place
from xrm_core.jobs.registry import Registry
from xrm_core.jobs.worker import Pace, Worker
from xrm_core.storage.engines import Database


@dataclass
class Notebook:
    """Notes what it gets; ``fails`` is asked before and may raise."""

    name: str = "test"
    patience: Patience = field(default_factory=lambda: Patience(3, 10.0))
    fails: Callable[[LoggedChange], None] = lambda _entry: None
    entity: str = "customer"
    got: list[LoggedChange] = field(default_factory=list)
    note: Note = lambda _connection: None

    def wants(self, entry: LoggedChange) -> bool:
        return entry.entity == self.entity

    def deliver(self, place: Place, entry: LoggedChange, attempt: int) -> Note:
        self.fails(entry)
        self.got.append(entry)
        return self.note

    @property
    def told(self) -> list[tuple[str, int]]:
        """Record and version of each, in the order in which they came."""
        return [(each.record_id, each.version) for each in self.got]


@dataclass
class ReaderWorld:
    """A world and its log."""

    world: World
    place: Place
    keys: ChainKeys = field(default_factory=lambda: ChainKeys(KEY))

    @property
    def database(self) -> Database:
        return self.world.database

    def customer(self, name: str | None = None, updates: int = 0) -> str:
        """A customer, changed so often."""
        id_ = self.world.create("admin", "customer", {"name": f"{name or 'A'} {uuid4().hex[:8]}"})
        for number in range(updates):
            self.world.update("admin", "customer", id_, {"city": f"{name} {number}"})
        return id_

    def begin(self, *names: str) -> None:
        """Let readers begin here."""
        seal_all(self.database, self.keys)
        with self.database.begin() as connection:
            cursors.begin(connection, names or ["test"])

    def read(self, consumer: Consumer, stop: Callable[[], bool] = lambda: False) -> None:
        """One run of its reader, in this thread."""
        seal_all(self.database, self.keys)
        self.run(consumer, stop).work()

    def run(self, consumer: Consumer, stop: Callable[[], bool] = lambda: False) -> Run:
        """A run that has the lease."""
        with self.database.begin() as connection:
            lease = cursors.claim(connection, consumer.name, "w")
        assert lease is not None
        return run_of(self.place, consumer, lease, 0, stop)

    def state(self, name: str = "test") -> ReaderState:
        with self.database.read() as connection:
            return next(each for each in by_hand.states(connection) if each.name == name)

    def has(self, name: str) -> bool:
        """Whether there is such a reader."""
        with self.database.read() as connection:
            return any(each.name == name for each in by_hand.states(connection))

    def write(self, work: Callable[..., Any], *arguments: Any) -> Any:
        with self.database.begin() as connection:
            return work(connection, *arguments)

    def readers(self, *consumers: Consumer, lease_seconds: float = 30.0) -> Readers:
        """What a worker does."""
        return Readers([lambda _place, _connection: consumers], self.keys, lease_seconds)


@contextmanager
def working(world: ReaderWorld, *consumers: Consumer, lease_seconds: float = 30.0) -> Iterator[Worker]:
    """A worker in a thread, until the block ends."""
    readers = world.readers(*consumers, lease_seconds=lease_seconds)
    worker = Worker(Registry({}, {}), lambda: [world.place], Pace(poll_seconds=0.02), readers)
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop(2)
        thread.join(20)
