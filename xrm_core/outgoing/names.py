"""Looking up names within a time limit: the system's own way has none that a request could set."""

import socket
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

Resolve = Callable[[str, int], Sequence[str]]

MOST = 128
"""Names that are looked up at a time. Whose servers do not answer keep a thread each until the system gives up."""

MOST_OF_ONE = 8
"""Of these, those of one tenant: whose names are slow keeps only themselves from being looked up."""


class Lookups:
    """Looks up names. For several threads.

    Args:
        resolve: blocking; the addresses of a host, none if it has none.
    """

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], list[SimpleQueue[Sequence[str]]]] = {}
        self._whose: dict[tuple[str, int], str] = {}

    def look_up(self, host: str, port: int, seconds: float, whose: str = "") -> Sequence[str] | None:
        """The addresses of a host; None: they did not come in time, or there are too many slow ones, or no threads.

        ``whose``: the tenant that wants to know.
        """
        answer: SimpleQueue[Sequence[str]] = SimpleQueue()
        name = host, port
        with self._lock:
            waiting = self._under_way.get(name)
            if waiting is not None:  # who asks for it already asks for all
                waiting.append(answer)
            elif len(self._under_way) >= MOST or Counter(self._whose.values())[whose] >= MOST_OF_ONE:
                return None
            else:
                thread = threading.Thread(target=self._ask, args=(name,), name="xrm-lookup", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # the system gives no more threads at the moment
                    return None
                self._whose[name] = whose
                self._under_way[name] = [answer]  # which the thread does not look at before the lock is free
        try:
            return answer.get(timeout=seconds)
        except Empty:
            return None

    def _ask(self, name: tuple[str, int]) -> None:
        found: Sequence[str] = ()
        try:
            found = self._resolve(*name)
        finally:
            with self._lock:
                waiting = self._under_way.pop(name)
                self._whose.pop(name, None)
            for each in waiting:
                each.put(found)


def resolved(host: str, port: int) -> Sequence[str]:
    """All addresses of a host; also of one that is written as a number, in whatever way."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(each[4][0]) for each in found))
