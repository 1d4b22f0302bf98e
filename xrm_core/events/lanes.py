"""Entries of several records on their way at the same time, those of each record one after the other."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from xrm_core.changes.reading import LoggedChange
from xrm_core.events.consumer import Delivery, Note

Wanted = tuple[LoggedChange, int, Delivery]
"""An entry, which attempt it is, and what is to be done."""


@dataclass
class Outcome:
    """What has come of entries, by their positions.

    Those in none of the two were not tried: behind a failure of their record, or since all has stopped. ``halted``:
    why, if it is nobody's fault.
    """

    notes: dict[int, Note] = field(default_factory=dict)
    failures: dict[int, BaseException] = field(default_factory=dict)
    halted: BaseException | None = None


def deliver(
    wanted: Sequence[Wanted],
    lanes: int,
    stop: Callable[[], bool],
    halts: tuple[type[BaseException], ...],
) -> Outcome:
    """Deliver entries. Blocking; raises nothing.

    Args:
        wanted: in their order.
        lanes: so many at a time.
        stop: whether to begin with no other entry.
        halts: exceptions after which no other entry is begun.
    """
    records: dict[str, list[Wanted]] = {}
    for each in wanted:
        records.setdefault(each[0].record_id, []).append(each)
    found, waiting = Outcome(), deque(records.values())

    def work() -> None:
        while waiting and not stop() and found.halted is None:
            try:
                record = waiting.popleft()
            except IndexError:  # another lane was faster
                return
            _one_after_the_other(record, found, stop, halts)

    if lanes == 1 or len(records) == 1:
        work()
        return found
    threads: list[threading.Thread] = []
    for number in range(min(lanes, len(records))):
        thread = threading.Thread(target=work, name=f"xrm-lane-{number}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system gives no more; none may go on by itself when this has ended
            break
        threads.append(thread)
    if not threads:
        work()
    for thread in threads:
        thread.join()
    return found


def _one_after_the_other(
    record: Sequence[Wanted], found: Outcome, stop: Callable[[], bool], halts: tuple[type[BaseException], ...]
) -> None:
    for entry, attempt, delivery in record:
        if stop() or found.halted is not None or entry.position is None:
            return
        try:
            found.notes[entry.position] = delivery(attempt)
        except halts as error:
            found.halted = error
            return
        except BaseException as error:
            found.failures[entry.position] = error
            return
