"""``/health/live`` and ``/health/ready``: for whoever has to restart the process or send it requests."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from xrm_core.errors import DatabaseUnavailable, ShuttingDown, XrmError
from xrm_core.graphql import answers
from xrm_core.server.site import Site
from xrm_core.server.sites import site_of

READY_SECONDS = 3.0
"""After which a database that says nothing counts as one that does not answer."""

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def routes(leaves: Callable[[], bool]) -> list[Route]:
    """The two routes.

    Args:
        leaves: whether the server is about to end.
    """
    checks: dict[Site, asyncio.Task[bool]] = {}

    async def live(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "live"}, headers=_HEADERS)

    async def ready(request: Request) -> JSONResponse:
        try:
            if leaves():
                raise ShuttingDown("The server is about to end.")
            await _within(_shared(checks, site_of(request.scope)))
        except Exception as error:
            # The code says enough for a probe; where the database is, nobody outside needs to know.
            reason = error if isinstance(error, XrmError) else answers.unexpected(error)
            return JSONResponse({"status": "not ready", "code": reason.code}, 503, _HEADERS)
        return JSONResponse({"status": "ready"}, headers=_HEADERS)

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
