"""``/auth/passkey…``: sign in by a passkey. First its options, then what the authenticator has signed."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from xrm_core.auth.device_names import device_name
from xrm_core.auth.passkey_challenges import Challenges
from xrm_core.auth.passkey_sign_in import PasskeyAttempt, PasskeySignIn
from xrm_core.auth.sessions import Lifetimes
from xrm_core.auth.sign_in import SignedIn
from xrm_core.errors import BadRequest
from xrm_core.metadata.model import USER
from xrm_core.server import browser
from xrm_core.server.auth_http import (
    HEADERS,
    AuthEndpoints,
    answered,
    body_of,
    kind_in,
    signed_in_answer,
    text_in,
)
from xrm_core.server.site import Serving, Site
from xrm_core.server.sites import address_of, site_of
from xrm_core.settings import Settings


class PasskeyEndpoints:
    """The routes; they answer for the site of the request.

    Args:
        settings: how long sessions last.
        auth: has the threads.
    """

    def __init__(self, settings: Settings, auth: AuthEndpoints) -> None:
        self._auth = auth
        idle, longest = timedelta(minutes=settings.session_idle_minutes), timedelta(days=settings.session_days)
        self._lifetimes = Lifetimes(idle, longest)

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/auth/passkey/options", answered(self._options), methods=["POST"]),
            Route("/auth/passkey", answered(self._login), methods=["POST"]),
        ]

    def _sign_in(self, site: Site) -> PasskeySignIn:
        return PasskeySignIn(site.relying_party(), Challenges(self._auth.box, site.name), self._lifetimes)

    async def _options(self, request: Request) -> Response:
        site = site_of(request.scope)
        browser.require_same_origin(request.scope, proven=False)
        site.require_writable()
        given = await body_of(request)
        email = text_in(given, "email") if "email" in given else None

        return JSONResponse({"publicKey": self._sign_in(site).options(email)}, headers=HEADERS)

    async def _login(self, request: Request) -> Response:
        site = site_of(request.scope)
        browser.require_same_origin(request.scope, proven=False)
        site.require_writable()
        given = await body_of(request)
        kind, answer = kind_in(given), given.get("credential")
        if not isinstance(answer, dict):
            raise BadRequest("«credential» is missing or not a JSON object.")
        known = browser.cookie(request.scope, browser.DEVICE, site.name)
        attempt = PasskeyAttempt(
            answer,
            address_of(request.scope),
            device_name(request.headers.get("user-agent")),
            text_in(given, "device") if "device" in given else known,
            cookie=kind == "cookie",
            former=browser.cookie(request.scope, browser.SESSION, site.name) if kind == "cookie" else None,
        )

        async def sign_in(serving: Serving) -> SignedIn:
            users = serving.blueprint.records.tables[USER]
            return await self._auth.apart(site.name, self._sign_in(site), site.database, users, attempt)

        return signed_in_answer(request, site, await site.on_newest(sign_in), cookie=attempt.cookie)
