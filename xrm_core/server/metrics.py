"""What the server counts, in the form of Prometheus. No label has anything that a client could choose.

Requests are counted by plain additions in the event loop, and put into the form of Prometheus when somebody asks: that
is a tenth of what a counter of its library takes.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from xrm_core import __version__
from xrm_core.telemetry.plugin_calls import BUCKETS, Call, Durations
from xrm_core.telemetry.request import RequestRecord

METRICS = "/metrics"
"""Where they are."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER = "other"

Answers = tuple[str, str, int, str | None, bool]
"""Answers that are counted together: method, route, status, kind of operation, and whether they tell no error."""

Sample = tuple[Sequence[str], float]
"""Values of labels, and a figure."""


class Gauge:
    """A figure of the moment: its name without ``xrm_``, what it says, its labels, and where it is found."""

    def __init__(self, name: str, says: str, labels: Sequence[str], find: Callable[[], Iterable[Sample]]) -> None:
        self.name, self.says, self.labels, self.find = name, says, labels, find


class Metrics(Collector):
    """The figures of one server. Not for several threads: all is counted in the event loop.

    ``gauges`` are asked when somebody wants to know; ``under_way`` says how many requests are, ``plugin_calls`` what
    calls of plugins took.
    """

    def __init__(self) -> None:
        self.gauges: list[Gauge] = []
        self.under_way: Callable[[], int] = lambda: 0
        self.plugin_calls: Callable[[], Iterable[tuple[Call, Durations]]] = tuple
        self.answers: dict[Answers, Durations] = {}
        self._errors: Counter[str] = Counter()
        self._waits = Durations()
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.registry.register(self)

    def durations(self, method: str, route: str, status: int, record: RequestRecord) -> Durations:
        """Those of answers like this one, which are kept in ``answers``."""
        known = method if method in _METHODS else _OTHER
        key = (known, route, status, record.operation, not record.codes)
        return self.answers.setdefault(key, Durations())

    def note(self, record: RequestRecord) -> None:
        """What is to be said of few requests."""
        self._errors.update(record.codes)
        if record.waited is not None:
            self._waits.add(record.waited)

    def describe(self) -> Iterator[Metric]:
        """None, so that nothing is collected when this is registered."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """All figures as they are now."""
        yield InfoMetricFamily("xrm", "The platform.", {"version": __version__})
        requests = HistogramMetricFamily(
            "xrm_http_request_duration_seconds",
            "Seconds from request to answer.",
            labels=("method", "route", "status"),
        )
        by_route: defaultdict[tuple[str, str, str], Durations] = defaultdict(Durations)
        by_operation: defaultdict[tuple[str, str], Durations] = defaultdict(Durations)
        for (method, route, status, operation, fine), found in self.answers.items():
            by_route[method, route, str(status)].join(found)
            if operation is not None:
                by_operation[operation, "ok" if fine else "errors"].join(found)
        for of_route, found in by_route.items():
            _add(requests, of_route, found)
        yield requests
        operations = HistogramMetricFamily(
            "xrm_graphql_operation_duration_seconds",
            "The same of GraphQL, by kind of operation and whether the answer has errors.",
            labels=("operation", "outcome"),
        )
        for of_operation, found in by_operation.items():
            _add(operations, of_operation, found)
        yield operations
        errors = CounterMetricFamily("xrm_errors", "Errors that answers tell, by code.", labels=("code",))
        for code, number in self._errors.items():
            errors.add_metric((code,), number)
        yield errors
        waits = HistogramMetricFamily(
            "xrm_database_wait_seconds",
            "Seconds that requests waited for a connection, of those that had to.",
            labels=(),
        )
        _add(waits, (), self._waits)
        yield waits
        yield plugin_durations(self.plugin_calls())
        yield GaugeMetricFamily("xrm_http_requests_under_way", "Requests that are not answered yet.", self.under_way())
        for gauge in self.gauges:
            shown = GaugeMetricFamily(f"xrm_{gauge.name}", gauge.says, labels=gauge.labels)
            for values, figure in gauge.find():
                shown.add_metric(values, figure)
            yield shown


def plugin_durations(found: Iterable[tuple[Call, Durations]]) -> HistogramMetricFamily:
    """What calls of plugins took."""
    calls = HistogramMetricFamily(
        "xrm_plugin_call_duration_seconds",
        "Seconds that functions of plugins took, by what they are and how they ended.",
        labels=("plugin", "kind", "name", "outcome"),
    )
    for call, durations in found:
        _add(calls, call, durations)
    return calls


def _add(family: HistogramMetricFamily, labels: Sequence[str], found: Durations) -> None:
    bounds = (*map(floatToGoString, BUCKETS), "+Inf")
    family.add_metric(labels, list(zip(bounds, accumulate(found.counts), strict=True)), found.total)
