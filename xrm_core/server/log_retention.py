"""Old lines of the logs go by themselves, as the settings say."""

import asyncio
import datetime as dt
from collections.abc import Callable
from functools import partial

import structlog

from xrm_core.auth.retention import Log, clear, moment_before
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.retention import remove
from xrm_core.events import webhook_deliveries
from xrm_core.server.site import Site
from xrm_core.settings import Settings
from xrm_core.storage.engines import Database
from xrm_core.storage.tenants import State

Remove = Callable[..., int]

_log = structlog.get_logger(__name__)


class LogRetention:
    """Removes what is older than the settings say.

    All servers may do it as often as they like: what is too old changes at midnight (UTC), so who comes first on a day
    has something to do, and the others find nothing.

    Args:
        settings: for how many days the logs are kept.
        stop: whether the server is about to end.
    """

    def __init__(self, settings: Settings, stop: Callable[[], bool]) -> None:
        self._logs: dict[str, tuple[int, Remove]] = {
            "changes": (settings.change_days, partial(remove, keys=ChainKeys(settings.secret_key))),
            "webhook_deliveries": (webhook_deliveries.KEPT_DAYS, webhook_deliveries.remove),
            **{
                log.value: (days, partial(_clear, log))
                for log, days in ((Log.EVENTS, settings.event_days), (Log.READS, settings.read_days))
            },
        }
        self._stop = stop

    async def clean(self, site: Site) -> None:
        """Remove old lines from the logs of a site. What goes wrong is for the server's own log alone."""
        for log, (days, work) in self._logs.items():
            if not days or site.state is not State.ACTIVE:
                continue
            try:
                removed = await asyncio.to_thread(
                    work, site.database, moment_before(days), by="retention", stop=self._stop
                )
            except Exception as error:
                _log.warning("log_not_cleared", tenant=site.name, log=log, kind=type(error).__name__)
            else:
                if removed:
                    _log.info("log_cleared", tenant=site.name, log=log, removed=removed)


def _clear(log: Log, database: Database, before: dt.datetime, *, by: str, stop: Callable[[], bool]) -> int:
    return clear(database, log, before, by=by, stop=stop)
