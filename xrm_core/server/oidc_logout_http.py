"""``POST /auth/oidc/…/backchannel-logout``: a provider signs somebody out here, too.

Source: OpenID Connect Back-Channel Logout 1.0.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from xrm_core.auth import provider_logout
from xrm_core.auth.attempts import TooManyAttempts
from xrm_core.auth.logout_tokens import LogoutToken, read_logout_token
from xrm_core.auth.oidc_client import OidcClient
from xrm_core.auth.oidc_tokens import TokenInvalid
from xrm_core.errors import XrmError
from xrm_core.graphql import answers
from xrm_core.metadata.model import USER
from xrm_core.server.apart import Apart
from xrm_core.server.auth_http import HEADERS, MAX_BYTES
from xrm_core.server.oidc_clients import BACKCHANNEL, OidcClients
from xrm_core.server.site import Serving
from xrm_core.server.sites import address_of, site_of

_FORM = "application/x-www-form-urlencoded"
_MAX_FIELDS = 20
_BUSY = (429, 503)
_THREADS, _MAX_WAITING = 2, 50


class OidcLogoutEndpoints:
    """The routes; they answer for the site of the request.

    Args:
        clients: of the providers.
    """

    def __init__(self, clients: OidcClients) -> None:
        self._clients = clients
        # Of its own: providers mostly send a token once, and however many people sign in must not keep it away.
        self._apart = Apart("xrm-provider", _THREADS, _MAX_WAITING, "Too many logout tokens are waiting already.")
        # Nor what strangers send.
        self._keeping = Apart("xrm-provider-refused", 1, _MAX_WAITING, "Too much is refused.")

    def routes(self) -> list[Route]:
        """The routes."""
        return [Route(f"/auth/oidc/{{name}}/{BACKCHANNEL}", self._by_provider, methods=["POST"])]

    def close(self) -> None:
        """End the threads."""
        self._apart.close()
        self._keeping.close()

    async def _by_provider(self, request: Request) -> Response:
        """Errors have the shape of the standard, and its status: 400 but for who shall come again later."""
        try:
            await self._signed_out(request)
        except ClientDisconnect:
            return Response(status_code=400)
        except TokenInvalid as error:
            return _failed(400, "invalid_request", f"The logout {error}")
        except TooManyAttempts as error:
            return _failed(429, "slow_down", error.message, {"retry-after": str(error.details["retryAfter"])})
        except XrmError as error:
            if error.http_status == 404:
                return JSONResponse({"errors": [answers.shape(error)]}, 404, HEADERS)
            return _failed(error.http_status if error.http_status in _BUSY else 400, "not_signed_out", error.message)
        except Exception as error:
            reason = answers.unexpected(error)
            return _failed(400, "not_signed_out", reason.message)
        return Response(headers=HEADERS)

    async def _signed_out(self, request: Request) -> None:
        client, site, address = self._clients.of(request), site_of(request.scope), address_of(request.scope)
        site.require_writable()
        try:
            token = await _token_of(request, client)

            async def sign_out(serving: Serving) -> Mapping[str, list[str]]:
                users = serving.blueprint.records.tables[USER]
                place = site.database, users, client.provider
                return await self._apart(site.name, provider_logout.sign_out, *place, token, address)

            ended = await site.on_newest(sign_out)
        except TokenInvalid as error:
            kept = client.provider, f"The logout {error}", address
            await self._keeping(site.name, provider_logout.keep_refusal, site.database, *kept)
            raise
        if ended:
            site.serving.authenticator.forget()


async def _token_of(request: Request, client: OidcClient) -> LogoutToken:
    """The logout token that a request has sent. Raises TokenInvalid: it is none, or there is not just one."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise TokenInvalid(f"token must come in a body of {_FORM}.")
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BYTES:
            raise TokenInvalid(f"token must come in a body of at most {MAX_BYTES} bytes.")
    try:
        fields = parse_qsl(content.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise TokenInvalid("token must come in a form.") from None
    found = [value for name, value in fields if name == "logout_token"]
    if len(found) != 1:
        raise TokenInvalid("token must come once, as «logout_token».")
    return await read_logout_token(found[0], client.provider, client.documents)


def _failed(status: int, error: str, description: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status, {**HEADERS, **(headers or {})})
