"""The application. :func:`create_app` is the table of contents of what a running server consists of."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from xrm_core.contributions.command import commands_of
from xrm_core.contributions.data_store import stores_of
from xrm_core.contributions.health import HealthChecks
from xrm_core.contributions.routes import routes_of
from xrm_core.errors import BadRequest, NotFound, XrmError
from xrm_core.graphql import answers
from xrm_core.messages import registered_messages
from xrm_core.records.file_scans import FileScans
from xrm_core.server import graphiql, health, metrics_http
from xrm_core.server.assembly import Platform
from xrm_core.server.auth_http import AuthEndpoints
from xrm_core.server.blueprints import Blueprint, Blueprints
from xrm_core.server.change_sealing import SEAL_SECONDS, ChangeSealing
from xrm_core.server.content_stores import content_stores
from xrm_core.server.event_streams import EventStreams
from xrm_core.server.file_intake import FileIntake
from xrm_core.server.file_links import FileLinks
from xrm_core.server.file_versions_http import FileVersionsEndpoint
from xrm_core.server.files_http import FilesEndpoint
from xrm_core.server.forgotten_http import ForgottenEndpoint, finished
from xrm_core.server.gauges import gauges
from xrm_core.server.graphql_http import GraphQLEndpoint
from xrm_core.server.graphql_multipart import MultipartRequests
from xrm_core.server.idempotency import remove_expired_answers
from xrm_core.server.job_figures import COUNT_SECONDS, JobFigures
from xrm_core.server.live import Live
from xrm_core.server.log_retention import LogRetention
from xrm_core.server.metrics import Metrics
from xrm_core.server.oidc_clients import OidcClients
from xrm_core.server.oidc_http import OidcEndpoints
from xrm_core.server.oidc_logout_http import OidcLogoutEndpoints
from xrm_core.server.oidc_sign_out_http import OidcSignOutEndpoints
from xrm_core.server.passkey_http import PasskeyEndpoints
from xrm_core.server.plugin_health import PluginHealth
from xrm_core.server.plugin_routes import PluginRoutes
from xrm_core.server.reader_lag import ReaderLag
from xrm_core.server.scim_http import ROOT, ScimEndpoint
from xrm_core.server.security_notices import LOOK_SECONDS, SecurityNotices
from xrm_core.server.site import Site
from xrm_core.server.sites import GRAPHQL, Sites
from xrm_core.server.tenants import Tenants
from xrm_core.server.tracing import TracedRequests
from xrm_core.server.traffic import Stage, Traffic
from xrm_core.server.trusted_documents import load_trusted_documents
from xrm_core.server.upload_limits import UploadSlots
from xrm_core.server.uploads_http import UPLOADS, UploadsEndpoint
from xrm_core.server.websockets import WebSockets
from xrm_core.telemetry import tracing

CLEAN_SECONDS = 3600.0
"""How often a server looks for what has expired: files that nobody has attached, sessions, old lines of logs."""

FIRST_CLEAN_SECONDS = 5.0
"""How long after its start it does so first: those whom it is there for come first, and who have waited for it."""

AT_A_TIME = 4
"""Tenants whose logs are sealed at a time: one that is slow, or has much to seal, does not hold up all others."""

SCAN_SECONDS = 60.0
"""How often a server looks again at files whose scan is pending."""

LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]


def create_app(
    platform: Platform, page: Mapping[str, Any] | None = None, blueprint: Blueprint | None = None
) -> Traffic:
    """The ASGI application.

    Args:
        platform: what it serves; its database must have the platform's model.
        page: configuration of the GraphiQL page (demo tokens and examples); None: the page asks for a token.
        blueprint: what was made of the platform's parts before, for another app of theirs; None: it is made.
    """
    settings = platform.settings
    blueprints = Blueprints(settings, platform.plugins)
    if blueprint is None:
        blueprint = blueprints.add(platform.model, platform.records, platform.authority, platform.database.dialect)
    else:
        blueprints.take(blueprint, platform.database.dialect)
    slots, stores = UploadSlots(), content_stores(settings)
    scans = FileScans(platform.plugins, settings.clamd)
    intake = FileIntake(
        settings.max_file_bytes,
        settings.statement_timeout,
        slots,
        stores,
        scans,
        settings.file_versions,
        settings.file_types,
    )
    links = FileLinks(settings.secret_key, settings.file_link_seconds)
    files = FilesEndpoint(intake, settings.statement_timeout, links)
    versions = FileVersionsEndpoint(intake, settings.statement_timeout)
    uploads = UploadsEndpoint(intake, settings.statement_timeout)
    documents = load_trusted_documents(settings.documents, only=settings.only_trusted_documents)
    multipart = MultipartRequests(intake, settings.max_body_bytes)
    auth = AuthEndpoints(settings)
    providers = OidcClients(settings, auth.box)
    logout = OidcLogoutEndpoints(providers)
    forgotten = ForgottenEndpoint(settings, auth)
    scim = ScimEndpoint(settings)
    notices = SecurityNotices(settings)
    configuration = page or {"demo": False, "roles": [], "examples": []}

    metrics = Metrics()
    metrics.plugin_calls = platform.plugins.calls.now
    job_figures = JobFigures()
    metrics.gauges.extend(job_figures.gauges())
    ending = asyncio.Event()
    retention = LogRetention(settings, ending.is_set)
    sealing, lag = ChangeSealing(settings, ending.is_set), ReaderLag()
    live = Live(settings, sealing, lambda: traffic.stage is Stage.CLOSED or ending.is_set())
    graphql = GraphQLEndpoint(
        settings.max_body_bytes, multipart, documents, compresses=settings.compression, streams=EventStreams(live)
    )
    sockets = WebSockets(live, documents, settings.max_body_bytes)
    checks = HealthChecks(platform.plugins)
    registered_messages(platform.plugins)
    stores_of(platform.plugins)
    commands_of(platform.plugins)  # those that cannot be used are found now, not when somebody wants one
    plugin_routes = PluginRoutes(settings, platform.plugins, routes_of(platform.plugins), links)

    async def clean(each: Site) -> None:
        if not ending.is_set():
            await files.clean(each)
            await auth.clean(each)
            await retention.clean(each)
            await remove_expired_answers(each)

    tenants = Tenants(settings, platform.database, blueprints, clean)
    site = Site(settings, platform.database, blueprints, blueprint, whose=tenants.named)

    async def keep_clean() -> None:
        if await _happens(ending, FIRST_CLEAN_SECONDS):
            return
        await clean(site)
        # Servers that were started together do not all look at the same moment.
        while not await _happens(ending, CLEAN_SECONDS * random.uniform(0.9, 1.1)):  # noqa: S311
            await clean(site)
            await tenants.do_in_all(clean)  # each was cleaned when it was opened

    async def count_jobs() -> None:
        while metrics_http.are_shown(settings):
            await job_figures.look(site)
            await tenants.do_in_all(job_figures.look)
            job_figures.looked()
            if await _happens(ending, COUNT_SECONDS):
                break

    async def seal_changes() -> None:
        while not await _happens(ending, SEAL_SECONDS):
            for work in (sealing.work, lag.look):
                await work(site)
                await tenants.do_in_all(work, AT_A_TIME)

    async def send_notices() -> None:
        while notices.are_sent and not await _happens(ending, LOOK_SECONDS):
            await notices.send(site)
            await tenants.do_in_all(notices.send)

    async def keep_scanned() -> None:
        while scans.are_made and not await _happens(ending, SCAN_SECONDS):
            await files.look_again(site)
            await tenants.do_in_all(files.look_again, AT_A_TIME)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        with suppress(XrmError):  # /health/ready says so, and it is tried again every second
            await site.refresh()
        await tenants.start()
        site.watch()
        cleaning, sending = asyncio.create_task(keep_clean()), asyncio.create_task(send_notices())
        sealed, scanning = asyncio.create_task(seal_changes()), asyncio.create_task(keep_scanned())
        counting = asyncio.create_task(count_jobs())
        yield
        ending.set()
        await cleaning
        await finished([sending, sealed, scanning, counting])
        await forgotten.finish()
        await tenants.close()
        await site.close()
        auth.close()
        plugin_routes.close()
        checks.close()
        logout.close()
        scim.close()

    routes: list[BaseRoute] = [
        Route(GRAPHQL, graphql),  # for /graphql/, which leads there
        Route("/files", files, methods=["POST"]),
        Route(UPLOADS, uploads, methods=["OPTIONS", "POST"]),
        Route(f"{UPLOADS}/{{file_id}}", uploads, methods=["HEAD", "PATCH", "DELETE"]),
        Route("/files/{file_id}", files, methods=["GET"]),
        Route("/files/{file_id}/links", files, methods=["POST"]),
        Route("/files/{file_id}/versions", versions, methods=["GET", "POST"]),
        *auth.routes(),
        *OidcEndpoints(settings, auth, providers).routes(),
        *OidcSignOutEndpoints(auth, providers).routes(),
        *logout.routes(),
        *PasskeyEndpoints(settings, auth).routes(),
        Route(f"{ROOT}/{{path:path}}", scim),
        *forgotten.routes(),
        *health.routes(lambda: traffic.stage is not Stage.SERVING, PluginHealth(checks)),
        *metrics_http.routes(metrics, settings),
        *graphiql.routes(lambda: configuration),
        *plugin_routes.routes(),
    ]
    starlette = Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers={HTTPException: _http_error, Exception: _unexpected},
    )
    sites = Sites(starlette, site, tenants, {GRAPHQL: graphql}, settings.max_tenant_requests, sockets)
    app: ASGIApp = sites
    if settings.trusted_proxies:
        app = cast(ASGIApp, ProxyHeadersMiddleware(cast(Any, app), list(settings.trusted_proxies)))
    # A web page elsewhere must not reach a demo on this machine under a name of its own (DNS rebinding).
    if settings.demo:
        app = TrustedHostMiddleware(app, allowed_hosts=LOOPBACK)
    tracer = tracing.tracer()
    if tracer is not None:
        app = TracedRequests(app, tracer)
    metrics.gauges.extend(gauges(lambda: (site, *tenants.open_sites)))
    metrics.gauges.extend(lag.gauges(lambda: (site, *tenants.open_sites)))
    traffic = Traffic(app, settings, metrics)
    traffic.is_full = sites.is_full
    return traffic


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, but not longer; answers whether it has happened."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


async def _unexpected(_request: Request, error: Exception) -> Response:
    """The last line of defence: whatever broke, no traceback leaves the server."""
    reason = answers.unexpected(error)
    return JSONResponse({"errors": [answers.shape(reason)]}, reason.http_status)


async def _http_error(_request: Request, error: Exception) -> Response:
    """Unknown paths and methods, in the one shape of errors."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    missing = status == NotFound.http_status
    reason = NotFound("There is nothing at this address.") if missing else BadRequest("This is not possible here.")
    return JSONResponse({"errors": [answers.shape(reason)]}, status)
