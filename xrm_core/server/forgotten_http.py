"""``POST /auth/forgot``: a link by mail for who has forgotten their password, the same answer for everybody else."""

import asyncio
from collections import Counter
from collections.abc import Collection

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from xrm_core.auth import events, forgotten_password
from xrm_core.auth.forgotten_password import Link
from xrm_core.auth.mail import Mail, MailNotSent
from xrm_core.auth.one_time import Purpose
from xrm_core.auth.sign_in import TIMEOUT
from xrm_core.errors import NotFound
from xrm_core.metadata.model import USER
from xrm_core.server import browser
from xrm_core.server.auth_http import HEADERS, AuthEndpoints, answered, body_of, text_in
from xrm_core.server.site import Serving, Site
from xrm_core.server.sites import address_of, site_of
from xrm_core.settings import Settings

MAX_WAITING = 20
"""Mails of one tenant that may be under way at a time: one that is asked for many must not hold up the others. More are
not sent, which no answer tells: it would tell who is a user, since nobody else has mails under way."""

_END_SECONDS = 5.0  # for mails under way when the server ends

_log = structlog.get_logger(__name__)


class ForgottenEndpoint:
    """The route. What it answers with is decided before anybody looks for the user, and so is how long that takes.

    Args:
        settings: name the mail server.
        auth: has the threads.
    """

    def __init__(self, settings: Settings, auth: AuthEndpoints) -> None:
        self._mail = Mail.of(settings)
        self._auth = auth
        self._under_way: set[asyncio.Task[None]] = set()
        self._sending: Counter[str] = Counter()  # mails under way, by the name of the tenant

    def routes(self) -> list[Route]:
        """The route."""
        return [Route("/auth/forgot", answered(self._forgot), methods=["POST"])]

    async def finish(self) -> None:
        """Wait a moment for mails under way."""
        await finished(self._under_way)

    async def _forgot(self, request: Request) -> Response:
        site = site_of(request.scope)
        browser.require_same_origin(request.scope, proven=False)
        site.require_writable()
        if self._mail is None:
            raise NotFound("This server sends no mail.", hint="Whoever administers the users can give you a link.")
        given = await body_of(request)
        email, address = text_in(given, "email"), address_of(request.scope)
        await self._auth.apart(site.name, forgotten_password.count, site.database, email, address)
        task = asyncio.create_task(self._send(self._mail, site, email, address))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return JSONResponse({"asked": True}, 202, HEADERS)

    async def _send(self, mail: Mail, site: Site, email: str, address: str | None) -> None:
        """Once: who gets no mail asks again. That it failed is kept, and in the server's log."""

        async def prepare(serving: Serving) -> Link | None:
            users = serving.blueprint.records.tables[USER]
            return await self._auth.apart(site.name, forgotten_password.prepare, site.database, users, email, address)

        site.busy += 1
        try:
            link = await site.on_newest(prepare)
            if link is None:
                return
            try:
                await self._mailed(mail, site, link)
            except MailNotSent as error:
                _log.error("mail_not_sent", tenant=site.name, user=link.user_id, reason=error.message)
                await self._auth.apart(site.name, _keep, site, link.user_id, error.message)
        except Exception as error:
            _log.error("mail_not_prepared", tenant=site.name, kind=type(error).__name__)
        finally:
            site.busy -= 1

    async def _mailed(self, mail: Mail, site: Site, link: Link) -> None:
        if self._sending[site.name] >= MAX_WAITING:
            raise MailNotSent("Too many mails are under way already.")
        self._sending[site.name] += 1
        try:
            await mail.send_link(link.email, link.language, Purpose.FORGOTTEN, link.token, site.name)
        finally:
            self._sending[site.name] -= 1
            if not self._sending[site.name]:
                del self._sending[site.name]


async def finished(tasks: Collection[asyncio.Task[None]]) -> None:
    """Wait a moment for mails under way when the server ends."""
    those = list(tasks)
    if those:
        await asyncio.wait(those, timeout=_END_SECONDS)
    for task in those:
        task.cancel()


def _keep(site: Site, user_id: str, reason: str) -> None:
    with site.database.begin(TIMEOUT) as connection:
        events.record(connection, events.Event.MAIL_NOT_SENT, subject=user_id, details={"reason": reason})
