"""Spans of what the server does, if it is traced. Where it is not, nothing of the libraries for it is even imported."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

_tracer: "Tracer | None" = None


def tracer() -> "Tracer | None":
    """What makes spans in this process; None: nothing is traced."""
    return _tracer


@contextmanager
def traced_by(found: "Tracer") -> Iterator[None]:
    """Let spans be made inside of it; what serves must be put together inside, too."""
    global _tracer  # one for the process, as the logs are
    before, _tracer = _tracer, found
    try:
        yield
    finally:
        _tracer = before


def span(name: str) -> AbstractContextManager[object]:
    """A span around a step; nothing, if nothing is traced. For steps that are not taken for each request."""
    if _tracer is None:
        return nullcontext()
    return _tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False)
