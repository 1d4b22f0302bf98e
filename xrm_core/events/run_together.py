"""A run of a reader whose consumer takes several records at a time: in windows, each of which is noted as one.

A window begins with one entry, and has twice as many after each that went well: so whoever takes nothing is not asked
many times before that is known, and whoever takes much is not kept waiting for a transaction of each entry. If a
worker is killed, what was delivered of a window comes once more.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from sqlalchemy import Connection

from xrm_core.changes.reading import LoggedChange
from xrm_core.events import cursors, waiting
from xrm_core.events.consumer import Consumer, Delivery, Parallel, ReaderWaits
from xrm_core.events.cursors import Lease, LeaseLost
from xrm_core.events.lanes import Outcome, deliver
from xrm_core.events.run import NOBODYS_FAULT, Run, code_of, position_of
from xrm_core.events.waiting import Waiting
from xrm_core.jobs.place import Place

MOST_TOGETHER = 64
"""Entries in a window; so many are repeated at most after a kill."""

_HALTS = (LeaseLost, ReaderWaits, *NOBODYS_FAULT)


def run_of(place: Place, consumer: Consumer, lease: Lease, failures: int, stop: Callable[[], bool]) -> Run:
    """The run that fits a consumer; arguments as of :class:`~xrm_core.events.run.Run`."""
    if isinstance(consumer, Parallel):
        return RunTogether(place, consumer, lease, failures, stop)
    return Run(place, consumer, lease, failures, stop)


class RunTogether(Run):
    """As :class:`~xrm_core.events.run.Run`."""

    def __init__(self, place: Place, consumer: Parallel, lease: Lease, failures: int, stop: Callable[[], bool]) -> None:
        super().__init__(place, consumer, lease, failures, stop)
        self._parallel = consumer
        self._together = 1

    def _go_through(self, begin: int, entries: Sequence[LoggedChange], blocked: set[str]) -> None:
        done, rest = begin, list(entries)
        while rest and not self._over():
            window, rest = self._window(rest, blocked)
            wanted = [each for each in window if self._parallel.wants(each) and each.record_id not in blocked]
            deliveries = self._prepared(wanted)
            if deliveries is None:
                super()._go_through(done, window, blocked)
                done = position_of(window[-1])
                continue
            outcome = deliver(
                [(entry, 1, each) for entry, each in zip(wanted, deliveries, strict=True)],
                self._parallel.lanes,
                self._over,
                _HALTS,
            )
            ended = self._ended(window, blocked, outcome)
            self._write(partial(self._note, ended, outcome, self._waits(ended, outcome)))
            done = position_of(ended[-1]) if ended else done
            blocked |= {each.record_id for each in ended if position_of(each) in outcome.failures}
            self._judge(outcome)
            if len(ended) < len(window):
                break

    def _note(
        self,
        ended: Sequence[LoggedChange],
        outcome: Outcome,
        waits: Mapping[int, dt.timedelta | None],
        connection: Connection,
    ) -> None:
        # What was delivered beyond the end comes again, but it was: the list of deliveries says so.
        for each in outcome.notes.values():
            each(connection)
        for entry in ended:
            position = position_of(entry)
            if position in waits:
                error = code_of(outcome.failures[position])
                waiting.put_failed(connection, self._lease.reader, entry, error, waits[position])
            elif position not in outcome.notes and self._parallel.wants(entry):
                waiting.put(connection, self._lease.reader, entry)
        if ended:
            cursors.move(connection, self._lease, position_of(ended[-1]))
        if outcome.notes:
            cursors.done(connection, self._lease)

    def _go_through_waiting(self, entries: Sequence[tuple[Waiting, LoggedChange | None]]) -> None:
        while entries and not self._over():
            some, entries = entries[: self._together], entries[self._together :]
            there = [(each, entry) for each, entry in some if entry is not None]
            deliveries = self._prepared([entry for _, entry in there])
            if deliveries is None or len(there) < len(some):
                super()._go_through_waiting(some)
                continue
            # Of each record the first one, so all of them may go at once.
            wanted = [(entry, each.attempts + 1, way) for (each, entry), way in zip(there, deliveries, strict=True)]
            outcome = deliver(wanted, self._parallel.lanes, self._over, _HALTS)
            waits = {
                each.position: self._wait_of(entry, outcome.failures[each.position], each.attempts + 1)
                for each, entry in there
                if each.position in outcome.failures
            }
            self._write(partial(self._note_again, outcome, waits))
            self._judge(outcome)

    def _note_again(self, outcome: Outcome, waits: Mapping[int, dt.timedelta | None], connection: Connection) -> None:
        for position, each in outcome.notes.items():
            each(connection)
            waiting.remove(connection, self._lease.reader, position)
        for position, wait in waits.items():
            error = code_of(outcome.failures[position])
            waiting.fail_again(connection, self._lease.reader, position, error, wait)
        (cursors.done if outcome.notes else cursors.beat)(connection, self._lease)

    def _waits(self, entries: Sequence[LoggedChange], outcome: Outcome) -> dict[int, dt.timedelta | None]:
        """Of those that have failed: how long they wait; None: they are dead."""
        failures = outcome.failures
        failed = [each for each in entries if position_of(each) in failures]
        return {position_of(each): self._wait_of(each, failures[position_of(each)], 1) for each in failed}

    def _window(
        self, entries: Sequence[LoggedChange], blocked: set[str]
    ) -> tuple[list[LoggedChange], list[LoggedChange]]:
        """So many that are to be delivered, with what lies between them and is not; and the rest."""
        number = 0
        for end, entry in enumerate(entries):
            if self._parallel.wants(entry) and entry.record_id not in blocked:
                if number == self._together:
                    return list(entries[:end]), list(entries[end:])
                number += 1
        return list(entries), []

    def _prepared(self, entries: Sequence[LoggedChange]) -> Sequence[Delivery] | None:
        """What there is to do; None: one of them cannot even be looked at, so they go one after the other."""
        if not entries:
            return ()
        try:
            return self._parallel.prepare(self._place, entries)
        except _HALTS:
            raise
        except Exception:
            return None

    def _ended(self, window: Sequence[LoggedChange], blocked: set[str], outcome: Outcome) -> Sequence[LoggedChange]:
        """Its beginning, in which everything was delivered, has failed, or waits behind what has."""
        failed = {each.record_id for each in window if position_of(each) in outcome.failures}
        for number, entry in enumerate(window):
            tried = position_of(entry) in outcome.notes or position_of(entry) in outcome.failures
            if not tried and self._parallel.wants(entry) and entry.record_id not in blocked | failed:
                return window[:number]
        return window

    def _judge(self, outcome: Outcome) -> None:
        """Take more together, or fewer; raise what has halted all."""
        if outcome.notes:
            self._failures = 0
        if outcome.halted is not None:
            raise outcome.halted
        self._together = 1 if outcome.failures else min(2 * self._together, MOST_TOGETHER)
