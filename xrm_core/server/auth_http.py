"""``/auth/…``: sign in and out. One attempt per request, so there is no way around the limits on attempts."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from xrm_core.auth import (
    attempts,
    devices,
    events,
    new_password,
    notices,
    oidc_sessions,
    one_time,
    passkey_challenges,
    provider_logout,
    sessions,
)
from xrm_core.auth.attempts import TooManyAttempts
from xrm_core.auth.device_names import device_name
from xrm_core.auth.new_password import NewPassword
from xrm_core.auth.oidc_sessions import OidcSession
from xrm_core.auth.passwords import Passwords
from xrm_core.auth.people import Person
from xrm_core.auth.secret_box import SecretBox
from xrm_core.auth.sessions import Lifetimes
from xrm_core.auth.sign_in import TIMEOUT, Attempt, SignedIn, SignIn
from xrm_core.errors import BadRequest, QueryTooLarge, Unauthenticated, XrmError
from xrm_core.graphql import answers
from xrm_core.metadata.model import USER
from xrm_core.server import browser
from xrm_core.server.apart import Apart
from xrm_core.server.negotiation import require_json
from xrm_core.server.site import Serving, Site
from xrm_core.server.sites import address_of, site_of
from xrm_core.settings import Settings

MAX_BYTES = 16 * 1024
"""Of a body: the longest password takes a quarter of it."""

MAX_WAITING = 100
"""Sign-ins that may be under way at a time."""

_THREADS = 8
HEADERS = {"cache-control": "no-store", "vary": "Cookie", "x-content-type-options": "nosniff"}
"""Of all answers below ``/auth``."""

_AS = ("cookie", "token")

_log = structlog.get_logger(__name__)
Handler = Callable[[Request], Awaitable[Response]]


class AuthEndpoints:
    """The routes below ``/auth``; they answer for the site of the request.

    Args:
        settings: how passwords are hashed, how long sessions last.
    """

    def __init__(self, settings: Settings) -> None:
        idle, longest = timedelta(minutes=settings.session_idle_minutes), timedelta(days=settings.session_days)
        self.passwords = Passwords(settings.password_memory, settings.password_passes)
        self.box = SecretBox(settings.secret_key)
        self._sign_in = SignIn(self.passwords, Lifetimes(idle, longest), self.box)
        self.apart = Apart("xrm-sign-in", _THREADS, MAX_WAITING, "Too many sign-ins are waiting already.")

    def routes(self) -> list[Route]:
        """The routes."""
        handlers = {"login": self._login, "logout": self._logout, "logout-everywhere": self._logout_everywhere}
        handlers["password"] = self._password
        return [Route(f"/auth/{name}", answered(handler), methods=["POST"]) for name, handler in handlers.items()]

    async def clean(self, site: Site) -> None:
        """Remove what has expired from the database of a site. What goes wrong is for the log alone."""

        def remove() -> None:
            with site.database.begin(TIMEOUT) as connection:
                sessions.remove_expired(connection)
                attempts.remove_old(connection)
                devices.remove_old(connection)
                one_time.remove_expired(connection)
                passkey_challenges.remove_expired(connection)
                notices.remove_old(connection)
                provider_logout.remove_expired(connection)

        try:
            await self.apart(site.name, remove)
        except Exception as error:
            _log.warning("sessions_not_cleaned", tenant=site.name, kind=type(error).__name__)

    def close(self) -> None:
        """End the threads."""
        self.apart.close()

    async def _login(self, request: Request) -> Response:
        site = site_of(request.scope)
        browser.require_same_origin(request.scope, proven=False)
        site.require_writable()
        given = await body_of(request)
        kind = kind_in(given)
        device_token = browser.cookie(request.scope, browser.DEVICE, site.name)
        attempt = Attempt(
            text_in(given, "email"),
            text_in(given, "password"),
            address_of(request.scope),
            device_name(request.headers.get("user-agent")),
            text_in(given, "device") if "device" in given else device_token,
            cookie=kind == "cookie",
            code=text_in(given, "code") if "code" in given else None,
            former=browser.cookie(request.scope, browser.SESSION, site.name) if kind == "cookie" else None,
        )

        async def sign_in(serving: Serving) -> SignedIn:
            users = serving.blueprint.records.tables[USER]
            return await self.apart(site.name, self._sign_in, site.database, users, attempt)

        return signed_in_answer(request, site, await site.on_newest(sign_in), cookie=attempt.cookie)

    async def _password(self, request: Request) -> Response:
        site = site_of(request.scope)
        browser.require_same_origin(request.scope, proven=False)
        site.require_writable()
        given = await body_of(request)
        new = NewPassword(text_in(given, "token"), text_in(given, "password"), address_of(request.scope))

        async def set_by_link(serving: Serving) -> tuple[Person, str]:
            users = serving.blueprint.records.tables[USER]
            return await self.apart(site.name, new_password.set_by_link, site.database, users, self.passwords, new)

        person, device_token = await site.on_newest(set_by_link)
        answer = {"user": {"id": person.id, "email": person.email}, "device": device_token}
        response = JSONResponse(answer, headers=HEADERS)
        known_for = int(devices.VALID.total_seconds())
        browser.set_cookie(response, request.scope, browser.DEVICE, site.name, device_token, known_for)
        return response

    async def _logout(self, request: Request) -> Response:
        return await self._end(request, everywhere=False)

    async def _logout_everywhere(self, request: Request) -> Response:
        return await self._end(request, everywhere=True)

    async def _end(self, request: Request, *, everywhere: bool) -> Response:
        await self.sign_out(request, everywhere=everywhere)
        response = JSONResponse({"signedOut": True}, headers=HEADERS)
        self.forget_session(response, request)
        return response

    async def sign_out(self, request: Request, *, everywhere: bool = False) -> OidcSession | None:
        """End the session of a request, or all of its user; answers what is kept of it if a provider has opened it.

        Raises:
            Unauthenticated: the request has no session.
            BadRequest: it has an API token.
            CrossSiteRefused: a page of another origin may have sent it.
        """
        site = site_of(request.scope)
        address = address_of(request.scope)
        caller = await site.user(browser.credentials(request.scope, site.name), address)
        user_id, session_id = caller.id, caller.session
        if user_id is None or (session_id is None and not everywhere):
            raise BadRequest(
                "You are signed in by an API token, which has no session to end.", hint="Revoke the token instead."
            )
        site.require_writable()

        def end() -> OidcSession | None:
            with site.database.begin(TIMEOUT) as connection:
                opened_by = None if session_id is None else oidc_sessions.of_session(connection, session_id)
                if everywhere:
                    sessions.end_sessions(connection, user_id)
                    devices.forget_all(connection, user_id)
                else:
                    sessions.end_session(connection, user_id, session_id or "")
                details = {"everywhere": everywhere}
                event = events.Event.SIGN_OUT
                events.record(connection, event, user_id=user_id, subject=user_id, address=address, details=details)
            return opened_by

        opened_by = await self.apart(site.name, end)
        site.serving.authenticator.forget()
        return opened_by

    def forget_session(self, response: Response, request: Request) -> None:
        """Take the cookie of its session away from a browser."""
        browser.set_cookie(response, request.scope, browser.SESSION, site_of(request.scope).name, "", 0)


def signed_in_answer(request: Request, site: Site, signed_in: SignedIn, *, cookie: bool) -> Response:
    """The answer to who has signed in: cookies for a browser, else the tokens themselves."""
    session, person = signed_in.session, signed_in.person
    answer: dict[str, Any] = {"user": {"id": person.id, "email": person.email}, "expiresAt": session.expires_at}
    if not cookie:
        answer |= {"token": signed_in.token, "device": signed_in.device_token}
        return JSONResponse(answer, headers=HEADERS)
    response = JSONResponse(answer, headers=HEADERS)
    welcome(response, request, site, signed_in)
    return response


def welcome(response: Response, request: Request, site: Site, signed_in: SignedIn) -> None:
    """Give a browser the cookies of a new session and of its device."""
    seconds = int((datetime.fromisoformat(signed_in.session.expires_at) - datetime.now(UTC)).total_seconds())
    browser.set_cookie(response, request.scope, browser.SESSION, site.name, signed_in.token, seconds)
    known_for = int(devices.VALID.total_seconds())
    browser.set_cookie(response, request.scope, browser.DEVICE, site.name, signed_in.device_token, known_for)


def answered(handler: Handler) -> Handler:
    """The handler, whose errors are answers in the one shape of errors."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except ClientDisconnect:
            return Response(status_code=400)
        except XrmError as error:
            reason = error
        except Exception as error:
            reason = answers.unexpected(error)
        headers = dict(HEADERS)
        if isinstance(reason, Unauthenticated):
            headers["www-authenticate"] = 'Bearer realm="xrm"'
        if isinstance(reason, TooManyAttempts):
            headers["retry-after"] = str(reason.details["retryAfter"])
        return JSONResponse({"errors": [answers.shape(reason)]}, reason.http_status, headers)

    return answer


def kind_in(given: Mapping[str, Any]) -> str:
    """What the session shall be: cookie or token. Raises BadRequest: something else."""
    kind = given.get("as", "cookie")
    if kind not in _AS:
        raise BadRequest("«as» is neither cookie nor token.", hint='Leave it out, or send "as": "token".')
    return str(kind)


async def body_of(request: Request) -> Mapping[str, Any]:
    """The JSON object that a request has sent. Raises BadRequest, QueryTooLarge: it has none, or too large a one."""
    require_json(request.headers.get("content-type"))  # which no form of another site can send
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BYTES:
            raise QueryTooLarge(f"The body has at most {MAX_BYTES} bytes.", hint="Send only what is asked for.")
    try:
        given = orjson.loads(content)
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise BadRequest("The body is not a JSON object.", hint='It looks like {"email": "…", "password": "…"}.')
    return given


def text_in(given: Mapping[str, Any], name: str) -> str:
    """A text of the object. Raises BadRequest: there is none."""
    value = given.get(name)
    if not isinstance(value, str) or "\0" in value:
        raise BadRequest(f"«{name}» is missing or not a text.")
    return value
