"""Sessions in browsers: cookies, and what keeps other sites from using them.

A browser sends cookies along with whatever any site makes it send. So a request that could change something is taken
with a cookie only if it proves that it comes from a page of this very origin.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import Scope

from xrm_core.auth.authenticator import COOKIE
from xrm_core.errors import XrmError

SESSION, DEVICE = "xrm_session", "xrm_device"
"""Names of cookies; ``__Host-`` stands before them where TLS is used, ``_<tenant>`` after them for a tenant."""

PROOF = "x-xrm-csrf"
"""A header that no other site can make a browser send: it would have to ask this server first, which says nothing."""

_SAFE = ("GET", "HEAD", "OPTIONS")


class CrossSiteRefused(XrmError):
    """A request that comes with a cookie does not prove that it comes from a page of this origin."""

    code = "CROSS_SITE_REFUSED"
    http_status = 403


def credentials(scope: Scope, tenant: str) -> str | None:
    """The credentials of a request: its ``Authorization`` header, else a session in a cookie, else None.

    Args:
        scope: of the request.
        tenant: name of its tenant; empty: the main database.

    Raises:
        CrossSiteRefused: a cookie is all that it has, it could change something, and other sites could have made it.
    """
    headers = _headers(scope)
    if "authorization" in headers:
        return headers["authorization"]
    token = cookie(scope, SESSION, tenant)
    if not token:
        return None
    if scope.get("method") not in _SAFE:  # nor has a socket one
        require_same_origin(scope, proven=True)
    return f"{COOKIE} {token}"


def cookie(scope: Scope, name: str, tenant: str) -> str | None:
    """The value of a cookie of ours."""
    return cookie_parser(_headers(scope).get("cookie", "")).get(_name(scope, name, tenant))


def made_elsewhere(scope: Scope) -> bool:
    """Whether a page of another origin may have made the browser send this request with a cookie of ours."""
    headers = _headers(scope)
    by_cookie = "authorization" not in headers and "cookie" in headers
    return by_cookie and headers.get("sec-fetch-site") not in ("same-origin", "none") and PROOF not in headers


def set_cookie(response: Response, scope: Scope, name: str, tenant: str, value: str, seconds: int) -> None:
    """Give the browser a cookie of ours for so long; no script can read it. None: 0 seconds take it away."""
    response.set_cookie(
        _name(scope, name, tenant),
        value,
        max_age=seconds,
        path="/",
        secure=_is_secure(scope),
        httponly=True,
        samesite="lax",
    )


def require_same_origin(scope: Scope, *, proven: bool) -> None:
    """Refuse a request of a page of another origin.

    Args:
        scope: of the request.
        proven: refuse it also if it does not say where it comes from.

    Raises:
        CrossSiteRefused: it is refused.
    """
    headers = _headers(scope)
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if site not in (None, "same-origin", "none") or (origin is not None and not _is_own(origin, headers)):
        raise CrossSiteRefused(
            "The request comes from a page of another origin.",
            hint="Pages of other origins send a bearer token in place of the cookie.",
        )
    if proven and origin is None and site != "same-origin" and PROOF not in headers:
        raise CrossSiteRefused(
            "The request has a cookie, but does not say where it comes from.",
            hint="Send the header «X-XRM-CSRF: 1», or a bearer token in place of the cookie.",
        )


def _is_own(origin: str, headers: Mapping[str, str]) -> bool:
    # By host and port alone: behind a proxy the server may not know that the browser used TLS.
    try:
        place = urlsplit(origin).netloc
    except ValueError:
        return False
    return bool(place) and place.lower() == headers.get("host", "").lower()


def _name(scope: Scope, name: str, tenant: str) -> str:
    prefix = "__Host-" if _is_secure(scope) else ""
    return f"{prefix}{name}{f'_{tenant}' if tenant else ''}"


def _is_secure(scope: Scope) -> bool:
    return bool(scope.get("scheme") in ("https", "wss"))


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, Any] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        between = "; " if name == "cookie" else ", "
        found[name] = f"{found[name]}{between}{value}" if name in found else value
    return found
