"""Request → the site that answers it: the main database's, or a tenant's by path (``/t/<name>/…``) or host name."""

import re
from collections.abc import Mapping

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from xrm_core.errors import BadRequest, NotFound, XrmError
from xrm_core.graphql import answers
from xrm_core.server.same_heads import AGAIN
from xrm_core.server.site import Site
from xrm_core.server.tenants import Tenants
from xrm_core.server.traffic import REFUSED, RELEASES, ROUTE, has_room, overloaded

_KEY = "xrm.site"
GRAPHQL = "/graphql"
VIEW_AS = "x-view-as"
_VIEW_AS = VIEW_AS.encode()
_TENANTS = "/t/"
_PATH = re.compile(r"(/t/([^/]+))(/.*)?")
_TOKEN_IN_URL = re.compile(rb"(?:^|&)(?:access_token=|[^=&]*=xrm_[\w-]{20})")


def site_of(scope: Scope) -> Site:
    """The site of a request; its ``serving`` is what answers as of now."""
    found: Site = scope[_KEY]
    return found


_OF_THE_SERVER = ("/health/", "/metrics")
"""What is answered also while a site is not served: it shows no data."""


def address_of(scope: Scope) -> str | None:
    """The address of the client, if it is known; that of the proxy if there is one in between."""
    client = scope.get("client")
    return client[0] if client else None


def named_in(scope: Scope) -> str | None:
    """The user whom the header ``X-View-As`` names; None if there is none."""
    for name, value in scope["headers"]:
        if name == _VIEW_AS:
            text: str = value.decode("utf-8", "replace")
            return text
    return None


class Sites:
    """Middleware that finds the site of a request.

    Args:
        app: what comes after; it sees the path without ``/t/<name>``.
        main: the site of the main database.
        tenants: the others.
        direct: path → what answers there; it is asked without a search among routes, which takes as long as the rest of
            a small answer, and must give an answer whatever goes wrong.
        most: requests that may be under way at one site: a tenant whose database is slow leaves room for the others.
        sockets: what answers WebSockets at ``/graphql``; there are none elsewhere.
    """

    def __init__(
        self,
        app: ASGIApp,
        main: Site,
        tenants: Tenants,
        direct: Mapping[str, ASGIApp],
        most: int,
        sockets: ASGIApp,
    ) -> None:
        self._sockets = sockets
        self._most = most
        self._app = app
        self._main = main
        self._tenants = tenants
        self._direct = direct

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its site."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            if scope["query_string"] and _TOKEN_IN_URL.search(scope["query_string"]):
                raise BadRequest(
                    "Tokens are not taken in URLs, which are kept in logs and histories.",
                    hint="Send the header «Authorization: Bearer <token>», and revoke this token.",
                )
            whole: str = scope["path"]
            if whole.startswith(_TENANTS) or self._tenants.have_hosts:
                site, path = await self._find(scope)
            else:
                site, path = self._main, whole
                site.busy += 1
            if not site.caught_up and not path.startswith(_OF_THE_SERVER):
                site.busy -= 1
                site.require_caught_up()
            if site.busy > self._most and not has_room(path, site.busy - 1, self._most):
                site.busy -= 1
                scope[REFUSED] = True
                raise overloaded()
        except Exception as error:
            reason = error if isinstance(error, XrmError) else answers.unexpected(error)
            answer = JSONResponse({"errors": [answers.shape(reason)]}, reason.http_status)
            await answer(scope, receive, send)
            return
        scope[_KEY] = site
        if site is not self._main:
            scope.pop(AGAIN, None)  # it may be closed, or moved, between two requests
        held = 1

        def release() -> None:
            nonlocal held
            site.busy -= held
            held = 0

        scope.setdefault(RELEASES, []).append(release)
        try:
            direct = self._direct.get(path)
            if direct is None:
                await self._app(scope, receive, send)
            else:
                scope[ROUTE] = path
                await direct(scope, receive, send)
        finally:
            site.busy -= held

    def is_full(self, scope: Scope, coming: int = 0) -> bool:
        """Whether the site of a request, if it is open, has no room for so many that are about to come and for it."""
        path: str = scope["path"]
        site: Site | None = self._main
        if path.startswith(_TENANTS) or self._tenants.have_hosts:
            name, parts = self._tenants.named(host_of(scope)), _PATH.fullmatch(path)
            if parts is not None:
                name, path = parts[2], parts[3] or ""
            site = self._main if name is None else self._tenants.open_site(name)
        return site is not None and not has_room(path, site.busy + coming, self._most)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a socket on with its site; it keeps that open, and is none of the requests under way there."""
        try:
            if scope["query_string"] and _TOKEN_IN_URL.search(scope["query_string"]):
                raise BadRequest("Tokens are not taken in URLs.")
            site, path = await self._find(scope)
            if not site.caught_up:
                site.busy -= 1
                site.require_caught_up()
        except Exception as error:
            if not isinstance(error, XrmError):
                answers.unexpected(error)
            await _refuse(receive, send)
            return
        site.busy -= 1
        site.followers += 1
        scope[_KEY] = site
        try:
            if path == GRAPHQL:
                await self._sockets(scope, receive, send)
            else:
                await _refuse(receive, send)
        finally:
            site.followers -= 1

    async def _find(self, scope: Scope) -> tuple[Site, str]:
        """The site, and the path on it."""
        name = self._tenants.named(host_of(scope)) if self._tenants.have_hosts else None
        whole: str = scope["path"]
        path = _PATH.fullmatch(whole)
        if name is None and path is None:
            self._main.busy += 1
            return self._main, whole
        if name is not None and path is not None:
            raise NotFound("There is nothing at this address.")  # a tenant's host shows no other tenant
        if path is None:
            return await self._tenants.enter(name or ""), whole
        site = await self._tenants.enter(path[2])
        scope["root_path"] = scope.get("root_path", "") + path[1]
        return site, path[3] or ""


async def _refuse(receive: Receive, send: Send) -> None:
    """Refuse the handshake of a socket: the client gets a 403."""
    await receive()
    await send({"type": "websocket.close", "code": 4403})


def host_of(scope: Scope) -> str:
    """The host name that the client asked for, without a port."""
    for name, value in scope["headers"]:
        if name == b"host":
            host: str = value.decode("latin-1").lower()
            return host.partition(":")[0].rstrip(".")
    return ""
