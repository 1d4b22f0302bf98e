"""The change log is sealed while the server runs, and what is not to stand there in clear is closed."""

import asyncio
from collections.abc import Callable

import structlog

from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.sealing import seal_all
from xrm_core.records.log_values import close
from xrm_core.server.site import Site
from xrm_core.settings import Settings
from xrm_core.storage.tenants import State

SEAL_SECONDS = 5.0
"""Entries wait so long for their batch, at most, beside the time that the servers take for others."""

_log = structlog.get_logger(__name__)


class ChangeSealing:
    """Seals what was written, on any of the servers: the others find nothing to do.

    Args:
        settings: the key that signs.
        stop: whether the server is about to end.
    """

    def __init__(self, settings: Settings, stop: Callable[[], bool]) -> None:
        self._keys = ChainKeys(settings.secret_key)
        self._stop = stop

    async def work(self, site: Site) -> None:
        """Seal the log of a site, and close values of it. What goes wrong is for the server's own log alone."""
        if await self.seal(site):
            records = site.serving.blueprint.records
            await self._told(site, "changes_not_closed", lambda: close(site.database, records, self._stop))

    async def seal(self, site: Site) -> bool:
        """Only seal it, for those who wait for its entries; answers whether that could be done."""
        if site.state is not State.ACTIVE:
            return False
        return await self._told(site, "changes_not_sealed", lambda: seal_all(site.database, self._keys, self._stop))

    async def _told(self, site: Site, event: str, work: Callable[[], object]) -> bool:
        try:
            await asyncio.to_thread(work)
        except Exception as error:
            _log.warning(event, tenant=site.name, kind=type(error).__name__)
            return False
        return True
