"""Links that somebody gives to users, by mail: sent once it is certain that they are there, beside the request."""

import asyncio
import threading
from collections.abc import Callable

import structlog

from xrm_core.auth import events
from xrm_core.auth.account_changes import OfferedLink
from xrm_core.auth.mail import Mail, MailNotSent
from xrm_core.errors import Busy
from xrm_core.storage.engines import Database
from xrm_core.telemetry.threads import ThreadPool

MOST_WAITING = 100
"""Mails that may wait, or be under way."""

_THREADS, _SECONDS, _TIMEOUT = 2, 30.0, 5.0
_log = structlog.get_logger(__name__)


class LinkPost:
    """Sends links of the users of one database.

    Args:
        mail: by which server.
        database: keeps that a mail was not sent.
        tenant: whose users they are; empty: the main database.
    """

    def __init__(self, mail: Mail, database: Database, tenant: str) -> None:
        self._mail, self._database, self._tenant = mail, database, tenant
        self._threads = ThreadPool(_THREADS, "xrm-links")
        self._waiting = 0
        self._lock = threading.Lock()

    def reserve(self) -> Callable[[OfferedLink | None], None]:
        """A place for one mail; what is answered takes the link, or None if there is none after all.

        Raises:
            Busy: too many wait already.
        """
        with self._lock:
            if self._waiting >= MOST_WAITING:
                raise Busy("Too many mails are waiting already.", hint="Nothing was done; try again in a moment.")
            self._waiting += 1

        def take(link: OfferedLink | None) -> None:
            if link is None:
                self._leave()
            else:
                self._threads.submit(self._send, link)

        return take

    def close(self) -> None:
        """End the threads; mails under way have half a minute."""
        self._threads.shutdown(wait=False)

    def _send(self, link: OfferedLink) -> None:
        sending = self._mail.send_link(link.email, link.language, link.purpose, link.token, self._tenant)
        try:
            try:
                asyncio.run(asyncio.wait_for(sending, _SECONDS))
            except (MailNotSent, TimeoutError) as error:
                reason = error.message if isinstance(error, MailNotSent) else "The mail server took too long."
                _log.error("mail_not_sent", tenant=self._tenant, user=link.user_id, reason=reason)
                with self._database.begin(_TIMEOUT) as connection:
                    event, details = events.Event.MAIL_NOT_SENT, {"reason": reason}
                    events.record(connection, event, subject=link.user_id, details=details)
        except Exception as error:
            _log.error("mail_not_sent", tenant=self._tenant, user=link.user_id, kind=type(error).__name__)
        finally:
            self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._waiting -= 1
