"""``/metrics``: for whoever has the token for it, or asks on the port for it. For all others there is nothing."""

from hmac import compare_digest

from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from xrm_core.errors import NotFound, Unauthenticated
from xrm_core.graphql import answers
from xrm_core.server.metrics import METRICS, Metrics
from xrm_core.settings import Settings

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_SCHEME = "bearer "


def are_shown(settings: Settings) -> bool:
    """Whether anybody can see them."""
    return bool(settings.metrics_port or settings.metrics_token)


def routes(metrics: Metrics, settings: Settings) -> list[Route]:
    """The route.

    Args:
        metrics: what is shown.
        settings: say to whom.
    """

    async def show(request: Request) -> Response:
        server = request.scope.get("server")
        if not settings.metrics_port or server is None or server[1] != settings.metrics_port:
            if not settings.metrics_token or request.scope.get("root_path"):  # they are no tenant's
                return _refused(NotFound("There is nothing at this address."))
            given = request.headers.get("authorization", "")
            expected = settings.metrics_token.encode()
            is_bearer = given[: len(_SCHEME)].lower() == _SCHEME
            if not compare_digest(given[len(_SCHEME) :].encode(), expected) or not is_bearer:
                error = Unauthenticated("The figures are for whoever has their token.", hint="It is XRM_METRICS_TOKEN.")
                return _refused(error, {"www-authenticate": 'Bearer realm="xrm metrics"'})
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(metrics.registry), media_type=media_type, headers=_HEADERS)

    return [Route(METRICS, show)]


def _refused(error: NotFound | Unauthenticated, more: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"errors": [answers.shape(error)]}, error.http_status, {**_HEADERS, **(more or {})})
