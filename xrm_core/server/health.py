"""``/health/live`` and ``/health/ready``: for whoever has to restart the process or send it requests."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from xrm_core.errors import DatabaseUnavailable, ShuttingDown, XrmError
from xrm_core.graphql import answers
from xrm_core.server.plugin_health import PluginHealth, PluginUnhealthy
from xrm_core.server.site import Site
from xrm_core.server.sites import site_of

READY_SECONDS = 3.0
"""After which a database that says nothing counts as one that does not answer."""

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def routes(leaves: Callable[[], bool], plugins: PluginHealth | None = None) -> list[Route]:
    """The two routes.

    Args:
        leaves: whether the server is about to end.
        plugins: checks of plugins.
    """
    checks: dict[Site, asyncio.Task[bool]] = {}

    async def live(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "live"}, headers=_HEADERS)

    async def ready(request: Request) -> JSONResponse:
        try:
            if leaves():
                raise ShuttingDown("The server is about to end.")
            await _within(_shared(checks, site_of(request.scope)))
            ill = [] if plugins is None else await plugins.look(site_of(request.scope))
            failing = sorted(each.check.name for each in ill if each.check.critical)
            if failing:
                raise PluginUnhealthy("A plugin is not well.", details={"failing": failing})
        except Exception as error:
            # The code says enough for a probe; where the database is, nobody outside needs to know.
            reason = error if isinstance(error, XrmError) else answers.unexpected(error)
            body = {"status": "not ready", "code": reason.code}
            named = reason.details if isinstance(reason, PluginUnhealthy) else {}
            return JSONResponse({**body, **named}, 503, _HEADERS)
        degraded = {"degraded": sorted(each.check.name for each in ill)} if ill else {}
        return JSONResponse({"status": "ready", **degraded}, headers=_HEADERS)

    return [Route("/health/live", live), Route("/health/ready", ready)]


def _shared(checks: dict[Site, asyncio.Task[bool]], site: Site) -> asyncio.Task[bool]:
    """One look at the database for all who ask meanwhile: anybody may ask, as often as they like."""

    def ended(check: asyncio.Task[bool]) -> None:
        del checks[site]
        if not check.cancelled():
            check.exception()  # nobody may be left who hears of it

    check = checks.get(site)
    if check is None:
        check = checks[site] = asyncio.get_running_loop().create_task(site.refresh(), context=Context())
        check.add_done_callback(ended)
    return check


async def _within(check: Awaitable[bool]) -> None:
    try:
        await asyncio.wait_for(asyncio.shield(check), READY_SECONDS)
    except TimeoutError:
        raise DatabaseUnavailable("The database does not answer in time.") from None
