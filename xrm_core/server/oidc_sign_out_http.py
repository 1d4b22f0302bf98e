"""``POST /auth/oidc/logout``: sign out here and, if a provider has opened the session, there; and the way back."""

import hmac
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from xrm_core.auth import oidc_sessions
from xrm_core.auth.end_session import ENDPOINT, end_session_url
from xrm_core.auth.oidc_client import OidcClient, ProviderUnavailable
from xrm_core.auth.oidc_sessions import OidcSession
from xrm_core.auth.secret_box import SecretKeyNeeded
from xrm_core.errors import BadRequest, Unauthenticated
from xrm_core.server import browser
from xrm_core.server.auth_http import HEADERS, AuthEndpoints, answered
from xrm_core.server.oidc_clients import SIGNED_OUT, OidcClients, address_at, next_path
from xrm_core.server.sites import site_of

UNDER_WAY = "xrm_oidc_logout"
"""Cookie of a sign-out that is under way."""

SECONDS = 600
"""How long a browser may be at the provider, and still come back to where it wanted."""


class OidcSignOutEndpoints:
    """The routes; they answer for the site of the request.

    Args:
        auth: ends sessions, and has the key.
        clients: of the providers.
    """

    def __init__(self, auth: AuthEndpoints, clients: OidcClients) -> None:
        self._auth = auth
        self._clients = clients

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/auth/oidc/logout", answered(self._begin), methods=["POST"]),
            Route(f"/auth/oidc/{{name}}/{SIGNED_OUT}", answered(self._end), methods=["GET"]),
        ]

    async def _begin(self, request: Request) -> Response:
        """A form's: a script cannot be sent elsewhere. The ID token so passes no page of ours."""
        next_ = next_path(request)
        if next_ is None:
            raise BadRequest("«next» is not a path on this server.", hint="It begins with one «/»: ?next=/signed-out.")
        try:
            opened_by = await self._auth.sign_out(request)
        except Unauthenticated:  # it has ended already; who wants to be out is out
            opened_by = None
        client = None if opened_by is None else self._clients.named(request, opened_by.provider)
        state, url = secrets.token_urlsafe(32), None
        # A name that means another provider by now must not get a token of the former.
        if opened_by is not None and client is not None and client.provider.issuer == opened_by.issuer:
            url = await self._there(request, client, opened_by, state)
        response = RedirectResponse(url or next_, 303, headers=HEADERS)
        self._auth.forget_session(response, request)
        if url is not None and client is not None:
            content = json.dumps({"state": state, "next": next_, "until": int(time.time()) + SECONDS})
            sealed = self._auth.box.seal(content, _owner(request, client.provider.name))
            browser.set_cookie(response, request.scope, UNDER_WAY, site_of(request.scope).name, sealed, SECONDS)
        return response

    async def _there(self, request: Request, client: OidcClient, opened_by: OidcSession, state: str) -> str | None:
        """Where the session ends at the provider; None: it offers no such address.

        Raises:
            ProviderUnavailable: it does not say.
        """
        try:
            metadata = await client.documents.metadata()
        except ProviderUnavailable as error:
            raise _still_there(client) from error
        back = address_at(request, client, SIGNED_OUT)
        url = end_session_url(metadata, client.provider, back, state, self._id_token(opened_by))
        if url is None and ENDPOINT in metadata:
            raise _still_there(client)
        return url

    def _id_token(self, opened_by: OidcSession) -> str | None:
        if opened_by.id_token is None:
            return None
        try:
            return self._auth.box.open(opened_by.id_token, oidc_sessions.owner(opened_by.issuer, opened_by.subject))
        except SecretKeyNeeded:  # another key meanwhile: the provider asks the user
            return None

    async def _end(self, request: Request) -> Response:
        """Where the browser wanted to go, or the beginning: whoever sends it here otherwise sends it nowhere else."""
        client = self._clients.of(request)
        under_way = self._under_way(request, client)
        state = request.query_params.get("state", "")
        own = hmac.compare_digest(state.encode(), str(under_way.get("state", "")).encode())
        beginning = f"{request.scope.get('root_path', '')}/"
        response = RedirectResponse(under_way.get("next", beginning) if own else beginning, 303, headers=HEADERS)
        browser.set_cookie(response, request.scope, UNDER_WAY, site_of(request.scope).name, "", 0)
        return response

    def _under_way(self, request: Request, client: OidcClient) -> Mapping[str, Any]:
        sealed = browser.cookie(request.scope, UNDER_WAY, site_of(request.scope).name)
        try:
            found = json.loads(self._auth.box.open(sealed or "", _owner(request, client.provider.name)))
        except (SecretKeyNeeded, ValueError):
            return {}
        return found if found["until"] >= time.time() else {}


def _owner(request: Request, name: str) -> str:
    return f"oidc logout {site_of(request.scope).name} {name}"


def _still_there(client: OidcClient) -> ProviderUnavailable:
    return ProviderUnavailable(
        f"You are signed out here, but the provider «{client.provider.name}» does not answer as it should.",
        hint="Sign out there, too: in this browser you may still be signed in at the provider.",
    )
