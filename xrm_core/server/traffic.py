"""The outermost layer of the server: each request gets an id, is counted, and is refused if it could only wait."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from enum import Enum
from time import perf_counter

import orjson
import structlog
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from xrm_core.errors import NotFound, Overloaded, ShuttingDown, XrmError
from xrm_core.graphql import answers
from xrm_core.server.crowd import ENOUGH, Crowd
from xrm_core.server.metrics import METRICS, Metrics
from xrm_core.server.one_write import ANSWER, Answering
from xrm_core.server.same_heads import AGAIN, Again
from xrm_core.settings import Settings
from xrm_core.telemetry.request import REQUEST, RequestRecord, id_of, new_id, says_id

RESERVED = 32
"""Sign-ins that are let in beyond the limit: who comes to see what is wrong must get in."""

RELEASES = "xrm.releases"
"""Key of a scope: what a request calls that goes on as a stream, which is none of those under way."""

COMING = "xrm.coming"
"""Key of a scope: it was counted as one that is about to come."""

REFUSED = "xrm.refused"
"""Key of a scope: the request was one too many, which is counted and has no line in the log."""

ROUTE = "xrm.route"
"""Key of a scope: the route of what was answered without a search among routes."""

GOING_AWAY = 1012
"""Code by which sockets are closed when a server ends: «service restart»."""

GONE = 499
"""Counted as the status of a request whose client has gone before its answer: what nginx calls it."""

HEALTH, SIGN_IN = "/health/", "/auth/"
NOWHERE = "none"
_DIGITS_OF_SMALL = 5  # below 100 kB
_START = "http.response.start"

_log = structlog.get_logger(__name__)


class Stage(Enum):
    """What a server does with new requests."""

    SERVING = "serving"
    LEAVING = "leaving"
    """It says that it is not ready, and serves all that still comes."""

    CLOSED = "closed"
    """It refuses them."""


class Traffic:
    """Middleware around everything else.

    Health and figures are outside of all limits: they are answered while nothing else is.

    Args:
        app: what comes after.
        settings: how many requests may be under way, which are logged, on which port there are figures only.
        metrics: counts.

    ``under_way`` is how many requests are. Those that come while it ``is_crowded`` wait in the ``crowd`` for their turn
    to be let in, or refused if they have waited for too long or there is no room. ``is_full`` says whether the site of
    a request has no room for so many more and for it.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self.app = app
        self.under_way = 0
        self._stage = Stage.SERVING
        self._most = self._room = settings.max_requests
        self._logs_all = settings.access_log
        self._metrics_port = settings.metrics_port
        self.max_message = settings.max_body_bytes
        self._metrics, self._answers = metrics, metrics.answers
        self.crowd = Crowd(self._has_enough)
        self._coming = 0
        self._full_at = min(settings.max_requests, settings.max_tenant_requests)
        self._enough = min(ENOUGH, self._full_at)
        self.is_full: Callable[[Scope, int], bool] = lambda _scope, _coming: False
        self._overloaded = RequestRecord(b"")
        self._overloaded.codes = (Overloaded.code,)
        metrics.under_way = lambda: self.under_way

    @property
    def stage(self) -> Stage:
        """What is done with new requests."""
        return self._stage

    @stage.setter
    def stage(self, stage: Stage) -> None:
        self._stage = stage
        self._room = 0 if stage is Stage.CLOSED else self._most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        # Each microsecond here is a hundredth of what a record costs that is read by its id.
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope.pop(COMING, False):
            self._coming -= 1
        began = perf_counter()
        record = RequestRecord(id_of(scope["headers"]))
        before = REQUEST.set(record)
        status = GONE

        def answer(message: Message) -> Awaitable[None]:
            if message["type"] == _START:
                nonlocal status
                status = message["status"]
                headers = message["headers"]
                if type(headers) is not list:
                    message["headers"] = headers = list(headers)
                headers.append((b"x-request-id", record.raw_id))
                if record.retry_after is not None and status == Overloaded.http_status:
                    headers.append((b"retry-after", b"%d" % record.retry_after))
            return send(message)

        refused = self._refused(scope["path"]) if self.under_way >= self._room else None
        if self._metrics_port and scope["server"][1] == self._metrics_port:
            refused = None if _is_apart(scope["path"]) else NotFound("There is nothing at this address.")
        self.under_way += 1
        held, seconds = 1, 0.0

        def release() -> None:
            """The request is answered by a stream from now on."""
            nonlocal held, seconds
            self.under_way -= held
            held, seconds = 0, perf_counter() - began

        whole: Answering | None = scope.get(ANSWER)
        if whole is not None:

            def answered(head: bytes, body: bytes) -> bool:
                nonlocal status
                done = whole(b"%bx-request-id: %b\r\n" % (head, record.raw_id), body)
                if done:
                    status = 200
                return done

            scope[ANSWER] = answered
        scope[RELEASES] = [release]
        try:
            if refused is None:
                await self.app(scope, receive, answer)
            else:
                await _refusal(refused, scope)(scope, receive, answer)
        except asyncio.CancelledError:
            if self._stage is not Stage.CLOSED or status != GONE:
                raise
            await _refusal(_given_up(), scope)(scope, receive, answer)
        finally:
            # They lead back to the scope by way of uvicorn: only the garbage collector would find it.
            scope.pop(ANSWER, None)
            scope.pop(AGAIN, None)
            self.under_way -= held
            route: str | None = scope.get(ROUTE)
            if route is None:
                route = str(getattr(scope.get("route"), "path", NOWHERE))
            seconds = perf_counter() - began if held else seconds
            found = self._answers.get((scope["method"], route, status, record.operation, not record.codes))
            if found is None:
                found = self._metrics.durations(scope["method"], route, status, record)
            found.add(seconds)
            if record.codes or record.waited is not None:
                self._metrics.note(record)
            fails = status >= 500 and refused is None and REFUSED not in scope
            if self._logs_all or (fails and not _is_apart(scope["path"])):
                _log_request(scope, route, status, seconds, record)
            REQUEST.reset(before)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a socket on, or refuse it. It is none of the requests under way."""
        elsewhere = self._metrics_port and scope["server"][1] == self._metrics_port
        if elsewhere or self._stage is Stage.CLOSED:
            await receive()
            await send({"type": "websocket.close", "code": GOING_AWAY})
            return
        before = REQUEST.set(RequestRecord(id_of(scope["headers"])))
        try:
            await self.app(scope, receive, send)
        finally:
            REQUEST.reset(before)

    def is_for_figures(self, server: tuple[str, int | None] | None) -> bool:
        """Whether a connection came to the port that has health and figures only."""
        return bool(self._metrics_port) and server is not None and server[1] == self._metrics_port

    @property
    def is_crowded(self) -> bool:
        """Whether who comes has to wait for others, who were there before or are enough to do."""
        return len(self.crowd) > 0 or self._has_enough()

    def _has_enough(self) -> bool:
        return self.under_way + self._coming >= self._enough

    def comes(self, scope: Scope, is_late: bool = False) -> bytes | None:
        """A request has come: the answer from its headers on if it is refused, None if it is to be passed on.

        Refusals are counted. Nothing else is made for them, since they come when there is time for nothing.

        Args:
            scope: of the request.
            is_late: it has waited for so long that it is refused also if there may be room.
        """
        # There may be none, of whichever site it is.
        full = self.under_way + self._coming >= self._full_at
        answer = self._refused_at_once(scope, is_late) if full or is_late else None
        if answer is None:
            # All that has arrived comes in before the first of it is under way.
            self._coming += 1
            scope[COMING] = True
        return answer

    def counted(self, scope: Scope, again: Again) -> Again | None:
        """What answers further requests of the same head, with an id for each, counted and within the limits.

        Args:
            scope: of a request with that head.
            again: answers queries, each of which is at hand.

        Returns:
            None if they cannot be answered so, since each is logged, or has its id from the client.
        """
        if self._logs_all or says_id(scope["headers"]):
            return None
        record = RequestRecord(b"")
        record.operation = "query"
        found = self._metrics.durations(scope["method"], scope[ROUTE], 200, record)

        def answer(body: bytes) -> tuple[bytes, bytes] | None:
            if self.under_way >= self._room:
                return None
            began = perf_counter()
            answered = again(body)
            if answered is None:
                return None
            lines, text = answered
            found.add(perf_counter() - began)
            return b"%bx-request-id: %b\r\n" % (lines, new_id()), text

        return answer

    def _refused_at_once(self, scope: Scope, is_late: bool) -> bytes | None:
        path, method = scope["path"], scope["method"]
        if self._logs_all or self._stage is Stage.CLOSED or method == "HEAD":
            return None
        if _is_apart(path) or self.is_for_figures(scope["server"]):
            return None
        under_way = self.under_way + self._coming
        if not is_late and has_room(path, under_way, self._most) and not self.is_full(scope, self._coming):
            return None
        self._metrics.durations(method, NOWHERE, Overloaded.http_status, self._overloaded).add(0.0)
        self._metrics.note(self._overloaded)
        return b"x-request-id: %s\r\n%s" % (id_of(scope["headers"]), _OVERLOADED)

    def _refused(self, path: str) -> XrmError | None:
        if _is_apart(path):
            return None
        if self._stage is Stage.CLOSED:
            return ShuttingDown("The server is about to end.", hint="Try again: another one answers, or this one soon.")
        return None if has_room(path, self.under_way, self._most) else overloaded()


def _is_apart(path: str) -> bool:
    """Whether it is asked for health or figures."""
    return path.startswith(HEALTH) or path == METRICS


def has_room(path: str, under_way: int, most: int) -> bool:
    """Whether a request may come to those that are under way."""
    if under_way < most:
        return True
    return path.startswith(HEALTH) or (path.startswith(SIGN_IN) and under_way < most + RESERVED)


def overloaded() -> Overloaded:
    """The error for one request too many."""
    return Overloaded("Too many requests are under way; nothing of this one was done.", hint="Try again in a moment.")


def _overloaded_answer() -> bytes:
    error = overloaded()
    body = orjson.dumps({"errors": [answers.shape(error)]})
    head = b"retry-after: %d\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % (error.retry_after or 1, len(body)) + body


_OVERLOADED = _overloaded_answer()


def _given_up() -> ShuttingDown:
    return ShuttingDown(
        "The server had to end before this request did.",
        hint="See whether the change was made before you try it again.",
    )


def _refusal(error: XrmError, scope: Scope) -> JSONResponse:
    """The answer; it ends the connection if the server does, and if a body comes that is not worth waiting for."""
    headers = {"connection": "close"} if isinstance(error, ShuttingDown) or has_large_body(scope["headers"]) else None
    return JSONResponse({"errors": [answers.shape(error)]}, error.http_status, headers)


def has_large_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request has more to send than is worth waiting for if it is refused anyway."""
    for name, value in headers:
        if name == b"transfer-encoding" or (name == b"content-length" and len(value) > _DIGITS_OF_SMALL):
            return True
    return False


def _log_request(scope: Scope, route: str, status: int, seconds: float, record: RequestRecord) -> None:
    """A line without what people have chosen: no address, no path, no parameters."""
    line = {"method": scope["method"][:10], "route": route, "status": status, "ms": round(seconds * 1000, 1)}
    if record.operation is not None:
        line["operation"] = record.operation
    if record.codes:
        line["codes"] = sorted(set(record.codes))
    (_log.warning if status >= 500 else _log.info)("request", **line)
