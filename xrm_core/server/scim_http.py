"""``/scim/v2/…``: users and groups by SCIM, for the services that may provision."""

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from xrm_core.errors import Forbidden, QueryTooLarge, Unauthenticated, XrmError
from xrm_core.graphql import answers
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import PROVISIONING, Action
from xrm_core.server.apart import Apart
from xrm_core.server.bodies import whole_body
from xrm_core.server.site import Serving
from xrm_core.server.sites import address_of, site_of
from xrm_core.settings import Settings
from xrm_core.storage.tenants import State
from xrm_core.telemetry.request import note_error

if TYPE_CHECKING:
    from scim2_server.requests import ScimRequest

    from xrm_core.auth.scim.service import Service

ROOT = "/scim/v2"
MAX_WAITING = 50
"""Requests that may be under way at a time."""

_THREADS = 4
_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
_TYPE = "application/scim+json"
_MAX_QUERY = 8192
_PLACES = ("Users", "Groups", "Bulk", "Schemas", "ResourceTypes", "ServiceProviderConfig", ".search")
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class MayNotProvision(Forbidden):
    """A token that opens other things, or a session."""

    def __init__(self, caller: User, message: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.by = caller.actor


class ScimEndpoint:
    """The endpoint; it answers for the site of the request.

    Args:
        settings: how large a body may be.
    """

    def __init__(self, settings: Settings) -> None:
        self._max_bytes = settings.max_body_bytes
        # Of its own: a directory that asks for much must not hold up people who sign in.
        self._apart = Apart("xrm-scim", _THREADS, MAX_WAITING, "Too many requests of directories are waiting already.")
        # And what strangers are refused must hold up no directory.
        self._keeping = Apart("xrm-scim-refused", 1, 20, "Too much is refused.")
        self._service: Service | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, in the words of SCIM whatever goes wrong."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request, receive)
        except ClientDisconnect:
            response = Response(status_code=400)
        except (Unauthenticated, MayNotProvision) as error:
            await self._keep(request, error)
            response = _refused(error)
        except Exception as error:
            response = _refused(error if isinstance(error, XrmError) else answers.unexpected(error))
        await response(scope, receive, send)

    def close(self) -> None:
        """End the threads."""
        self._apart.close()
        self._keeping.close()

    async def _keep(self, request: Request, error: Unauthenticated | MayNotProvision) -> None:
        """Keep in the log that somebody was refused, as far as that is possible at the moment."""
        site = site_of(request.scope)
        if site.state is not State.ACTIVE:
            return
        by = error.by if isinstance(error, MayNotProvision) else None
        place = str(request.path_params["path"]).partition("/")[0]
        details = {"method": request.method, "place": place if place in _PLACES else "other", "reason": error.message}
        with suppress(XrmError):
            await self._keeping(site.name, _keep_stranger, site.database, by, address_of(request.scope), details)

    async def _answer(self, request: Request, receive: Receive) -> Response:
        site, address = site_of(request.scope), address_of(request.scope)
        credentials = request.headers.get("authorization")
        _require_right(await site.user(credentials, address), writes=False)
        body = await whole_body(receive, request.headers.get("content-length"), self._max_bytes)
        service = self._service = self._service or await self._apart(site.name, _service, self._max_bytes)
        asked, writes = await self._apart(site.name, _asked, request, body)
        if writes:
            site.require_writable()

        async def do(serving: Serving) -> Response:
            caller = await serving.authenticator.user(credentials, address)
            _require_right(caller, writes=writes)
            place = site.database, serving.blueprint.records, serving.policies
            return await self._apart(site.name, _done, *place, service, asked, caller, address)

        try:
            return await site.on_newest(do)
        finally:
            if writes:
                site.serving.authenticator.forget()  # roles may have changed, users may have gone


def _service(max_bytes: int) -> "Service":
    from xrm_core.auth.scim.resources import provider
    from xrm_core.auth.scim.service import Service

    return Service(provider(max_bytes))


def _asked(request: Request, body: bytes) -> "tuple[ScimRequest, bool]":
    from scim2_server.requests import ScimRequest

    from xrm_core.auth.scim.storage import is_write

    query = request.scope["query_string"].decode("latin-1")
    if len(query) > _MAX_QUERY:
        raise QueryTooLarge(f"What stands behind «?» has at most {_MAX_QUERY} bytes.", hint="Use POST and /.search.")
    base = f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}{ROOT}"
    path = f"/{request.path_params['path']}"
    headers = list(request.headers.items())
    asked = ScimRequest(request.method, base, path, dict(parse_qsl(query, keep_blank_values=True)), headers, body)
    return asked, is_write(asked)


def _done(*arguments: Any) -> Response:
    """The answer, ready to be sent: to write a large one as text takes too long for the event loop."""
    from xrm_core.auth.scim.storage import answer

    done = answer(*arguments)
    content = b"" if done.body is None else json.dumps(done.body).encode()
    return Response(content, int(done.status), {**done.headers, **_HEADERS})


def _require_right(caller: User, *, writes: bool) -> None:
    if caller.id is not None or caller.token is None or not caller.access.may(PROVISIONING, Action.READ):
        raise MayNotProvision(
            caller,
            "This is for tokens of services that may provision users.",
            hint="Make one by «xrm token create --service NAME --only xrm_scim:read,update --role ROLE».",
        )
    if writes and not caller.access.may(PROVISIONING, Action.UPDATE):
        raise MayNotProvision(caller, "This token may see users and groups, and change none.")


def _keep_stranger(*arguments: Any) -> None:
    from xrm_core.auth.scim.refusals import keep_stranger

    keep_stranger(*arguments)


def _refused(reason: XrmError) -> Response:
    """An error of ours in the shape of SCIM."""
    note_error(reason)
    shape = reason.public()
    detail = f"{shape['message']} {shape.get('hint', '')}".strip()
    content = {"schemas": [_ERROR], "status": str(reason.http_status), "detail": detail}
    headers = dict(_HEADERS)
    if isinstance(reason, Unauthenticated):
        headers["www-authenticate"] = 'Bearer realm="xrm"'
    return Response(json.dumps(content, ensure_ascii=False), reason.http_status, headers, media_type=_TYPE)
