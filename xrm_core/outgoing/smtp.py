"""The mail server of the settings: takes a mail, over a connection that is encrypted."""

import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Self

from xrm_core.errors import XrmError
from xrm_core.settings import Settings

TIMEOUT = 20.0
"""Seconds that the mail server may take for each step."""


class MailNotSent(XrmError):
    """The mail server did not take a mail.

    Attributes:
        known: whether it is certain that it has not: it may have, if it was cut off before it answered.
        final: whether another attempt would not help.
    """

    code = "MAIL_NOT_SENT"
    http_status = 503

    def __init__(self, reason: str, *, known: bool = True, final: bool = False) -> None:
        super().__init__(
            f"The mail was not sent: {reason}.",
            hint="Check XRM_MAIL_HOST and the settings beside it, then ask for a new link.",
        )
        self.reason, self.known, self.final = reason, known, final


@dataclass(frozen=True)
class MailServer:
    """One server, as the settings say."""

    host: str
    port: int
    tls: str
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """By what the settings say; None if they name none."""
        if not settings.mail_host:
            return None
        return cls(
            settings.mail_host,
            settings.mail_port,
            settings.mail_tls,
            settings.mail_from,
            settings.mail_user,
            settings.mail_password,
        )

    async def send(self, message: EmailMessage) -> None:
        """Hand a mail over.

        Raises:
            MailNotSent: nobody has taken it, as far as is known. Its reason has no address or password.
        """
        from aiosmtplib import SMTPConnectError, SMTPException, send  # most commands send none

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
        except SMTPConnectError as error:
            raise MailNotSent(type(error).__name__) from None
        except (SMTPException, OSError, ssl.SSLError, ValueError) as error:
            raise _not_sent(error) from None


def _not_sent(error: Exception) -> MailNotSent:
    """What an error after the connection says of the mail: who has answered by an error has not taken it (RFC 5321)."""
    from aiosmtplib import SMTPNotSupported, SMTPRecipientsRefused, SMTPResponseException

    name = type(error).__name__
    match error:
        case SMTPResponseException():
            return MailNotSent(f"{name}, {error.code}", final=error.code >= 500)
        case SMTPRecipientsRefused():
            codes = [each.code for each in error.recipients]
            return MailNotSent(f"{name}, {', '.join(map(str, codes))}", final=min(codes, default=0) >= 500)
        case SMTPNotSupported() | ssl.SSLError() | ValueError():
            return MailNotSent(name)
        case _:
            return MailNotSent(name, known=False)
