"""GraphiQL at ``/``: a page of static files that needs nothing from the internet.

The files here beside this module (``index.html``, ``assets/``, ``THIRD_PARTY_LICENSES.txt``) are built from the folder
``graphiql/`` of the repository, whose README.md says how. They are committed, so running the server needs no Node.
"""

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER: Final = Path(__file__).parent
"""Where the built page lies."""

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # the editor writes style elements
        "worker-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "font-src data:",  # the editor's icons are embedded in its stylesheet
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""What the page may load: its own files, and nothing from elsewhere. It holds for the editor's workers too."""

_SECURITY_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}

# With nosniff a wrong type stops the page, and what the machine's own type table says about .js is not to be relied on.
_CONTENT_TYPES: Final = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


def routes(config: Callable[[], Mapping[str, object]]) -> list[BaseRoute]:
    """The page at ``/``, its configuration and its assets.

    Args:
        config: called for every ``GET /graphiql/config.json``; its answer is sent as JSON. Keys (all may be missing):
            ``demo`` (bool), ``roles`` (list of ``{"name", "label", "token"}``; with none the page shows a field for a
            token) and ``examples`` (list of ``{"title", "query", "theme"?, "role"?, "variables"?}``). Everybody who
            reaches the server can read it, so tokens belong in it in demo mode only.
    """
    page = (FOLDER / "index.html").read_text(encoding="utf-8")

    async def index(_: Request) -> Response:
        # The page names its assets by their hashes, so it must be asked for anew while they may be kept for ever.
        return HTMLResponse(page, headers={**_SECURITY_HEADERS, "Cache-Control": "no-cache"})

    async def configuration(_: Request) -> Response:
        return JSONResponse(dict(config()), headers={**_SECURITY_HEADERS, "Cache-Control": "no-store"})

    return [
        Route("/", index, name="graphiql"),
        Route("/graphiql/config.json", configuration, name="graphiql_config"),
        Mount("/graphiql/assets", _Assets(directory=FOLDER / "assets"), name="graphiql_assets"),
    ]


class _Assets(StaticFiles):
    """Static files with hashed names: kept by the browser for a year, sent with the page's security headers."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update({**_SECURITY_HEADERS, "Cache-Control": "public, max-age=31536000, immutable"})
        if content_type := _CONTENT_TYPES.get(PurePosixPath(path).suffix):
            response.headers["Content-Type"] = content_type
        return response
