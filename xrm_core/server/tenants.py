"""The sites of tenants: found by name or host, opened when first asked for, closed when others are asked for more."""

import asyncio
import contextlib
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import structlog

from xrm_core.errors import DatabaseUnavailable, NotFound, XrmError
from xrm_core.server.blueprints import Blueprints, blueprint_of
from xrm_core.server.site import WATCH_SECONDS, Site
from xrm_core.settings import Settings
from xrm_core.storage.engines import Database, is_missing
from xrm_core.storage.tenants import SERVED, Tenant, tenants
from xrm_core.telemetry.threads import ThreadPool

_TIMEOUT = 5.0
_IDLE_SECONDS, _LOOK_SECONDS = 60.0, 0.05
_POOL = 2
"""Connections for writes that an open tenant keeps; hundreds of tenants may share a server."""

_OPENING = 64
"""Tenants that may be opened at a time: those of a database server that is silent do not hold up the others."""

_AGAIN_SECONDS = 1.0
"""So long a tenant that could not be opened is not tried again: that is not cheap, and anybody may ask for it."""

_log = structlog.get_logger(__name__)


class TenantUnavailable(XrmError):
    """A tenant cannot be served, for a reason that is for those who run the server only."""

    code = "TENANT_UNAVAILABLE"
    http_status = 503
    retry_after = 2


class Tenants:
    """What a server knows of its tenants. The catalogue is looked at every second.

    Args:
        settings: how many tenants are kept open, and limits of each.
        main: the main database, which has the catalogue.
        blueprints: makes what follows from a model, once for all tenants that have it.
        opened: what is to be done with a site that was opened, beside the requests.
    """

    def __init__(
        self, settings: Settings, main: Database, blueprints: Blueprints, opened: Callable[[Site], Awaitable[None]]
    ) -> None:
        self._when_opened = opened
        self._settings = settings
        self._main = main
        self._blueprints = blueprints
        self._known: Mapping[str, Tenant] = {}
        self._hosts: Mapping[str, str] = {}
        self._open: OrderedDict[str, Site] = OrderedDict()
        self._opening: dict[str, asyncio.Task[Site]] = {}
        self._waiting: Counter[str] = Counter()
        self._failed: dict[str, tuple[float, XrmError]] = {}
        self._beside: set[asyncio.Task[None]] = set()
        self._looking = ThreadPool(1, "xrm-tenants")
        self._threads = ThreadPool(_OPENING, "xrm-open")
        self._watching: asyncio.Task[None] | None = None

    @property
    def have_hosts(self) -> bool:
        """Whether any host name belongs to a tenant."""
        return bool(self._hosts)

    def named(self, host: str) -> str | None:
        """The tenant that a host name belongs to."""
        return self._hosts.get(host)

    async def enter(self, name: str) -> Site:
        """The site of a tenant, one request busier: it stays open until that ends.

        Raises:
            NotFound: there is none; in the words for any address that leads nowhere.
            TenantUnavailable, DatabaseUnavailable: it cannot be opened.
        """
        site = self._open.get(name)
        if site is None:
            site = await self._opened(name)
        else:
            site.busy += 1
        if name in self._open:
            self._open.move_to_end(name)
        return site

    async def refresh(self) -> None:
        """Look at the catalogue. Raises XrmError: the main database does not answer."""
        found = await asyncio.get_running_loop().run_in_executor(self._looking, self._catalogue)
        self._known = {each.name: each for each in found if each.state in SERVED}
        self._failed = {name: failed for name, failed in self._failed.items() if name in self._known}
        self._hosts = {host: each.name for each in self._known.values() for host in each.hosts}
        for name, site in list(self._open.items()):
            known = self._known.get(name)
            if known is None or known.url != site.url:
                self._retire(name)
            else:
                site.state = known.state

    async def do_in_all(self, work: Callable[[Site], Awaitable[None]], at_a_time: int = 1) -> None:
        """Do something with each site that is open, with so many at a time."""
        waiting = iter(list(self._open.values()))

        async def do_some() -> None:
            for site in waiting:
                if self._open.get(site.name) is site:
                    site.busy += 1
                    try:
                        await work(site)
                    finally:
                        site.busy -= 1

        async with asyncio.TaskGroup() as group:
            for _ in range(at_a_time):
                group.create_task(do_some())

    def open_site(self, name: str) -> Site | None:
        """The site of a tenant, if it is open at the moment."""
        return self._open.get(name)

    @property
    def open_sites(self) -> tuple[Site, ...]:
        """Those that are open at the moment."""
        return tuple(self._open.values())

    async def start(self) -> None:
        """Look at the catalogue now, and again and again until :meth:`close`."""
        with contextlib.suppress(XrmError):
            await self.refresh()
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """Close all."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        # A look at the catalogue that is under way would else leave its connection to nobody.
        await asyncio.get_running_loop().run_in_executor(None, self._looking.shutdown)
        await asyncio.gather(*self._opening.values(), return_exceptions=True)
        self._threads.shutdown()
        for name in list(self._open):
            self._retire(name)
        await asyncio.gather(*self._beside)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await self.refresh()
            except Exception as error:
                reason = error.code if isinstance(error, XrmError) else type(error).__name__  # never SQL, nor a URL
                _log.warning("catalogue_not_read", reason=reason)

    async def _opened(self, name: str) -> Site:
        """Wait until a site is open; those who wait together open it once."""
        if name not in self._known:
            raise NotFound("There is nothing at this address.")
        failed = self._failed.get(name)
        if failed is not None and time.monotonic() < failed[0]:
            raise failed[1]
        opening = self._opening.get(name)
        if opening is None:
            opening = asyncio.get_running_loop().create_task(self._open_site(self._known[name]))
            self._opening[name] = opening
            opening.add_done_callback(lambda _done: self._opening.pop(name, None))
        self._waiting[name] += 1
        try:
            return await asyncio.shield(opening)
        except BaseException:
            if opening.done() and not opening.cancelled() and opening.exception() is None:
                opening.result().busy -= 1  # it was opened, but we are no longer here
            else:
                self._waiting[name] -= 1
            raise

    async def _open_site(self, tenant: Tenant) -> Site:
        try:
            site = await asyncio.get_running_loop().run_in_executor(self._threads, self._site, tenant)
        except XrmError as error:
            _log.error("tenant_not_opened", tenant=tenant.name, code=error.code, reason=error.message)
            told = error if isinstance(error, DatabaseUnavailable) else _unavailable()
            self._failed[tenant.name] = (time.monotonic() + _AGAIN_SECONDS, told)
            raise told from error
        self._failed.pop(tenant.name, None)
        site.state = tenant.state
        site.busy = self._waiting.pop(tenant.name, 0)  # so that it is not closed again before their turn
        site.watch()
        self._open[tenant.name] = site
        site.busy += 1
        self._do_beside(self._greet(site))
        while len(self._open) > self._settings.max_tenants:
            idle = (each for each, opened in self._open.items() if not (opened.busy or opened.followers))
            self._retire(next(idle, next(iter(self._open))))
        return site

    def _site(self, tenant: Tenant) -> Site:
        if is_missing(tenant.url):
            raise DatabaseUnavailable(f"The file of the tenant {tenant.name} is not there.")
        database = Database(tenant.url, _POOL, tenant.name, makes=False)
        try:
            blueprint, tables = blueprint_of(database, self._blueprints)
            named = (tenant.name, tenant.url)
            site = Site(self._settings, database, self._blueprints, blueprint, tables, *named, whose=self.named)
            site.catch_up()
        except BaseException:
            database.close()
            raise
        return site

    def _retire(self, name: str) -> None:
        """Let go of a site; requests under way end on it before it is closed."""
        self._do_beside(_close_idle(self._open.pop(name)))

    async def _greet(self, site: Site) -> None:
        try:
            await self._when_opened(site)
        finally:
            site.busy -= 1

    def _do_beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    def _catalogue(self) -> list[Tenant]:
        with self._main.read(_TIMEOUT) as connection:
            return tenants(connection, self._settings.data_dir)


def _unavailable() -> TenantUnavailable:
    return TenantUnavailable(
        "This tenant cannot be served at the moment.",
        hint="Try again later. Whoever runs the server finds the reason in its log.",
    )


async def _close_idle(site: Site) -> None:
    waited, site.leaving = 0.0, True
    while (site.busy or site.followers) and waited < _IDLE_SECONDS:
        await asyncio.sleep(_LOOK_SECONDS)
        waited += _LOOK_SECONDS
    await site.close()
