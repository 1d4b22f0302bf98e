"""``/health/live`` and ``/health/ready``: for whoever has to restart the process or send it requests."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from xrm_core.errors import XrmError
from xrm_core.graphql import answers

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def routes(check: Callable[[Request], Awaitable[object]]) -> list[Route]:
    """The two routes.

    Args:
        check: raises an XrmError if requests cannot be served.
    """

    async def live(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "live"}, headers=_HEADERS)

    async def ready(request: Request) -> JSONResponse:
        try:
            await check(request)
        except Exception as error:
            # The code says enough for a probe; where the database is, nobody outside needs to know.
            reason = error if isinstance(error, XrmError) else answers.unexpected(error)
            return JSONResponse({"status": "not ready", "code": reason.code}, 503, _HEADERS)
        return JSONResponse({"status": "ready"}, headers=_HEADERS)

    return [Route("/health/live", live), Route("/health/ready", ready)]
