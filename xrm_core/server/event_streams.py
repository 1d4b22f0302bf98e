"""Subscriptions by Server-Sent Events: GraphQL over SSE, «distinct connections mode»."""

import asyncio
from collections.abc import AsyncIterator

from starlette.types import Receive, Scope, Send

from xrm_core.errors import ShuttingDown, XrmError
from xrm_core.graphql import answers
from xrm_core.graphql.engine import Request, SubscriptionInvalid
from xrm_core.server.live import QUIET, Live
from xrm_core.server.sites import site_of
from xrm_core.server.traffic import RELEASES

EVENT_STREAM = "text/event-stream"
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # proxies of nginx's kind would keep events until there are many
    (b"x-content-type-options", b"nosniff"),
    (b"vary", b"Authorization, Cookie, Accept"),
]
_SEND_SECONDS = 30.0
_COMPLETE = b"event: complete\ndata:\n\n"


class EventStreams:
    """Answers requests that accept events.

    Args:
        live: what subscriptions share.
    """

    def __init__(self, live: Live) -> None:
        self._live = live

    async def answer(
        self, scope: Scope, receive: Receive, send: Send, authorization: str | None, request: Request
    ) -> None:
        """Tell a subscription until it or the client ends.

        Raises:
            SubscriptionInvalid, XrmError: it cannot be told; nothing was sent yet.
        """
        told = self._live.told(site_of(scope), authorization, request.address, request)
        try:
            await anext(told)  # whatever is wrong with it is said by the status
            for release in scope.get(RELEASES, ()):
                release()
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await self._send(send, b":\n\n")
            telling = asyncio.create_task(self._tell(told, send))
            leaving = asyncio.create_task(_gone(receive))
            try:
                await asyncio.wait((telling, leaving), return_when=asyncio.FIRST_COMPLETED)
            finally:
                leaving.cancel()
                telling.cancel()
                await asyncio.gather(telling, leaving, return_exceptions=True)
        finally:
            await told.aclose()  # type: ignore[attr-defined] # it is a generator

    async def _tell(self, told: AsyncIterator[bytes], send: Send) -> None:
        last = _COMPLETE
        try:
            async for body in told:
                await self._send(send, b":\n\n" if body is QUIET else b"event: next\ndata: %b\n\n" % body)
        except ShuttingDown:
            last = b""  # without «complete», clients come again
        except TimeoutError:
            return  # nobody reads
        except SubscriptionInvalid as invalid:
            last = b"event: next\ndata: %b\n\n%b" % (invalid.answer.body, _COMPLETE)
        except Exception as error:
            reason = error if isinstance(error, XrmError) else answers.unexpected(error)
            last = b"event: next\ndata: %b\n\n%b" % (answers.refused(reason).body, _COMPLETE)
        await asyncio.wait_for(send({"type": "http.response.body", "body": last}), _SEND_SECONDS)

    @staticmethod
    async def _send(send: Send, body: bytes) -> None:
        await asyncio.wait_for(send({"type": "http.response.body", "body": body, "more_body": True}), _SEND_SECONDS)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
