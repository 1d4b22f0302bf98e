"""Sends security notices: beside the requests, of what has happened in transactions that are committed."""

import asyncio

import structlog

from xrm_core.auth import notices
from xrm_core.auth.mail import Mail, MailNotSent
from xrm_core.auth.notice_texts import letter
from xrm_core.auth.notices import Delivery
from xrm_core.metadata.model import USER
from xrm_core.server.site import Site
from xrm_core.settings import Settings
from xrm_core.storage.tenants import State

LOOK_SECONDS = 5.0
"""How often a server looks for what is to be sent. What comes in between goes into one mail."""

_log = structlog.get_logger(__name__)


class SecurityNotices:
    """Sends what is kept for the users of a site. Of several servers, one sends each mail.

    Args:
        settings: name the mail server, and say whether notices are sent at all.
    """

    def __init__(self, settings: Settings) -> None:
        self._mail = Mail.of(settings) if settings.security_notices else None
        self._zone = settings.time_zone

    @property
    def are_sent(self) -> bool:
        """Whether there is anything to do."""
        return self._mail is not None

    async def send(self, site: Site) -> None:
        """Send what is due. What goes wrong is tried again later, and is for the log alone."""
        if self._mail is None or site.state is not State.ACTIVE:
            return
        try:
            users = site.serving.blueprint.records.tables[USER]
            due = await asyncio.to_thread(notices.take, site.database, users)
            await asyncio.gather(*(self._deliver(self._mail, site, each) for each in due))
        except Exception as error:
            _log.warning("notices_not_sent", tenant=site.name, kind=type(error).__name__)

    async def _deliver(self, mail: Mail, site: Site, delivery: Delivery) -> None:
        try:
            await mail.send_letter(delivery.email, letter(delivery.language, delivery.happened, self._zone))
        except MailNotSent as error:
            _log.error("mail_not_sent", tenant=site.name, user=delivery.user_id, reason=error.message)
            await asyncio.to_thread(notices.not_sent, site.database, delivery, error.message)
        else:
            await asyncio.to_thread(notices.sent, site.database, delivery)
