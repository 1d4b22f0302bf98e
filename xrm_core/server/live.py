"""Subscriptions under way at this server: when they look into the log, for whom, and how many there may be."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import structlog

from xrm_core.errors import Overloaded, ShuttingDown
from xrm_core.graphql.engine import Request
from xrm_core.graphql.subscription_operations import Batch
from xrm_core.permissions.caller import User
from xrm_core.records.feed.cursors import Cursor
from xrm_core.records.feed.place import head
from xrm_core.server.change_sealing import ChangeSealing
from xrm_core.server.site import Serving, Site
from xrm_core.settings import Settings
from xrm_core.telemetry.threads import ThreadPool

PULSE_SECONDS = 0.5
"""How often it is looked whether something was written, as long as somebody waits for it."""

FRESH_SECONDS = 1.0
"""Who waits is looked up anew as often: a subscription ends in this time and a pulse after its token was revoked."""

QUIET_SECONDS = 10.0
"""After so long without a change there is a sign of life."""

MOST_OF_CALLER = 100
"""Subscriptions of one user or token."""

_log = structlog.get_logger(__name__)

QUIET = b""
"""The sign of life in place of a body."""


class Pulse:
    """Seals the log of a site and knows where it ends, as long as somebody follows it."""

    def __init__(self, site: Site, sealing: ChangeSealing) -> None:
        self._site, self._sealing = site, sealing
        self._beat = asyncio.Event()
        self._threads = ThreadPool(1, "xrm-pulse")
        self._task = asyncio.get_running_loop().create_task(self._run())
        self.followers = 0
        self.position = 0

    async def beat(self) -> None:
        """Wait for the next look."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._beat.wait(), 2 * PULSE_SECONDS)

    def stop(self) -> None:
        """Look no more."""
        self._task.cancel()
        self._threads.shutdown(wait=False)

    async def _run(self) -> None:
        while True:
            await self._sealing.seal(self._site)
            try:
                loop = asyncio.get_running_loop()
                self.position = await loop.run_in_executor(self._threads, self._position)
            except Exception as error:  # the database is away, say; it is tried again
                _log.warning("changes_not_seen", tenant=self._site.name, kind=type(error).__name__)
            beat, self._beat = self._beat, asyncio.Event()
            beat.set()
            await asyncio.sleep(PULSE_SECONDS)

    def _position(self) -> int:
        with self._site.database.read(5.0) as connection:
            return head(connection).position


class Live:
    """What subscriptions of a server share.

    Args:
        settings: how many there may be.
        sealing: seals the log.
        ending: whether the server is about to end.
    """

    def __init__(self, settings: Settings, sealing: ChangeSealing, ending: Callable[[], bool]) -> None:
        self._most = settings.max_subscriptions
        self._sealing = sealing
        self._ending = ending
        self._pulses: dict[Site, Pulse] = {}
        self._callers: Counter[tuple[str, str]] = Counter()

    async def told(
        self, site: Site, authorization: str | None, address: str | None, request: Request
    ) -> AsyncIterator[bytes]:
        """What a subscription tells, as bodies of answers; :data:`QUIET` now and then if nothing happens.

        The first that comes is QUIET, as soon as it is clear that it can be told.

        Args:
            site: whose records.
            authorization: the credentials, looked at again and again.
            address: of the client.
            request: what is asked.

        Raises:
            Unauthenticated: the credentials are not valid, or not any more.
            SubscriptionInvalid, BadCursor, BadQuery, ChangesGap: it cannot be told, or not go on.
            Overloaded: there are too many.
            ShuttingDown: the server ends, or the tenant moves; another one will go on.
        """
        caller = await self._caller(site.serving, site, authorization, address, request)
        with self._one_more(site, caller) as pulse:
            batch = await self._batch(site, authorization, address, request, None)
            yield QUIET
            while True:
                for body in batch.bodies:
                    yield body
                self._require_open(site)
                since = time.monotonic()
                while not batch.more and pulse.position <= batch.place.seen.position:
                    await pulse.beat()
                    self._require_open(site)
                    await self._caller(site.serving, site, authorization, address, request)
                    if time.monotonic() - since > QUIET_SECONDS:
                        since = time.monotonic()
                        yield QUIET
                batch = await self._batch(site, authorization, address, request, batch.place)

    async def _batch(
        self, site: Site, authorization: str | None, address: str | None, request: Request, place: Cursor | None
    ) -> Batch:
        async def ask(serving: Serving) -> Batch:
            caller = await self._caller(serving, site, authorization, address, request)
            return await serving.engine.batch(request, caller, place)

        return await site.on_newest(ask)

    def _require_open(self, site: Site) -> None:
        if self._ending() or site.leaving:
            raise ShuttingDown("The server is about to end.", hint="Subscribe again, with the last cursor.")

    @staticmethod
    async def _caller(
        serving: Serving, site: Site, authorization: str | None, address: str | None, request: Request
    ) -> User:
        site.require_policies()
        found = await serving.authenticator.user(authorization, address, within=FRESH_SECONDS)
        return replace(found, base=request.base) if request.base else found

    @contextmanager
    def _one_more(self, site: Site, caller: User) -> Iterator[Pulse]:
        who = (site.name, caller.actor or "")
        if sum(self._callers.values()) >= self._most or self._callers[who] >= MOST_OF_CALLER:
            raise Overloaded("There are too many subscriptions.", hint="End some that nobody needs, and try again.")
        pulse = self._pulses.get(site)
        if pulse is None:
            pulse = self._pulses[site] = Pulse(site, self._sealing)
        pulse.followers += 1
        site.followers += 1
        self._callers[who] += 1
        try:
            yield pulse
        finally:
            self._callers[who] -= 1
            if not self._callers[who]:
                del self._callers[who]
            site.followers -= 1
            pulse.followers -= 1
            if not pulse.followers:
                pulse.stop()
                del self._pulses[site]
