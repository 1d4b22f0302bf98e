"""How far the readers of the change log are behind: figures of all databases that are served."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

import structlog

from xrm_core.events.by_hand import ReaderState, states
from xrm_core.events.webhooks import PREFIX
from xrm_core.jobs.place import Place
from xrm_core.server.metrics import Gauge, Sample
from xrm_core.server.site import Site

_TIMEOUT = 5.0
_log = structlog.get_logger(__name__)


class ReaderLag:
    """What was last seen of the readers of each site. Of the event loop."""

    def __init__(self) -> None:
        self._seen: dict[str, Sequence[ReaderState]] = {}

    async def look(self, site: Site) -> None:
        """See how far they are. What goes wrong is for the server's own log alone."""
        try:
            self._seen[site.name] = await asyncio.to_thread(self._read, site)
        except Exception as error:
            self._seen.pop(site.name, None)  # no figure is better than an old one
            _log.warning("log_readers_not_seen", tenant=site.name, kind=type(error).__name__)

    def keep(self, name: str, found: Sequence[ReaderState]) -> None:
        """Tell this of a database from now on."""
        self._seen[name] = found

    def gauges(self, sites: Callable[[], Iterable[Site | Place]]) -> list[Gauge]:
        """The figures, of those sites that are open."""

        def of(
            figure: Callable[[ReaderState], float], together: Callable[[Iterable[float]], float]
        ) -> Callable[[], Iterator[Sample]]:
            def find() -> Iterator[Sample]:
                found: defaultdict[str, list[float]] = defaultdict(list)
                for site in sites():
                    for each in self._seen.get(site.name, ()):
                        # Of webhooks there may be hundreds: they have one figure together.
                        name = "webhooks" if each.name.startswith(PREFIX) else each.name
                        found[name].append(figure(each))
                return (((name,), together(figures)) for name, figures in sorted(found.items()))

            return find

        return [
            Gauge(
                "log_reader_lag_entries",
                "Changes that a reader of the change log has still to go through.",
                ("reader",),
                of(lambda each: each.lag_entries, sum),
            ),
            Gauge(
                "log_reader_lag_seconds",
                "Age of the oldest of them.",
                ("reader",),
                of(lambda each: each.lag_seconds, max),
            ),
            Gauge(
                "log_reader_waiting",
                "Of these, those that wait since they, or earlier ones of their record, have failed.",
                ("reader",),
                of(lambda each: each.waiting, sum),
            ),
            Gauge(
                "log_reader_dead", "Changes that a reader has given up.", ("reader",), of(lambda each: each.dead, sum)
            ),
        ]

    @staticmethod
    def _read(site: Site) -> Sequence[ReaderState]:
        with site.database.read(_TIMEOUT) as connection:
            return states(connection)
