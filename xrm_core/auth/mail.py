"""Mail to users: links by which they set a password, and what has happened to their accounts. Over a connection that is
encrypted.
"""

import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from html import escape
from typing import Self

from xrm_core.auth.mail_texts import text_of
from xrm_core.auth.notice_texts import Letter
from xrm_core.auth.one_time import Purpose
from xrm_core.errors import SettingsError, XrmError
from xrm_core.settings import Settings, mail_address

TIMEOUT = 20.0
"""Seconds that the mail server may take for each step."""


class MailNotSent(XrmError):
    """The mail server did not take a mail."""

    code = "MAIL_NOT_SENT"
    http_status = 503


@dataclass(frozen=True)
class Mail:
    """Sends mail by one server, as the settings say."""

    host: str
    port: int
    tls: str
    sender: str
    page: str
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """By what the settings say; None if they name no mail server."""
        if not settings.mail_host:
            return None
        return cls(
            settings.mail_host,
            settings.mail_port,
            settings.mail_tls,
            settings.mail_from,
            settings.password_url,
            settings.mail_user,
            settings.mail_password,
        )

    async def send_link(self, email: str, language: str | None, purpose: Purpose, token: str, tenant: str = "") -> None:
        """Send a link by which a user sets a password.

        Args:
            email: where to.
            language: of the user; the text is English if there is none in it.
            purpose: what the link is for.
            token: of the link.
            tenant: whose user it is; empty: the main database.

        Raises:
            MailNotSent: nobody has taken it, or the address is none. Its reason has no address, password or token.
        """
        link = f"{self.page.replace('{tenant}', tenant)}#{token}"
        text = text_of(language, purpose)
        shown = f'<a href="{escape(link)}">{escape(link)}</a>'
        plain, html = (text.before, link, text.after), (escape(text.before), shown, escape(text.after))
        await self._send(email, _Content(text.language, text.subject, plain, html))

    async def send_letter(self, email: str, letter: Letter) -> None:
        """Send what has happened to an account.

        Raises:
            MailNotSent: nobody has taken it, or the address is none. Its reason has no address or password.
        """
        plain = (letter.before, "\n".join(f"- {line}" for line in letter.happened), letter.after)
        html = (escape(letter.before), "<br>".join(escape(line) for line in letter.happened), escape(letter.after))
        await self._send(email, _Content(letter.language, letter.subject, plain, html))

    async def _send(self, email: str, content: "_Content") -> None:
        try:
            message = _message(self.sender, email, content)
        except ValueError:  # a line break, say, by which somebody wanted to add headers
            raise _not_sent("the address cannot stand in a mail") from None
        from aiosmtplib import SMTPException, send  # most commands send none

        try:
            await send(
                message,
                hostname=self.host,
                port=self.port,
                username=self.user or None,
                password=self.password or None,
                use_tls=self.tls == "tls",
                start_tls=self.tls == "starttls",  # True: fail if the server has none; None would do without
                timeout=TIMEOUT,
            )
        except (SMTPException, OSError, ssl.SSLError, ValueError) as error:
            raise _not_sent(type(error).__name__) from None


def require_mail(settings: Settings) -> Mail:
    """The mail server of the settings.

    Raises:
        SettingsError: there is none.
    """
    mail = Mail.of(settings)
    if mail is None:
        raise SettingsError("No mail server is set.", hint="Set XRM_MAIL_HOST, XRM_MAIL_FROM and XRM_PASSWORD_URL.")
    return mail


@dataclass(frozen=True)
class _Content:
    """Paragraphs as text and as HTML."""

    language: str
    subject: str
    plain: tuple[str, ...]
    html: tuple[str, ...]


def _message(sender: str, email: str, content: _Content) -> EmailMessage:
    message = EmailMessage()
    message["From"] = mail_address(sender)
    message["To"] = mail_address(email)
    message["Subject"] = content.subject
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answers of absent people
    message.set_content("\n\n".join(content.plain) + "\n")
    paragraphs = "".join(f"<p>{each}</p>" for each in content.html)
    message.add_alternative(
        f'<!DOCTYPE html><html lang="{content.language}"><body>{paragraphs}</body></html>\n', subtype="html"
    )
    message["Content-Language"] = content.language  # at the end: what makes the content takes such headers away
    return message


def _not_sent(reason: str) -> MailNotSent:
    return MailNotSent(
        f"The mail was not sent: {reason}.",
        hint="Check XRM_MAIL_HOST and the settings beside it, then ask for a new link.",
    )
