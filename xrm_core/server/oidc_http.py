"""``/auth/providers`` and ``/auth/oidc/…``: sign in by an OpenID provider."""

import json
import time
from dataclasses import asdict
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from xrm_core.auth import oidc_sessions
from xrm_core.auth.device_names import device_name
from xrm_core.auth.oidc_client import Flow, IdToken, OidcClient, ProviderSignInFailed, refused
from xrm_core.auth.oidc_people import Arrival, keep_refusal, sign_in_by
from xrm_core.auth.secret_box import SecretKeyNeeded
from xrm_core.auth.sessions import Lifetimes
from xrm_core.auth.sign_in import SignedIn
from xrm_core.server import browser
from xrm_core.server.auth_http import HEADERS, AuthEndpoints, answered, welcome
from xrm_core.server.oidc_clients import CALLBACK, OidcClients, address_at, next_path
from xrm_core.server.site import Serving
from xrm_core.server.sites import address_of, site_of
from xrm_core.settings import Settings

FLOW = "xrm_oidc"
"""Cookie of a sign-in that is under way."""

FLOW_SECONDS = 600
"""How long somebody may take at the provider."""


class OidcEndpoints:
    """The routes; they answer for the site of the request.

    Args:
        settings: how long sessions last.
        auth: has the threads and the key.
        clients: of the providers.
    """

    def __init__(self, settings: Settings, auth: AuthEndpoints, clients: OidcClients) -> None:
        self._auth = auth
        self._clients = clients
        idle, longest = timedelta(minutes=settings.session_idle_minutes), timedelta(days=settings.session_days)
        self._lifetimes = Lifetimes(idle, longest)

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/auth/providers", answered(self._providers), methods=["GET"]),
            Route("/auth/oidc/{name}", answered(self._begin), methods=["GET"]),
            Route(f"/auth/oidc/{{name}}/{CALLBACK}", answered(self._end), methods=["GET"]),
        ]

    async def _providers(self, request: Request) -> Response:
        site = site_of(request.scope)
        base = request.scope.get("root_path", "")
        found = [
            {"name": name, "label": client.provider.label or name, "url": f"{base}/auth/oidc/{name}"}
            for (tenant, name), client in self._clients.all.items()
            if tenant == site.name
        ]
        return JSONResponse({"providers": found}, headers=HEADERS)

    async def _begin(self, request: Request) -> Response:
        client = self._clients.of(request)
        next_ = next_path(request)
        if next_ is None:
            raise refused("«next» is not a path on this server.")
        flow = Flow.begin(next_)
        url = await client.authorization_url(flow, address_at(request, client, CALLBACK))
        response = RedirectResponse(url, 303, headers=HEADERS)
        content = json.dumps(asdict(flow) | {"until": int(time.time()) + FLOW_SECONDS})
        sealed = self._auth.box.seal(content, _owner(request))
        browser.set_cookie(response, request.scope, FLOW, site_of(request.scope).name, sealed, FLOW_SECONDS)
        return response

    async def _end(self, request: Request) -> Response:
        client, site = self._clients.of(request), site_of(request.scope)
        flow = self._flow(request)
        site.require_writable()
        try:
            id_token = await client.id_token(flow, address_at(request, client, CALLBACK), dict(request.query_params))
        except ProviderSignInFailed as error:
            await self._auth.apart(
                site.name, keep_refusal, site.database, client.provider, error.message, address_of(request.scope)
            )
            raise
        device_token = browser.cookie(request.scope, browser.DEVICE, site.name)
        arrival = Arrival(
            id_token.claims,
            address_of(request.scope),
            device_name(request.headers.get("user-agent")),
            device_token,
            browser.cookie(request.scope, browser.SESSION, site.name),
            self._kept(client, id_token),
        )

        async def sign_in(serving: Serving) -> SignedIn:
            records = serving.blueprint.records
            return await self._auth.apart(
                site.name, sign_in_by, site.database, records, client.provider, self._lifetimes, arrival
            )

        signed_in = await site.on_newest(sign_in)
        site.serving.authenticator.forget()  # roles may have changed
        response = RedirectResponse(flow.next, 303, headers=HEADERS)
        welcome(response, request, site, signed_in)
        browser.set_cookie(response, request.scope, FLOW, site.name, "", 0)
        return response

    def _kept(self, client: OidcClient, id_token: IdToken) -> str | None:
        """The ID token as it is kept for a sign-out at the provider; None: it would not fit into a URL."""
        if len(id_token.text) > oidc_sessions.MAX_ID_TOKEN:
            return None
        owner = oidc_sessions.owner(client.provider.issuer, id_token.claims["sub"])
        return self._auth.box.seal(id_token.text, owner)

    def _flow(self, request: Request) -> Flow:
        sealed = browser.cookie(request.scope, FLOW, site_of(request.scope).name)
        if not sealed:
            raise refused("This browser has not begun to sign in, or it took too long.")
        try:
            content = json.loads(self._auth.box.open(sealed, _owner(request)))
        except (SecretKeyNeeded, ValueError):
            raise refused("This browser has not begun to sign in here.") from None
        if content.pop("until") < time.time():
            raise refused("It took too long to sign in.")
        return Flow(**content)


def _owner(request: Request) -> str:
    return f"oidc {site_of(request.scope).name} {request.path_params['name']}"
