"""Figures of the moment: connections and threads of all databases that are served, added up."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from xrm_core.server.metrics import Gauge, Sample
from xrm_core.server.site import Site


def gauges(sites: Callable[[], Iterable[Site]]) -> list[Gauge]:
    """What is asked of the sites that are open."""

    def connections() -> Iterator[Sample]:
        found: Counter[tuple[str, str]] = Counter()
        for site in sites():
            for kind, use in site.connections().items():
                found[kind, "busy"] += use.busy
                found[kind, "idle"] += use.open - use.busy
        return ((labels, number) for labels, number in found.items())

    def waiting() -> Iterator[Sample]:
        found = Counter({"read": 0})
        for site in sites():
            found["read"] += site.connections()["read"].waiting
        return (((kind,), number) for kind, number in found.items())

    def threads(count: str) -> Callable[[], Iterator[Sample]]:
        def find() -> Iterator[Sample]:
            found: Counter[str] = Counter()
            for site in sites():
                for pool in site.pools:
                    found[pool.name.removeprefix("xrm-")] += getattr(pool, count)
            return (((name,), number) for name, number in found.items())

        return find

    return [
        Gauge("database_connections", "Connections to databases.", ("use", "state"), connections),
        Gauge("database_waiting", "Requests that wait for a connection.", ("use",), waiting),
        Gauge("threads_busy", "Threads that work, by what they do.", ("pool",), threads("busy")),
        Gauge("threads_waiting", "Work that waits for a thread.", ("pool",), threads("waiting")),
        Gauge(
            "databases_open",
            "Databases that are served at the moment: the main one, and tenants.",
            (),
            lambda: [((), len(list(sites())))],
        ),
    ]
