"""Bodies of requests, read whole as far as they are not too large."""

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from xrm_core.errors import QueryTooLarge

_DIGITS = 18  # of a number of bytes; far more of them Python does not even read


class BodyTooLarge(QueryTooLarge):
    """The body has more bytes than allowed."""

    code = "BODY_TOO_LARGE"
    http_status = 413


async def whole_body(receive: Receive, length: str | None, most: int) -> bytes:
    """The body of a request.

    Args:
        receive: of the request, from which nothing was taken yet.
        length: the header ``Content-Length``, if there is one: what says itself that it is too large is not read.
        most: bytes that it may have.

    Raises:
        BodyTooLarge: it has more.
        ClientDisconnect: the client has gone before its end.
    """
    if length is not None and length.isdecimal() and (len(length) > _DIGITS or int(length) > most):
        raise too_large(most)
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > most:
            raise too_large(most)
        more = message.get("more_body", False)
    return b"".join(chunks)


def too_large(most: int) -> BodyTooLarge:
    """The error for more than ``most`` bytes, in a body or in parameters that stand for one."""
    return BodyTooLarge(f"A request has at most {most} bytes.", hint="Split it into several.")
