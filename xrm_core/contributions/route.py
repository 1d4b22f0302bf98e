"""What a plugin registers as an HTTP route."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

READING = frozenset({"GET", "HEAD"})
WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
MOST_SECONDS = 60.0


@dataclass(frozen=True)
class Route:
    """An address below ``/plugins/<plugin>``.

    Args:
        path: such as ``/leads`` or ``/letters/{token}``; ``{name}`` is one part of the path.
        run: a function. It is given a :class:`~xrm_core.contributions.route_context.RouteContext`, and returns a
            response of Starlette, or what is sent as JSON; None: nothing is sent.
        methods: by which it is asked, in capitals. By GET it only reads.
        public: whoever asks need not be signed in; without, the caller is who they are for GraphQL, too.
        role: whose rights the caller of a public route has; None: those of nobody.
        per_minute: requests of one address to a public route that are answered within a minute.
        max_bytes: of a body.
        seconds: that it may take.
    """

    path: str
    run: Callable[..., Any]
    methods: tuple[str, ...] = ("GET",)
    public: bool = False
    role: str | None = None
    per_minute: int = 30
    max_bytes: int = 64 * 1024
    seconds: float = 10.0
