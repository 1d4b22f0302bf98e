"""``/graphql``: GraphQL over HTTP, by its specification (media types, status codes, GET for queries only)."""

from dataclasses import replace
from functools import partial
from typing import Any

import orjson
from starlette.datastructures import Headers, QueryParams
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.types import Receive, Scope, Send

from xrm_core.errors import BadRequest, QueryTooLarge, Unauthenticated, XrmError
from xrm_core.graphql import answers
from xrm_core.graphql.answers import Answer
from xrm_core.graphql.departure import ClientGone, Departure
from xrm_core.graphql.engine import MutationByGet, Request
from xrm_core.server.sites import site_of
from xrm_core.server.trusted_documents import TrustedDocuments

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
_SECURITY = [
    (b"cache-control", b"no-store"),
    (b"vary", b"Authorization, Accept"),
    (b"x-content-type-options", b"nosniff"),
]


class NotAcceptable(BadRequest):
    """The client accepts none of the media types that there are."""

    code = "NOT_ACCEPTABLE"
    http_status = 406


class UnsupportedMediaType(BadRequest):
    """The body is not JSON."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    http_status = 415


class MethodNotAllowed(BadRequest):
    """Neither GET nor POST."""

    code = "METHOD_NOT_ALLOWED"
    http_status = 405


class BodyTooLarge(QueryTooLarge):
    """The body has more bytes than allowed."""

    code = "BODY_TOO_LARGE"
    http_status = 413


class GraphQLEndpoint:
    """The ASGI application behind ``/graphql``; it answers for the site of the request.

    Args:
        max_body_bytes: larger bodies are refused before they are read whole.
        documents: trusted documents.
    """

    def __init__(self, max_body_bytes: int, documents: TrustedDocuments | None = None) -> None:
        self._max_body_bytes = max_body_bytes
        self._documents = documents or TrustedDocuments()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        headers = Headers(scope=scope)
        media_type = JSON
        try:
            media_type = _accepted(headers.get("accept"))
            site, authorization = site_of(scope), headers.get("authorization")
            await site.user(authorization)  # before a stranger's body is read
            request = await self._read(scope, headers, receive, send)
            departure = Departure(partial(_gone, receive))
            base = scope.get("root_path", "")
            answer = await site.answer(authorization, replace(request, base=base, departure=departure))
            status = _status(answer, media_type)
        except (ClientDisconnect, ClientGone):
            return
        except XrmError as error:
            answer, status = answers.refused(error), error.http_status
        except Exception as error:
            reason = answers.unexpected(error)
            answer, status = answers.refused(reason), reason.http_status
        await _send(send, status, media_type, answer)

    async def _read(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> Request:
        if scope["method"] == "GET":
            return self._request(_from_query(QueryParams(scope["query_string"])), read_only=True)
        if scope["method"] != "POST":
            raise MethodNotAllowed("GraphQL is asked by POST, or by GET for queries.", hint="Use POST.")
        if headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
            raise UnsupportedMediaType(
                "The body must be JSON.", hint="Send it with the header «Content-Type: application/json»."
            )
        return self._request(_from_json(await self._body(HttpRequest(scope, receive, send), headers)))

    def _request(self, content: dict[str, Any], *, read_only: bool = False) -> Request:
        extensions = content.get("extensions")
        if extensions is not None and not isinstance(extensions, dict):
            raise BadRequest("«extensions» is not an object.")
        query, name, variables = self._documents.text(content), content.get("operationName"), content.get("variables")
        if not isinstance(query, str):
            raise BadRequest("«query» is missing or not a text.", hint='It looks like {"query": "{ … }"}.')
        if name is not None and not isinstance(name, str):
            raise BadRequest("«operationName» is not a text.")
        if variables is not None and not isinstance(variables, dict):
            raise BadRequest("«variables» is not an object.")
        cost = (extensions or {}).get("cost", False)
        if not isinstance(cost, bool):
            raise BadRequest("«extensions.cost» is not true or false.")
        return Request(query, variables or {}, name or None, read_only, tells_cost=cost)

    async def _body(self, request: HttpRequest, headers: Headers) -> bytes:
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self._max_body_bytes:
            raise self._too_large()
        chunks, size = [], 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > self._max_body_bytes:
                raise self._too_large()
            chunks.append(chunk)
        return b"".join(chunks)

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"A request has at most {self._max_body_bytes} bytes.", hint="Split it into several.")


def _accepted(accept: str | None) -> str:
    """The media type of the answer: what the client names first of those that there are."""
    if not accept:
        return JSON
    for part in accept.split(","):
        name = part.partition(";")[0].strip().lower()
        if name == GRAPHQL_RESPONSE:
            return GRAPHQL_RESPONSE
        if name in (JSON, "application/*", "*/*"):
            return JSON
    raise NotAcceptable(f"The answer comes as {GRAPHQL_RESPONSE} or {JSON}.", hint="Name one of them in Accept.")


def _from_json(body: bytes) -> dict[str, Any]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequest("The body is not valid JSON.", hint='It looks like {"query": "{ … }"}.') from None
    if not isinstance(content, dict):
        raise BadRequest("The body must be one JSON object; lists of requests are not taken.")
    if b"\\u0000" in body and _has_nul(content):
        raise BadRequest("The request has a NUL character.", hint="Texts cannot have it; leave it out.")
    return content


def _from_query(parameters: QueryParams) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for name in ("query", "documentId", "operationName"):
        if name in parameters:
            content[name] = parameters[name]
    for name in ("variables", "extensions"):
        if parameters.get(name):
            try:
                content[name] = orjson.loads(parameters[name])
            except orjson.JSONDecodeError:
                raise BadRequest(f"The parameter {name} is not valid JSON.") from None
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
    if answer.executed:
        return 200
    if answer.status > BadRequest.http_status:
        return answer.status
    # With the older media type, clients take any other status than 200 for a failure of transport.
    return 400 if media_type == GRAPHQL_RESPONSE else 200


async def _gone(receive: Receive) -> None:
    """Return when the client has closed the connection. The request has been read whole."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, status: int, media_type: str, answer: Answer) -> None:
    headers = [
        (b"content-type", f"{media_type}; charset=utf-8".encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *_SECURITY,
    ]
    if status == Unauthenticated.http_status:
        headers.append((b"www-authenticate", b'Bearer realm="xrm"'))
    if status in (MutationByGet.http_status, MethodNotAllowed.http_status):
        headers.append((b"allow", b"GET, POST" if status != MutationByGet.http_status else b"POST"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
