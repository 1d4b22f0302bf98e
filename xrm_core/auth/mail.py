"""Mail to users: links by which they set a password, and what has happened to their accounts. Over a connection that is
encrypted.
"""

from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from html import escape
from typing import Self

from xrm_core.auth.mail_texts import text_of
from xrm_core.auth.notice_texts import Letter
from xrm_core.auth.one_time import Purpose
from xrm_core.errors import SettingsError
from xrm_core.outgoing import MailNotSent, MailServer
from xrm_core.settings import Settings, mail_address

__all__ = ["Mail", "MailNotSent", "require_mail"]


@dataclass(frozen=True)
class Mail:
    """Sends mail to users by one server; ``page`` is that on which they set passwords."""

    server: MailServer
    page: str

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """By what the settings say; None if they name no mail server."""
        server = MailServer.of(settings)
        return None if server is None else cls(server, settings.password_url)

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
            message = _message(self.server.sender, email, content)
        except ValueError:  # a line break, say, by which somebody wanted to add headers
            raise MailNotSent("the address cannot stand in a mail", final=True) from None
        await self.server.send(message)


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
