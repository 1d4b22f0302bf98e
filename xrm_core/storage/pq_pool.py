"""Connections to PostgreSQL that belong to one event loop, the last used first, and a queue of who waits for one."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from xrm_core.storage.engines import no_connection
from xrm_core.storage.late import Late
from xrm_core.telemetry.pool_use import PoolUse
from xrm_core.telemetry.request import note_wait

WAIT_SECONDS = 10.0
"""How long somebody waits for a connection that others have, unless said otherwise."""


class Pooled(Protocol):
    """A connection."""

    @property
    def alive(self) -> bool:
        """False once the server has closed it."""

    def close(self) -> None:
        """Close it, whatever it is doing."""


Each = TypeVar("Each", bound=Pooled)


class PqPool(Generic[Each]):
    """A list of connections; each keeps its prepared statements.

    Args:
        most: how many there may be.
        connect: opens one.
        wait_seconds: how long somebody waits for one that others have; None: :data:`WAIT_SECONDS`.
    """

    def __init__(self, most: int, connect: Callable[[], Awaitable[Each]], wait_seconds: float | None = None) -> None:
        self.most = most
        self._wait_seconds = wait_seconds
        self.opened = 0
        self.idle: list[Each] = []
        self.waiting: deque[asyncio.Future[Each | None]] = deque()
        self._connect = connect
        self._closed = False
        self._late: Late[asyncio.Future[Each | None]] | None = None

    def spare(self, count: int) -> list[Each]:
        """Up to so many connections that are idle and that nobody waits for; none is opened for it."""
        found: list[Each] = []
        while self.idle and not self.waiting and len(found) < count:
            connection = self.idle.pop()
            if connection.alive:
                found.append(connection)
            else:
                connection.close()
                self.opened -= 1
        return found

    async def acquire(self) -> Each:
        """A connection; to be given back by :meth:`release`, whatever happens. Raises what opening one does, and:

        Raises:
            Overloaded: all were in use for too long.
        """
        # Whoever comes while others wait is behind them, also in the moment in which one of them is given its turn.
        while self.idle and not self.waiting:
            connection = self.idle.pop()
            if connection.alive:
                return connection
            connection.close()
            self.opened -= 1
        if self.opened < self.most:
            self.opened += 1
        else:
            given = await self._turn()
            if given is not None:
                return given
        try:
            return await self._connect()
        except BaseException:
            self._let_go()
            raise

    def release(self, connection: Each, *, healthy: bool) -> None:
        """Give one back; one that is not ``healthy`` is closed."""
        if not healthy or not connection.alive or self._closed:
            connection.close()
            self._let_go()
        elif not self._hand_on(connection):
            self.idle.append(connection)

    def drop_idle(self) -> None:
        """Close those that are idle."""
        while self.idle:
            self.idle.pop().close()
            self.opened -= 1

    def close(self) -> None:
        """Close all, those in use when they come back."""
        self._closed = True
        self.drop_idle()

    def use(self) -> PoolUse:
        """How many connections there are at the moment."""
        return PoolUse(self.opened, self.opened - len(self.idle), len(self.waiting))

    async def _turn(self) -> Each | None:
        """Wait until a connection is free; None: there is room for a new one, which counts as open already."""
        waiter: asyncio.Future[Each | None] = asyncio.get_running_loop().create_future()
        self.waiting.append(waiter)
        late = self._late = self._late or Late(self._wait_seconds or WAIT_SECONDS, _give_up)
        late.add(waiter)
        began = time.perf_counter()
        try:
            return await waiter
        except BaseException as error:
            with contextlib.suppress(ValueError):
                self.waiting.remove(waiter)
            if waiter.done() and not (waiter.cancelled() or waiter.exception()):
                # It was our turn, but we are no longer here to take it.
                given = waiter.result()
                if given is None:
                    self._let_go()
                else:
                    self.release(given, healthy=True)
            if isinstance(error, TimeoutError):
                raise no_connection() from None
            raise
        finally:
            late.remove(waiter)
            note_wait(time.perf_counter() - began)

    def _let_go(self) -> None:
        """There is room for another connection: for whoever waits longest, if anybody does."""
        if not self._hand_on(None):
            self.opened -= 1

    def _hand_on(self, connection: Each | None) -> bool:
        while self.waiting:
            waiter = self.waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False


def _give_up(waiter: "asyncio.Future[Each | None]") -> None:
    """Nothing came free in time."""
    if not waiter.done():
        waiter.set_exception(TimeoutError())
