"""Request → the site that answers it."""

from starlette.types import ASGIApp, Receive, Scope, Send

from xrm_core.server.site import Site

_KEY = "xrm.site"


def site_of(scope: Scope) -> Site:
    """The site of a request; its ``serving`` is what answers as of now."""
    found: Site = scope[_KEY]
    return found


class Sites:
    """Middleware that finds the site of a request.

    Args:
        app: what comes after.
        main: the site of the main database.
    """

    def __init__(self, app: ASGIApp, main: Site) -> None:
        self._app = app
        self._main = main

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its site."""
        if scope["type"] == "http":
            scope[_KEY] = self._main
        await self._app(scope, receive, send)
