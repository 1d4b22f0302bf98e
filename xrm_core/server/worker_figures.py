"""What a worker of its own tells of itself: figures, and whether it is well."""

import datetime as dt
import time
from collections.abc import Callable, Iterator

import structlog
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from xrm_core import __version__
from xrm_core.events.by_hand import states
from xrm_core.jobs.place import Place
from xrm_core.jobs.worker import Beside, Worker
from xrm_core.server.job_figures import COUNT_SECONDS, Found, JobFigures, look_at
from xrm_core.server.metrics import plugin_durations
from xrm_core.server.reader_lag import ReaderLag
from xrm_core.telemetry.plugin_calls import PluginCalls

_TIMEOUT = 5.0
_STUCK_SECONDS = 120.0
"""A round takes no longer, also with hundreds of tenants of which some do not answer."""

_log = structlog.get_logger(__name__)


class Watching:
    """Reads the change log as another does, and looks at each tenant now and then, by the worker's own thread.

    Args:
        readers: reads.
        seconds: between looks at a tenant.
    """

    def __init__(self, readers: Beside, seconds: float = COUNT_SECONDS) -> None:
        self._readers = readers
        self._seconds = seconds
        self._looked: dict[str, float] = {}
        self.places: dict[str, Place] = {}
        self.found: dict[str, Found] = {}
        self.lag = ReaderLag()

    @property
    def wake(self) -> Callable[[], None]:
        """See :class:`~xrm_core.jobs.worker.Beside`."""
        return self._readers.wake

    @wake.setter
    def wake(self, wake: Callable[[], None]) -> None:
        self._readers.wake = wake

    def visit(self, place: Place) -> bool:
        """See :class:`~xrm_core.jobs.worker.Beside`."""
        begun = self._readers.visit(place)
        if time.monotonic() - self._looked.get(place.name, -self._seconds) >= self._seconds:
            self._looked[place.name] = time.monotonic()
            self._look(place)
        return begun

    def take_no_more(self) -> None:
        """See :class:`~xrm_core.jobs.worker.Beside`."""
        self._readers.take_no_more()

    @property
    def idle(self) -> bool:
        """See :class:`~xrm_core.jobs.worker.Beside`."""
        return self._readers.idle

    def stop(self, seconds: float) -> bool:
        """See :class:`~xrm_core.jobs.worker.Beside`."""
        return self._readers.stop(seconds)

    def seen(self) -> dict[str, Place]:
        """The tenants that were looked at lately: no figure is better than an old one."""
        oldest = time.monotonic() - max(4 * self._seconds, _STUCK_SECONDS)
        return {name: place for name, place in list(self.places.items()) if self._looked.get(name, 0.0) >= oldest}

    def _look(self, place: Place) -> None:
        try:
            found = look_at(place.database, dt.datetime.now(dt.UTC))
            with place.database.read(_TIMEOUT) as connection:
                self.lag.keep(place.name, states(connection))
        except Exception as error:
            self.places.pop(place.name, None)
            _log.warning("figures_not_seen", tenant=place.name, kind=type(error).__name__)
        else:
            self.found[place.name], self.places[place.name] = found, place


class WorkerMetrics(Collector):
    """The figures of a worker, by the names that a server has for them.

    Args:
        worker: whose.
        watching: looks at its tenants.
        calls: of plugins, if it has some.
    """

    def __init__(self, worker: Worker, watching: Watching, calls: PluginCalls | None = None) -> None:
        self._worker, self._watching = worker, watching
        self._calls = calls
        self._jobs = JobFigures()
        self._gauges = [*self._jobs.gauges(), *watching.lag.gauges(lambda: watching.seen().values())]
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.registry.register(self)

    @property
    def is_ready(self) -> bool:
        """Whether it looks at its tenants, and takes what is due."""
        return not self._worker.stopping and self._worker.round_age < _STUCK_SECONDS

    def describe(self) -> Iterator[Metric]:
        """None, so that nothing is collected when this is registered."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """All figures as they are now."""
        yield InfoMetricFamily("xrm", "The platform.", {"version": __version__})
        seen = self._watching.seen()
        self._jobs.keep({name: found for name, found in list(self._watching.found.items()) if name in seen})
        yield GaugeMetricFamily("xrm_worker_jobs", "Jobs that this worker does at this moment.", self._worker.under_way)
        yield GaugeMetricFamily(
            "xrm_worker_round_age_seconds",
            "Seconds since this worker last began to look at its tenants.",
            self._worker.round_age,
        )
        yield GaugeMetricFamily("xrm_databases_open", "Databases for which it works, and which answer.", len(seen))
        if self._calls is not None:
            yield plugin_durations(self._calls.now())
        for gauge in self._gauges:
            shown = GaugeMetricFamily(f"xrm_{gauge.name}", gauge.says, labels=gauge.labels)
            for values, figure in gauge.find():
                shown.add_metric(values, figure)
            yield shown
