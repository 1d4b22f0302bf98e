"""What a place for the content of files can do. All of it blocks: call it from a worker thread."""

import re
from typing import BinaryIO, Protocol

from xrm_core.errors import XrmError

KEY = re.compile(r"[a-z][a-z0-9_]{0,39}/[0-9a-f]{2}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""What content is called in a store: tenant, two digits, id. None of it comes from who sends a file."""


class FilesUnavailable(XrmError):
    """The content of files cannot be reached where it lies."""

    code = "FILES_UNAVAILABLE"
    http_status = 503
    retry_after = 2


class Reader(Protocol):
    """The content of a file, or a part of it, piece by piece."""

    def read(self) -> bytes:
        """The next piece; empty at the end. Raises FilesUnavailable, and NotFound: the file was removed."""

    def close(self) -> None:
        """Let go of it, read to its end or not."""


class Store(Protocol):
    """A folder or a bucket. Content that is there never changes."""

    scheme: str
    """Stands before the keys of what lies there: ``disk`` or ``s3``."""

    def put(self, key: str, content: BinaryIO, size: int, sha256: str) -> None:
        """Keep content: when this returns it is there in full. Raises FilesUnavailable."""

    def reader(self, key: str, part: range) -> Reader:
        """Bytes of what is kept. Raises FilesUnavailable, also if there is nothing."""

    def remove(self, key: str) -> None:
        """Let go of content, which may be gone already. Raises FilesUnavailable."""


def require_key(key: str) -> str:
    """The key, if it is one; a path that leads anywhere else is none. Raises FilesUnavailable."""
    if not KEY.fullmatch(key):
        raise unavailable()
    return key


def unavailable() -> FilesUnavailable:
    """The error for whatever a store says, which is for those who run the server only."""
    return FilesUnavailable(
        "The content of files cannot be reached at the moment.",
        hint="Try again later. Whoever runs the server finds the reason in its log.",
    )
