"""What an upload may take: one of few places, so many bytes, and no end of time."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.types import Message, Receive

from xrm_core.errors import BadRequest, Busy, FileTooLarge, XrmError

MAX_UPLOADS = 16
"""Uploads that may be under way at a time, for each tenant: each takes room on the disk."""

SILENT_SECONDS = 60.0
"""How long an upload may send nothing."""


class UploadSlots:
    """The places for uploads of one server."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    @contextmanager
    def one(self, tenant: str) -> Iterator[None]:
        """A place among those of a tenant. Raises :class:`Busy`: there is none."""
        if self._taken[tenant] >= MAX_UPLOADS:
            raise Busy("Too many uploads are under way already.", hint="Try again in a moment.")
        self._taken[tenant] += 1
        try:
            yield
        finally:
            self._taken[tenant] -= 1


def counted(receive: Receive, most: int, too_large: Callable[[], XrmError]) -> Receive:
    """Bytes as they come, until there are too many, or none for too long."""
    size = 0

    async def limited() -> Message:
        nonlocal size
        try:
            message = await asyncio.wait_for(receive(), SILENT_SECONDS)
        except TimeoutError:
            raise BadRequest("The upload has stopped half-way.", hint="Send the file again.") from None
        size += len(message.get("body", b""))
        if size > most:
            raise too_large()
        return message

    return limited


def too_large(most: int) -> FileTooLarge:
    """The error for a file of more than ``most`` bytes."""
    return FileTooLarge(f"A file has at most {most} bytes.", hint="Send a smaller one.")
