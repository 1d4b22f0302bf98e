"""The request under way: an id that its log lines and its answer bear, and what is noted about it on the way.

Whoever notes something does not know what becomes of it: figures, a log line, the header ``Retry-After``.
"""

import re
from collections.abc import Iterable, MutableMapping
from contextvars import ContextVar
from itertools import count
from typing import Any
from uuid import uuid4

from xrm_core.errors import XrmError

_SAFE_ID = re.compile(rb"(?!xrm)[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
"""What cannot break a log line, and is no token of ours that somebody has put into the wrong header."""

_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_REQUEST_ID = b"x-request-id"
_NAMES = frozenset({_REQUEST_ID, b"traceparent"})
_PROCESS = uuid4().hex[:24].encode()
_numbers = count(1)


class RequestRecord:
    """What is known of one request.

    ``operation`` is the kind of GraphQL operation, ``codes`` are those of the errors that its answer tells, ``waited``
    are the seconds for which it waited for a connection. ``retry_after``: seconds after which it may be tried again, if
    it was refused for a reason that passes. ``trace_id`` is that of its trace, if it is traced.
    """

    # Nothing of it is noted about most requests, so that to make one costs next to nothing.
    operation: str | None = None
    codes: tuple[str, ...] = ()
    waited: float | None = None
    retry_after: int | None = None
    trace_id: str | None = None

    def __init__(self, raw_id: bytes) -> None:
        self.raw_id = raw_id

    @property
    def id(self) -> str:
        """Its id; ``raw_id`` are the bytes of it."""
        return self.raw_id.decode()


REQUEST: ContextVar[RequestRecord | None] = ContextVar("request", default=None)
"""Of the task, or of the thread that works for it."""


def request_id() -> str:
    """The id of the request under way; another one each time outside of requests."""
    record = REQUEST.get()
    return uuid4().hex if record is None else record.id


def note_error(error: XrmError) -> None:
    """An answer tells an error."""
    note_code(error.code)
    record = REQUEST.get()
    if record is not None and error.retry_after is not None:
        record.retry_after = error.retry_after


def note_code(code: str) -> None:
    """The same, if only its code is at hand."""
    record = REQUEST.get()
    if record is not None:
        record.codes = (*record.codes, code)


def note_operation(kind: str) -> None:
    """A GraphQL operation is about to be executed: a query or a mutation."""
    record = REQUEST.get()
    if record is not None:
        record.operation = kind


def note_wait(seconds: float) -> None:
    """Somebody had to wait so long for a connection to the database."""
    record = REQUEST.get()
    if record is not None:
        record.waited = (record.waited or 0.0) + seconds


def id_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The id of a request with these headers: what ``X-Request-Id`` says, else the trace of ``traceparent``, else one
    that nobody else has. What is not in the form of either is passed over.
    """
    trace = None
    for name, value in headers:
        if name not in _NAMES:
            continue
        if name == _REQUEST_ID:
            if _SAFE_ID.fullmatch(value):
                return value
        else:
            found = _TRACEPARENT.fullmatch(value)
            trace = None if found is None else found[1]
    return trace or new_id()


def new_id() -> bytes:
    """An id that nobody else has."""
    return b"%s%08x" % (_PROCESS, next(_numbers))


def says_id(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether headers may say an id of their request."""
    return any(name in _NAMES for name, _ in headers)


def add_request_id(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """For structlog: the id of the request under way in each line."""
    record = REQUEST.get()
    if record is not None:
        line.setdefault("request_id", record.id)
        if record.trace_id is not None:
            line.setdefault("trace_id", record.trace_id)
    return line
