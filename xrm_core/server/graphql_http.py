"""``/graphql``: GraphQL over HTTP, by its specification (media types, status codes, GET for queries only)."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from xrm_core.errors import BadRequest, Forbidden, Unauthenticated, XrmError
from xrm_core.graphql import answers
from xrm_core.graphql.answers import Answer
from xrm_core.graphql.departure import ClientGone, Departure, departures
from xrm_core.graphql.engine import Request, SubscriptionInvalid
from xrm_core.records.idempotency import RETRY_SECONDS, IdempotencyInProgress
from xrm_core.server.bodies import too_large, whole_body
from xrm_core.server.browser import credentials, made_elsewhere
from xrm_core.server.compression import compressed, is_compressed
from xrm_core.server.entity_tags import has_already, of_gzip, tag_of
from xrm_core.server.event_streams import EVENT_STREAM, EventStreams
from xrm_core.server.graphql_multipart import MultipartRequests
from xrm_core.server.negotiation import (
    GRAPHQL_RESPONSE,
    JSON,
    is_multipart,
    language_of_answer,
    media_type_of_answer,
    require_json,
)
from xrm_core.server.one_write import ANSWER, Answering
from xrm_core.server.same_heads import AGAIN
from xrm_core.server.sites import VIEW_AS, address_of, host_of, named_in, site_of
from xrm_core.server.trusted_documents import TrustedDocuments
from xrm_core.translation import speaking

_SECURITY = [
    (b"vary", b"Authorization, Cookie, X-View-As, Accept, Accept-Encoding, Accept-Language"),
    (b"x-content-type-options", b"nosniff"),
]
_NOT_KEPT = (b"cache-control", b"no-store")
_KEPT = (b"cache-control", b"private, no-cache")
_SAFE = ("GET", "HEAD")
_JSON_OF = {each: (b"content-type", f"{each}; charset=utf-8".encode()) for each in (GRAPHQL_RESPONSE, JSON)}
_HEAD_OF = {
    each: b"".join([b"%b: %b\r\n" % line for line in (*_SECURITY, _NOT_KEPT, content_type)])
    for each, content_type in _JSON_OF.items()
}
_TEXTS = ("query", "documentId", "operationName")
_OBJECTS = ("variables", "extensions")
_SINGLE = frozenset({"idempotency-key", "if-none-match", VIEW_AS})
"""Headers of requests each of which is looked at for itself."""

_LOOKED_AT = {
    name.encode(): name
    for name in (
        "accept",
        "accept-encoding",
        "accept-language",
        "authorization",
        "content-length",
        "content-type",
        "idempotency-key",
        "if-none-match",
        VIEW_AS,
    )
}


class NotWellFormed(BadRequest):
    """JSON, or parameters, that are no GraphQL request."""

    http_status = 422


class MethodNotAllowed(BadRequest):
    """None of GET, HEAD and POST."""

    code = "METHOD_NOT_ALLOWED"
    http_status = 405


class GraphQLEndpoint:
    """The ASGI application behind ``/graphql``; it answers for the site of the request.

    Args:
        max_body_bytes: larger bodies are refused before they are read whole, and larger parameters of a GET.
        multipart: reads requests that bring files along; None: they are refused.
        documents: trusted documents.
        compresses: whether answers are compressed for clients that take it.
        streams: tells subscriptions by events; None: there are none.
    """

    def __init__(
        self,
        max_body_bytes: int,
        multipart: MultipartRequests | None = None,
        documents: TrustedDocuments | None = None,
        *,
        compresses: bool = True,
        streams: EventStreams | None = None,
    ) -> None:
        self._streams = streams
        self._multipart = multipart
        self._max_body_bytes = max_body_bytes
        self._compresses = compresses
        self._documents = documents or TrustedDocuments()
        self._late = departures()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        headers = _headers(scope)
        with speaking(language_of_answer(headers.get("accept-language"))):
            await self._answer(scope, headers, receive, send)

    async def _answer(self, scope: Scope, headers: Mapping[str, str], receive: Receive, send: Send) -> None:
        media_type = GRAPHQL_RESPONSE
        try:
            if self._streams is not None and EVENT_STREAM in headers.get("accept", ""):
                await self._stream(self._streams, scope, headers, receive, send)
                return
            media_type = media_type_of_answer(headers.get("accept"))
            site, address = site_of(scope), address_of(scope)
            authorization = headers.get("authorization") or credentials(scope, site.name)
            await site.user(authorization, address)  # before a stranger's body is read
            multipart = self._multipart if is_multipart(headers.get("content-type")) else None
            if multipart is not None and scope["method"] == "POST":
                async with multipart.read(scope, receive, _from_json) as (content, files):
                    asked = replace(self._request(content, scope, headers, receive), files=files)
                    answer = await site.answer(authorization, asked)
            else:
                answer = await site.answer(authorization, await self._read(scope, headers, receive))
            status = _status(answer, media_type)
        except (ClientDisconnect, ClientGone):
            return
        except SubscriptionInvalid as invalid:
            answer, status = invalid.answer, invalid.answer.status
        except XrmError as error:
            answer, status = answers.refused(error), error.http_status
        except Exception as error:
            reason = answers.unexpected(error)
            answer, status = answers.refused(reason), reason.http_status
        # Clients that know the older media type only get it for what was executed; what is refused says what it is.
        media_type = media_type if answer.executed else GRAPHQL_RESPONSE
        await self._send(scope, headers, send, status, media_type, answer)

    async def _stream(
        self, streams: EventStreams, scope: Scope, headers: Mapping[str, str], receive: Receive, send: Send
    ) -> None:
        """Tell a subscription by events."""
        site = site_of(scope)
        authorization = headers.get("authorization") or credentials(scope, site.name)
        await site.user(authorization, address_of(scope))  # before a stranger's body is read
        request = await self._read(scope, headers, receive)
        if request.view_as is not None:
            raise Forbidden("Subscriptions are told to nobody else.", hint="Leave out the header X-View-As.")
        await streams.answer(scope, receive, send, authorization, request)

    async def _send(
        self, scope: Scope, given: Mapping[str, str], send: Send, status: int, media_type: str, answer: Answer
    ) -> None:
        body = answer.body
        packs = self._compresses and is_compressed(len(body), given.get("accept-encoding"))
        # What another page has put into a query, and what it cannot read, must not be compressed together (BREACH).
        packs = packs and not made_elsewhere(scope)
        if status == 200 and not packs and scope["method"] == "POST":
            if answer.at_hand and AGAIN in scope:
                self._offer(scope, given, media_type)
            at_once: Answering | None = scope.get(ANSWER)
            if at_once is not None and at_once(b"%bcontent-length: %d\r\n" % (_HEAD_OF[media_type], len(body)), body):
                return
        headers = list(_SECURITY)
        if scope["method"] in _SAFE and status == 200:
            tag = tag_of(media_type, body)
            headers += [_KEPT, (b"etag", (of_gzip(tag) if packs else tag).encode())]
            if has_already(given.get("if-none-match"), tag):
                await _reply(send, 304, headers, b"")
                return
        else:
            headers.append(_NOT_KEPT)
        if packs:
            body = await compressed(body)
            headers.append((b"content-encoding", b"gzip"))
        headers += [_JSON_OF[media_type], (b"content-length", b"%d" % len(body))]
        if status == Unauthenticated.http_status:
            headers.append((b"www-authenticate", b'Bearer realm="xrm"'))
        if status == IdempotencyInProgress.http_status:
            headers.append((b"retry-after", b"%d" % RETRY_SECONDS))
        if status == MethodNotAllowed.http_status:
            headers.append((b"allow", b"POST" if scope["method"] in _SAFE else b"GET, HEAD, POST"))
        await _reply(send, status, headers, b"" if scope["method"] == "HEAD" else body)

    def _offer(self, scope: Scope, headers: Mapping[str, str], media_type: str) -> None:
        """Offer to answer further queries with these headers from their bodies alone."""
        authorization = headers.get("authorization")
        if authorization is None or not _SINGLE.isdisjoint(headers) or scope["query_string"] or scope["root_path"]:
            return
        if is_multipart(headers.get("content-type")):
            return  # its body is read otherwise
        site, host, address, coding = site_of(scope), host_of(scope), address_of(scope), headers.get("accept-encoding")
        lines = _HEAD_OF[media_type]

        def again(body: bytes) -> tuple[bytes, bytes] | None:
            try:
                query, name, variables, cost = self._asked(_from_json(body))
                found = None if cost else site.at_hand(host, authorization, address, query, name, variables)
            except Exception:
                return None  # the ordinary way meets it, too, and says so
            if found is None or (self._compresses and is_compressed(len(found), coding)):
                return None
            return lines, found

        scope[AGAIN](again)

    async def _read(self, scope: Scope, headers: Mapping[str, str], receive: Receive) -> Request:
        if scope["method"] in _SAFE:
            if len(scope["query_string"]) > self._max_body_bytes:
                raise too_large(self._max_body_bytes)
            content = _from_query(QueryParams(scope["query_string"]))
            return self._request(content, scope, headers, receive, read_only=True)
        if scope["method"] != "POST":
            raise MethodNotAllowed("GraphQL is asked by POST, or by GET for queries.", hint="Use POST.")
        require_json(headers.get("content-type"))
        body = await whole_body(receive, headers.get("content-length"), self._max_body_bytes)
        return self._request(_from_json(body), scope, headers, receive)

    def _request(
        self,
        content: dict[str, Any],
        scope: Scope,
        headers: Mapping[str, str],
        receive: Receive,
        *,
        read_only: bool = False,
    ) -> Request:
        query, name, variables, cost = self._asked(content)
        view_as = named_in(scope) if VIEW_AS in headers else None
        key = headers.get("idempotency-key")
        base, departure = scope.get("root_path", ""), Departure(partial(_gone, receive), self._late)
        return Request(query, variables, name, read_only, base, departure, cost, address_of(scope), view_as, key)

    def _asked(self, content: Mapping[str, Any]) -> tuple[str, str | None, dict[str, Any], bool]:
        """Document, name of the operation, variables, and whether the answer tells its cost."""
        extensions = content.get("extensions")
        if extensions is not None and not isinstance(extensions, dict):
            raise NotWellFormed("«extensions» is not an object.")
        query, name, variables = self._documents.text(content), content.get("operationName"), content.get("variables")
        if not isinstance(query, str):
            raise NotWellFormed("«query» is missing or not a text.", hint='It looks like {"query": "{ … }"}.')
        if name is not None and not isinstance(name, str):
            raise NotWellFormed("«operationName» is not a text.")
        if variables is not None and not isinstance(variables, dict):
            raise NotWellFormed("«variables» is not an object.")
        cost = (extensions or {}).get("cost", False)
        if not isinstance(cost, bool):
            raise NotWellFormed("«extensions.cost» is not true or false.")
        return query, name or None, variables or {}, cost


def _headers(scope: Scope) -> dict[str, str]:
    """The headers that say something here; one that came in several lines is joined by commas."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name = _LOOKED_AT.get(raw_name)
        if name is not None:
            value = raw_value.decode("latin-1")
            found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _from_json(body: bytes) -> dict[str, Any]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequest("The body is not valid JSON.", hint='It looks like {"query": "{ … }"}.') from None
    if not isinstance(content, dict):
        raise NotWellFormed("The body must be one JSON object; lists of requests are not taken.")
    if b"\\u0000" in body and _has_nul(content):
        raise BadRequest("The request has a NUL character.", hint="Texts cannot have it; leave it out.")
    return content


def _from_query(parameters: QueryParams) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for name in (*_TEXTS, *_OBJECTS):
        if len(parameters.getlist(name)) > 1:
            raise NotWellFormed(f"The parameter {name} is given more than once.", hint="Give it once.")
    for name in _TEXTS:
        if name in parameters:
            content[name] = parameters[name]
    for name in _OBJECTS:
        if parameters.get(name):
            try:
                content[name] = orjson.loads(parameters[name])
            except orjson.JSONDecodeError:
                raise NotWellFormed(f"The parameter {name} is not valid JSON.") from None
    if _has_nul(content):
        raise BadRequest("The request has a NUL character.", hint="Texts cannot have it; leave it out.")
    return content


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(each) for key, each in value.items())
    return isinstance(value, list) and any(_has_nul(each) for each in value)


def _status(answer: Answer, media_type: str) -> int:
    # 294 has its meaning by the media type only.
    return 200 if answer.executed and media_type == JSON else answer.status


async def _gone(receive: Receive) -> None:
    """Return when the client has closed the connection. The request has been read whole."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _reply(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
