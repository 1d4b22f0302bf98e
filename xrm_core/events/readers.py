"""What a worker does beside its jobs: it looks whether something is to be read, and lets readers read in threads."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import Connection

from xrm_core.changes import reading
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.sealing import seal
from xrm_core.errors import XrmError
from xrm_core.events import cursors, waiting
from xrm_core.events.consumer import Consumer
from xrm_core.events.cursors import Cursor, Lease, LeaseLost
from xrm_core.events.run import AT_A_TIME
from xrm_core.events.run_together import run_of
from xrm_core.jobs.place import TIMEOUT, Place
from xrm_core.jobs.stale import Watch
from xrm_core.jobs.worker import worker_name
from xrm_core.storage.retrying import in_transaction

Source = Callable[[Place, Connection], Sequence[Consumer]]
"""Who wants to read in a tenant, as its database says it now."""

MOST = 16
"""Readers that a process lets read at a time."""

_LATER_SECONDS = 5.0
_BEATS = 1 / 3
_GIVE_BACK_SECONDS = 2.0
_log = structlog.get_logger(__name__)


class Readers:
    """The readers of all tenants of one worker. Of the worker's thread, but for what is said otherwise.

    Args:
        sources: who wants to read.
        keys: by which the log is sealed: whoever reads seals first, so that nothing waits for a server to do it.
        lease_seconds: after so long without a sign of life others take a reader.
        wake: called when a reader has stopped, from its thread.
    """

    def __init__(
        self, sources: Sequence[Source], keys: ChainKeys, lease_seconds: float, wake: Callable[[], None] = lambda: None
    ) -> None:
        self._sources = sources
        self._keys = keys
        self._lease_seconds = lease_seconds
        self.wake = wake
        self._watches: dict[Place, Watch] = {}
        self._later: dict[Place, float] = {}
        self._runs: dict[threading.Thread, tuple[Place, Lease]] = {}
        self._ended: deque[threading.Thread] = deque()
        self._stopping = threading.Event()
        self._heart: threading.Thread | None = None
        self._over = threading.Event()

    def visit(self, place: Place) -> bool:
        """Let read in a tenant who has something to read; answers whether anybody has begun. Raises nothing."""
        self._forget_ended()
        if self._stopping.is_set() or time.monotonic() < self._later.get(place, 0.0):
            return False
        try:
            return self._look(place)
        except Exception as error:
            self._later[place] = time.monotonic() + _LATER_SECONDS
            reason = error.code if isinstance(error, XrmError) else type(error).__name__
            _log.warning("log_not_read", tenant=place.name, reason=reason)
            return False

    def take_no_more(self) -> None:
        """Let those that read end after the entry under way. Of any thread."""
        self._stopping.set()

    @property
    def idle(self) -> bool:
        """Whether nobody reads. Of any thread."""
        return not any(thread.is_alive() for thread in list(self._runs))

    def stop(self, seconds: float) -> bool:
        """Wait for those that read; who has not ended by then is given up. Answers whether all have. Of any thread."""
        self.take_no_more()
        until = time.monotonic() + seconds
        for thread in list(self._runs):
            thread.join(max(0.0, until - time.monotonic()))
        for thread, (place, lease) in list(self._runs.items()):
            if thread.is_alive():  # whatever it does now, it can write nothing more
                self._give_back(place, lease)
        self._over.set()
        return self.idle

    def _look(self, place: Place) -> bool:
        with place.database.read(TIMEOUT) as connection:
            found = {each.name: each for source in self._sources for each in source(place, connection)}
            if not found:
                return False
            known = cursors.cursors(connection, found)
        missing = [name for name in found if name not in known]
        if missing:
            in_transaction(place.database, lambda connection: cursors.begin(connection, missing), TIMEOUT)
        seal(place.database, self._keys)
        with place.database.read(TIMEOUT) as connection:
            known = cursors.cursors(connection, found)
            again = waiting.readers_due(connection, list(found))
            free = [each for each in known.values() if each.lease is None and each.due]
            # Most have read everything, so they stand at the same position.
            entries = {at: reading.after(connection, at, AT_A_TIME) for at in {each.position for each in free}}
        self._take_away(place, known)
        wanted = {
            each.name for each in free if each.name in again or any(map(found[each.name].wants, entries[each.position]))
        }
        # What is for nobody wakes no reader: it is passed by, those of all readers in one transaction.
        passed = {
            each.name: (each.position, entries[each.position][-1].position or 0)
            for each in free
            if each.name not in wanted and entries[each.position]
        }
        if passed:
            in_transaction(place.database, lambda connection: cursors.pass_by(connection, passed), TIMEOUT)
        begun = [self._begin(place, found[each.name], each) for each in free if each.name in wanted]
        return any(begun) or any(to - seen >= AT_A_TIME for seen, to in passed.values())

    def _begin(self, place: Place, consumer: Consumer, cursor: Cursor) -> bool:
        if len(self._runs) >= MOST:
            return False
        lease = in_transaction(
            place.database, lambda connection: cursors.claim(connection, cursor.name, worker_name()), TIMEOUT
        )
        if lease is None:
            return False
        run = run_of(place, consumer, lease, cursor.failures, self._stopping.is_set)

        def work() -> None:
            try:
                run.work()
            finally:
                self._ended.append(thread)
                self.wake()

        thread = threading.Thread(target=work, name=f"xrm-reader-{cursor.name}", daemon=True)
        self._runs[thread] = place, lease
        place.busy += 1
        if self._heart is None:
            self._heart = threading.Thread(target=self._beat, name="xrm-reader-heart", daemon=True)
            self._heart.start()
        thread.start()
        return True

    def _forget_ended(self) -> None:
        while self._ended:
            place, _ = self._runs.pop(self._ended.popleft())
            place.busy -= 1

    def _take_away(self, place: Place, known: dict[str, Cursor]) -> None:
        runs = {(each.name, each.lease): each.beat for each in known.values() if each.lease is not None}
        watch = self._watches.setdefault(place, Watch(self._lease_seconds))
        for name, lease, beat in watch.stale(runs):
            with place.database.begin(TIMEOUT) as connection:
                gone = cursors.take_away(connection, name, lease, beat)
            if gone:
                _log.warning("log_reader_taken_away", tenant=place.name, reader=name)

    def _beat(self) -> None:
        """Shows that those that read live: each by a beat of its own."""
        while not self._over.wait(self._lease_seconds * _BEATS):
            for thread, (place, lease) in list(self._runs.items()):
                if not thread.is_alive():
                    continue
                try:
                    with place.database.begin(TIMEOUT) as connection:
                        cursors.beat(connection, lease)
                except Exception as error:  # it has just ended, or the database does not answer
                    if not isinstance(error, LeaseLost):
                        _log.warning("log_reader_heart", tenant=place.name, kind=type(error).__name__)

    @staticmethod
    def _give_back(place: Place, lease: Lease) -> None:
        try:
            with place.database.begin(_GIVE_BACK_SECONDS) as connection:
                cursors.release(connection, lease)
        except Exception as error:
            _log.warning("log_reader_not_given_back", tenant=place.name, kind=type(error).__name__)
