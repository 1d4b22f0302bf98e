"""uvicorn, with a word to say when it answers, and an end that loses no request."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import structlog
import uvicorn

from xrm_core.cli import garbage
from xrm_core.jobs.worker import Worker
from xrm_core.server.admission import Admission
from xrm_core.server.traffic import Stage, Traffic

_LOOK_SECONDS = 0.05
_LAST_SECONDS = 1
"""For what is still being sent once all requests have ended or were given up."""

_CLOSE_SECONDS = 3.0
"""For closing everything, if requests were given up: whoever works for them may hold it up."""

_log = structlog.get_logger(__name__)


class Server(uvicorn.Server):
    """Serves until a signal, then drains.

    It first says that it is not ready, and for ``drain`` seconds takes what still comes: a load balancer needs a moment
    to notice. Then it refuses new requests, and those under way have ``grace`` seconds to end; what has not ended by
    then is rolled back. A second signal ends it at once; SIGINT, which a person sends who waits, leaves out the first
    step.

    Args:
        traffic: the application.
        drain: seconds of the first step.
        grace: seconds of the second.
        announce: called when it answers.
        worker: does jobs beside it, takes no more from the signal on, and has the same time to end those under way.
    """

    def __init__(
        self,
        traffic: Traffic,
        drain: float,
        grace: float,
        announce: Callable[[], None],
        worker: Worker | None = None,
    ) -> None:
        config = uvicorn.Config(
            traffic,
            loop="auto",  # uvloop where it exists, which is everywhere but on Windows
            http=Admission,
            ws="websockets-sansio",
            ws_max_size=traffic.max_message,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_LAST_SECONDS,
        )
        super().__init__(config)
        self._traffic = traffic
        self._drain, self._grace = drain, grace
        self._announce = announce
        self._worker = worker

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        await super().startup(sockets)
        garbage.leave_what_is_there()
        self._announce()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See uvicorn; there only a second SIGINT ends it at once."""
        if self.should_exit:
            self.force_exit = True
        elif sig == signal.SIGINT:
            self._drain = 0
        if self._worker is not None:
            self._worker.take_no_more()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        self._traffic.stage = Stage.LEAVING
        await self._until(lambda: False, self._drain)
        self._traffic.stage = Stage.CLOSED
        await self._until(lambda: not self._traffic.under_way and self._is_idle(), self._grace)
        if self._worker is not None and not self.force_exit:
            await asyncio.to_thread(self._worker.stop, 0)
        given_up = self._traffic.under_way
        if given_up:
            _log.warning("requests_given_up", number=given_up)
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS if given_up else None):
                await super().shutdown(sockets)
        if given_up or self.force_exit:
            # Threads may work on for longer than anybody waits. The database rolls back what they have not committed.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)

    def _is_idle(self) -> bool:
        return self._worker is None or self._worker.idle

    async def _until(self, reached: Callable[[], bool], seconds: float) -> None:
        """Wait until something is so, for so long at most, and not at all once a second signal came."""
        end = time.monotonic() + seconds
        while not (reached() or self.force_exit or time.monotonic() >= end):  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_SECONDS)  # an event would have to be set for each request that ends
