"""Answers compressed by gzip, if the client takes that and it is worth the time.

Starlette's middleware for it is not used: it knows nothing of entity tags, which have to tell the two forms of an
answer apart, takes ``gzip;q=0`` for a yes, and costs time in requests that are not compressed, too.
"""

import asyncio
import gzip

from xrm_core.server.negotiation import accepts_gzip

MIN_BYTES = 1024
"""Smaller answers go out as they are: they fit into one packet either way."""

LEVEL = 1
"""Of gzip's nine; docs/http.md has what the others would cost."""

_APART_BYTES = 128 * 1024
"""From here on it is done in a thread: other requests do not wait for it."""


def is_compressed(size: int, accept_encoding: str | None) -> bool:
    """Whether an answer of so many bytes is sent compressed.

    Args:
        size: in bytes.
        accept_encoding: the client's header of this name.
    """
    return size >= MIN_BYTES and accepts_gzip(accept_encoding)


async def compressed(body: bytes) -> bytes:
    """The body as gzip has it; the same body gives the same bytes."""
    if len(body) < _APART_BYTES:
        return gzip.compress(body, LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, LEVEL, mtime=0)
