"""What the checks of plugins say of a site, looked up once for all who ask within some seconds."""

import asyncio
import time
from collections.abc import Sequence
from weakref import WeakKeyDictionary

from xrm_core.contributions.health import Health, HealthChecks
from xrm_core.errors import XrmError
from xrm_core.server.site import Site

REMEMBER_SECONDS = 5.0


class PluginUnhealthy(XrmError):
    """A check of a plugin says that something is not well without which the server is to take no requests."""

    code = "PLUGIN_UNHEALTHY"
    http_status = 503


class PluginHealth:
    """The checks, for ``/health/ready``. Of one event loop."""

    def __init__(self, checks: HealthChecks) -> None:
        self._checks = checks
        self._known: WeakKeyDictionary[Site, tuple[float, Sequence[Health]]] = WeakKeyDictionary()
        self._looking: WeakKeyDictionary[Site, asyncio.Lock] = WeakKeyDictionary()

    async def look(self, site: Site) -> Sequence[Health]:
        """What is not well at a site."""
        if not self._checks.found:
            return ()
        async with self._looking.setdefault(site, asyncio.Lock()):  # a tenant that is slow holds up itself
            at, found = self._known.get(site, (0.0, ()))
            if time.monotonic() - at >= REMEMBER_SECONDS:
                call = (site.serving.blueprint.records, site.database, site.name)
                loop = asyncio.get_running_loop()
                found = await loop.run_in_executor(None, self._checks.look, *call)
                self._known[site] = (time.monotonic(), found)
        return [each for each in found if each.says]
