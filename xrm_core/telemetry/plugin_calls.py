"""What functions of plugins take, and how they end: counted where they are called, shown by ``/metrics``."""

from bisect import bisect_left
from collections.abc import Sequence
from contextlib import AbstractContextManager
from threading import Lock
from time import perf_counter

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds."""

OK, REFUSED, FAILED, STOPPED = "ok", "refused", "failed", "stopped"
"""How a call ends: ``refused`` by the plugin or the platform, with a reason for whoever asks; ``failed``: it broke;
``stopped``: it was told to end, as a job that somebody has cancelled.
"""

KINDS = (
    *("hook", "follow", "format", "type", "action", "query", "route", "health", "command"),
    *("job", "replay", "message", "channel", "store"),
)
"""What is called: ``follow`` is what a before-hook has follow a write, by the entity."""

Call = tuple[str, str, str, str]
"""Plugin, kind (:data:`KINDS`), name, and how it ended. What a plugin registers bounds them."""


class PluginExit(RuntimeError):
    """A function of a plugin wanted to end the process, as by ``sys.exit``: it has failed, since others are served."""


class Durations:
    """How long something took."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Once more."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds

    def join(self, other: "Durations") -> None:
        """All that the other has, too."""
        self.counts = [mine + its for mine, its in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


class PluginCalls:
    """The calls of the plugins of one application object; for several threads.

    Args:
        refusing: exceptions that are no failure, but a reason.
    """

    def __init__(self, refusing: tuple[type[BaseException], ...]) -> None:
        self._refusing = refusing
        self._found: dict[Call, Durations] = {}
        self._lock = Lock()

    def timed(self, plugin: str, kind: str, name: str) -> AbstractContextManager[None]:
        """Around a call. One that would end the process fails; a command may end its own.

        Raises:
            PluginExit: in place of ``SystemExit``.
        """
        return _Timing(self, (plugin, kind, name))

    def add(self, call: tuple[str, str, str], seconds: float, error: BaseException | None) -> None:
        """One more: plugin, kind and name, how long it has taken, and how it has failed, if it has."""
        outcome = OK
        if error is not None:
            broken = FAILED if isinstance(error, Exception) else STOPPED
            outcome = REFUSED if isinstance(error, self._refusing) else broken
        with self._lock:
            found = self._found.get((*call, outcome))
            if found is None:
                found = self._found[(*call, outcome)] = Durations()
            found.add(seconds)

    def now(self) -> Sequence[tuple[Call, Durations]]:
        """All of them, as they are now."""
        found = []
        with self._lock:
            for call, each in self._found.items():
                copied = Durations()
                copied.join(each)
                found.append((call, copied))
        return found


class _Timing:
    """By hand: hooks are called for each record, and a generator takes as long as they do."""

    __slots__ = ("_began", "_call", "_calls")

    def __init__(self, calls: "PluginCalls", call: tuple[str, str, str]) -> None:
        self._calls = calls
        self._call = call

    def __enter__(self) -> None:
        self._began = perf_counter()

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, SystemExit) and self._call[1] != "command":
            ended = PluginExit(f"It wanted to end the process, with {error.code!r}.")
            self._calls.add(self._call, perf_counter() - self._began, ended)
            raise ended from error
        self._calls.add(self._call, perf_counter() - self._began, error)
