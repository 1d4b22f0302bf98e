"""Subscriptions by WebSocket: the protocol ``graphql-transport-ws`` of the npm package graphql-ws."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from xrm_core.errors import ShuttingDown, Unauthenticated, XrmError
from xrm_core.graphql import answers
from xrm_core.graphql.engine import Request, SubscriptionInvalid
from xrm_core.server.browser import credentials
from xrm_core.server.live import QUIET, Live
from xrm_core.server.site import Site
from xrm_core.server.sites import address_of, site_of
from xrm_core.server.trusted_documents import TrustedDocuments

PROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 10.0
"""So long a client may take to say who it is."""

SEND_SECONDS = 30.0
"""So long a client may take to read what there is; until it does, nothing more is read from the log for it."""

MOST = 50
"""Subscriptions of one socket."""

_GOING_AWAY, _TOO_SLOW = 1012, 1013
_INVALID, _UNAUTHORIZED, _FORBIDDEN, _NO_PROTOCOL, _NO_INIT = 4400, 4401, 4403, 4406, 4408
_SAME_ID, _INIT_TWICE = 4409, 4429


class Closed(Exception):
    """The socket is to be closed with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class WebSockets:
    """The ASGI application for sockets at ``/graphql``.

    Args:
        live: what subscriptions share.
        documents: trusted documents.
        max_bytes: of a message.
    """

    def __init__(self, live: Live, documents: TrustedDocuments, max_bytes: int) -> None:
        self._live = live
        self._documents = documents
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket until it ends."""
        await receive()
        site = site_of(scope)
        try:
            authorization = credentials(scope, site.name)
        except XrmError:  # a page of another site, with the cookie of whoever looks at it
            await send({"type": "websocket.close", "code": _FORBIDDEN})
            return
        if PROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": _NO_PROTOCOL, "reason": "Subprotocol not acceptable"})
            return
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        socket = _Socket(self, scope, receive, send, site, authorization)
        await socket.serve()

    def request(self, scope: Scope, payload: Any) -> Request:
        """The request in a message. Raises Closed: it is none."""
        if not isinstance(payload, dict):
            raise Closed(_INVALID, "The payload is not an object")
        query = self._documents.text(payload)
        name, variables = payload.get("operationName"), payload.get("variables") or {}
        if not isinstance(query, str) or not isinstance(name, str | None) or not isinstance(variables, dict):
            raise Closed(_INVALID, "The payload is not a GraphQL request")
        return Request(query, variables, name or None, base=scope.get("root_path", ""), address=address_of(scope))

    def message(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """What a client has sent. Raises Closed: it is no message of the protocol."""
        text = event.get("text") or ""
        if len(text) > self._max_bytes:
            raise Closed(_INVALID, "The message is too long")
        with suppress(orjson.JSONDecodeError):
            found = orjson.loads(text)
            if isinstance(found, dict) and isinstance(found.get("type"), str) and "\\u0000" not in text:
                return found
        raise Closed(_INVALID, "Invalid message")

    def told(self, site: Site, authorization: str | None, request: Request) -> Any:
        """See :meth:`~xrm_core.server.live.Live.told`."""
        return self._live.told(site, authorization, request.address, request)


class _Socket:
    """One connection: a loop that reads, and a task for each subscription."""

    def __init__(
        self, endpoint: WebSockets, scope: Scope, receive: Receive, send: Send, site: Site, authorization: str | None
    ) -> None:
        self._endpoint, self._scope, self._site = endpoint, scope, site
        self._receive, self._send = receive, send
        self._authorization = authorization
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ended: asyncio.Future[Closed] = asyncio.get_running_loop().create_future()

    async def serve(self) -> None:
        reading = asyncio.create_task(self._read())
        try:
            await asyncio.wait((reading, self._ended), return_when=asyncio.FIRST_COMPLETED)
            if reading.done() and not self._ended.done() and reading.exception() is None:
                return  # the client has gone
            closed = self._ended.result() if self._ended.done() else _closed(reading.exception())
            with suppress(Exception):
                await asyncio.wait_for(
                    self._send({"type": "websocket.close", "code": closed.code, "reason": closed.reason}), 1.0
                )
        finally:
            tasks = [reading, *self._tasks.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        if not await self._greet():
            return
        while (event := await self._receive())["type"] == "websocket.receive":
            message = self._endpoint.message(event)
            match message["type"]:
                case "ping":
                    await self._put(b'{"type":"pong"}')
                case "pong":
                    pass
                case "subscribe":
                    self._subscribe(message)
                case "complete":
                    task = self._tasks.pop(str(message.get("id")), None)
                    if task is not None:
                        task.cancel()
                case "connection_init":
                    raise Closed(_INIT_TWICE, "Too many initialisation requests")
                case _:
                    raise Closed(_INVALID, "Invalid message type")

    async def _greet(self) -> bool:
        """Whether the client has said who it is; False: it has gone."""
        try:
            async with asyncio.timeout(INIT_SECONDS):
                event = await self._receive()
                while event["type"] == "websocket.receive" and self._endpoint.message(event)["type"] == "ping":
                    await self._put(b'{"type":"pong"}')
                    event = await self._receive()
        except TimeoutError:
            raise Closed(_NO_INIT, "Connection initialisation timeout") from None
        if event["type"] != "websocket.receive":
            return False
        message = self._endpoint.message(event)
        if message["type"] != "connection_init":
            raise Closed(_UNAUTHORIZED, "Unauthorized")
        payload = message.get("payload") or {}
        given = payload.get("Authorization") or payload.get("authorization") if isinstance(payload, dict) else None
        if isinstance(given, str):
            self._authorization = given if not given.lower().startswith("cookie ") else None
        try:
            await self._site.user(self._authorization, address_of(self._scope))
        except Unauthenticated:
            raise Closed(_FORBIDDEN, "Forbidden") from None
        await self._put(b'{"type":"connection_ack"}')
        return True

    def _subscribe(self, message: Mapping[str, Any]) -> None:
        id_ = message.get("id")
        if not isinstance(id_, str) or not 0 < len(id_) <= 200:
            raise Closed(_INVALID, "Invalid id")
        if id_ in self._tasks:
            raise Closed(_SAME_ID, f"Subscriber for {id_[:50]} already exists")
        if len(self._tasks) >= MOST:
            raise Closed(_INVALID, f"More than {MOST} subscriptions on one socket")
        self._tasks[id_] = asyncio.create_task(self._tell(id_, message.get("payload")))

    async def _tell(self, id_: str, payload: Any) -> None:
        """Tell one subscription; what ends all of them ends the socket."""
        head = b'{"id":%b,"type":' % orjson.dumps(id_)
        try:
            request = self._endpoint.request(self._scope, payload)
            async for body in self._endpoint.told(self._site, self._authorization, request):
                if body is not QUIET:
                    await self._put(head + b'"next","payload":%b}' % body)
        except Closed as closed:
            self._end(closed)
        except Unauthenticated:
            self._end(Closed(_UNAUTHORIZED, "Unauthorized"))
        except ShuttingDown:
            self._end(Closed(_GOING_AWAY, "The server ends"))
        except TimeoutError:
            self._end(Closed(_TOO_SLOW, "Nobody reads"))
        except SubscriptionInvalid as invalid:
            await self._fail(id_, head, orjson.loads(invalid.answer.body)["errors"])
        except Exception as error:
            reason = error if isinstance(error, XrmError) else answers.unexpected(error)
            await self._fail(id_, head, [answers.shape(reason)])

    async def _fail(self, id_: str, head: bytes, errors: Any) -> None:
        self._tasks.pop(id_, None)
        with suppress(TimeoutError):
            await self._put(head + b'"error","payload":%b}' % orjson.dumps(errors))

    def _end(self, closed: Closed) -> None:
        if not self._ended.done():
            self._ended.set_result(closed)

    async def _put(self, message: bytes) -> None:
        await asyncio.wait_for(self._send({"type": "websocket.send", "text": message.decode()}), SEND_SECONDS)


def _closed(error: BaseException | None) -> Closed:
    if isinstance(error, Closed):
        return error
    if isinstance(error, TimeoutError):
        return Closed(_TOO_SLOW, "Nobody reads")
    if error is not None:
        answers.unexpected(error)
    return Closed(1011, "Something went wrong on the server")
