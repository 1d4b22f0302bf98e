"""Routes of plugins, below ``/plugins/<plugin>``: who asks, how often and how much is settled before one is called."""

import asyncio
import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as StarletteRoute

from xrm_core.auth.attempts import TooManyAttempts
from xrm_core.contributions.route import READING, Route
from xrm_core.contributions.route_context import RouteContext, RouteRequest
from xrm_core.contributions.routes import PluginRoute
from xrm_core.errors import BadRequest, Timeout, Unauthenticated, XrmError
from xrm_core.graphql import answers
from xrm_core.permissions.caller import User
from xrm_core.plugins import Plugins
from xrm_core.query.reads import Read
from xrm_core.records import read_log
from xrm_core.server.address_limits import AddressLimits, TooManyRequests
from xrm_core.server.apart import Apart
from xrm_core.server.bodies import whole_body
from xrm_core.server.browser import credentials
from xrm_core.server.file_links import FileLinks
from xrm_core.server.site import Serving, Site
from xrm_core.server.sites import address_of, named_in, site_of
from xrm_core.settings import Settings
from xrm_core.storage.policy_sets import require_current
from xrm_core.storage.retrying import in_transaction
from xrm_core.telemetry.request import request_id
from xrm_core.translation import say

HEADERS = {
    "cache-control": "no-store",
    "vary": "Authorization, Cookie",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}
"""Of all answers, unless the plugin says otherwise. A page gets by with them that has neither scripts nor pictures."""

_THREADS, _MAX_WAITING = 8, 100
_AROUND_SECONDS = 1.0  # for what is done before and after the function
_REFUSED = 400
_READ_ONLY = "25006"

Reads = list[tuple[Read, Any]]


@dataclass(frozen=True)
class _Call:
    """A request that is let through."""

    found: PluginRoute
    request: RouteRequest
    caller: User
    site: Site
    serving: Serving
    ended: Event
    """Whether nobody waits for the answer any more."""


class _Undone(Exception):
    """Ends a transaction of which nothing shall stay, though there is an answer."""

    def __init__(self, answer: Response, reads: Reads) -> None:
        super().__init__()
        self.answer, self.reads = answer, reads


class PluginRoutes:
    """The routes; they answer for the site of the request.

    Args:
        settings: limits.
        plugins: have the functions.
        found: the routes.
        links: makes links to files.
    """

    def __init__(self, settings: Settings, plugins: Plugins, found: Sequence[PluginRoute], links: FileLinks) -> None:
        self._settings = settings
        self._plugins = plugins
        self._found = found
        self._limits = AddressLimits()
        self._links = links
        self._apart = Apart("xrm-route", _THREADS, _MAX_WAITING, "Too many requests to plugins are waiting already.")

    def routes(self) -> list[StarletteRoute]:
        """For Starlette."""
        return [
            StarletteRoute(each.path, self._endpoint(each), methods=list(each.route.methods)) for each in self._found
        ]

    def close(self) -> None:
        """End the threads."""
        self._apart.close()

    def _endpoint(self, found: PluginRoute) -> Any:
        async def answer(request: Request) -> Response:
            try:
                response = await self._answer(found, request)
            except ClientDisconnect:
                return Response(status_code=400)
            except XrmError as error:
                response = _refused(error)
            except Exception as error:
                response = _refused(answers.unexpected(error))
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return answer

    async def _answer(self, found: PluginRoute, request: Request) -> Response:
        route, site = found.route, site_of(request.scope)
        address = address_of(request.scope)
        if named_in(request.scope) is not None:
            raise BadRequest("Routes of plugins are not shown as to another user.", hint="Leave out X-View-As.")
        if route.public:
            self._limits.take(f"{site.name} {found.name}", address, route.per_minute)
        else:
            await site.user(credentials(request.scope, site.name), address)  # before its body is waited for
        if not set(route.methods) & READING:
            site.require_writable()
        most = min(route.max_bytes, self._settings.max_body_bytes)
        given = RouteRequest(
            request.method,
            dict(request.path_params),
            dict(request.query_params),
            dict(request.headers),
            await whole_body(request.receive, request.headers.get("content-length"), most),
            address,
            request.scope.get("root_path", ""),
        )

        ended = Event()

        async def work(serving: Serving) -> tuple[Response, Reads, User]:
            if route.public:
                access = serving.blueprint.authority.access(frozenset({route.role} if route.role else ()))
                caller = User(None, access, base=given.base, zone=self._settings.time_zone)
            else:
                caller = await serving.authenticator.user(credentials(request.scope, site.name), address)
            token = () if caller.token is None else (("token", caller.token),)
            caller = dataclasses.replace(caller, base=given.base, causes=(("request", request_id()), *token))
            answer, reads = await self._apart(site.name, self._run, _Call(found, given, caller, site, serving, ended))
            return answer, reads, caller

        try:
            async with asyncio.timeout(route.seconds + _AROUND_SECONDS):
                answer, reads, caller = await site.on_newest(work)
        except TimeoutError:
            ended.set()
            raise _timeout(route) from None
        if reads:
            site.require_writable()
            await self._apart(site.name, self._keep, site, caller, address, reads)
        return answer

    # -- in a thread ------------------------------------------------------------------------------------------------

    def _run(self, call: _Call) -> tuple[Response, Reads]:
        """What the function answers, and what it has shown that is not noted yet."""
        route, database = call.found.route, call.site.database
        model, policies = call.serving.blueprint.model, call.serving.policies
        if set(route.methods) & READING:
            with database.read(route.seconds) as connection:
                require_current(connection, model, policies)
                with _only_reading(connection):
                    return self._ask(call, connection)

        def write(connection: Connection) -> tuple[Response, Reads]:
            require_current(connection, model, policies)
            if not route.public:
                call.serving.authenticator.require_still_held(connection, call.caller)
            answer, reads = self._ask(call, connection)
            if answer.status_code >= _REFUSED:
                raise _Undone(answer, reads)
            # A change of tables waits for whoever writes to them: what is still the model now was so all the time.
            require_current(connection, model, policies)
            if call.ended.is_set():
                raise _timeout(route)
            read_log.write(connection, call.caller, call.request.address, reads)
            return answer, []

        try:
            return in_transaction(database, write, route.seconds)
        except _Undone as undone:
            return undone.answer, undone.reads

    def _ask(self, call: _Call, connection: Connection) -> tuple[Response, Reads]:
        plugin, route = call.found.plugin, call.found.route
        context = RouteContext(
            call.serving.blueprint.records,
            connection,
            call.caller,
            call.request,
            call.found.name,
            call.site.name,
            self._plugins.settings_of(plugin),
            route.seconds,
            self._links.sign,
        )
        with self._plugins.routing(plugin, call.found.name):
            try:
                answer = route.run(context)
            except DBAPIError as error:
                if _would_write(error):
                    raise PermissionError("by GET nothing is changed") from error
                raise
            context.check()
            if not isinstance(answer, Response):
                answer = Response(status_code=204) if answer is None else JSONResponse(answer)
            elif not hasattr(answer, "body"):
                raise TypeError("a route answers with a response that is whole, not one that streams")
        return answer, context.reads

    def _keep(self, site: Site, caller: User, address: str | None, reads: Reads) -> None:
        """Without log, no answer."""
        with site.database.begin(self._settings.statement_timeout) as connection:
            read_log.write(connection, caller, address, reads)


@contextmanager
def _only_reading(connection: Connection) -> Iterator[None]:
    """A transaction of PostgreSQL that only reads knows it; SQLite's is told."""
    if connection.dialect.name != "sqlite":
        yield
        return
    connection.exec_driver_sql("PRAGMA query_only = 1")
    try:
        yield
    finally:
        connection.exec_driver_sql("PRAGMA query_only = 0")


def _would_write(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) == _READ_ONLY or "readonly" in str(error.orig)


def _refused(error: XrmError) -> Response:
    """An error in the one shape of errors."""
    headers: dict[str, str] = {}
    if isinstance(error, Unauthenticated):
        headers["www-authenticate"] = 'Bearer realm="xrm"'
    if isinstance(error, TooManyRequests | TooManyAttempts):
        headers["retry-after"] = str(error.details["retryAfter"])
    return JSONResponse({"errors": [answers.shape(error)]}, error.http_status, headers)


def _timeout(route: Route) -> Timeout:
    return Timeout(
        say("It took longer than {seconds:g} s.", seconds=route.seconds), hint=say("Ask for less at a time.")
    )
