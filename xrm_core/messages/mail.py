"""The channel of the platform itself: mail, by the server of the settings."""

import asyncio
from email.message import EmailMessage
from email.utils import format_datetime, localtime

from xrm_core.messages.message import MAIL, Channel, HandOver, NotHandedOver
from xrm_core.outgoing import MailNotSent, MailServer
from xrm_core.settings import Settings, mail_address


def mail_channel(settings: Settings) -> Channel | None:
    """The channel; None if the settings name no mail server."""
    server = MailServer.of(settings)
    return None if server is None else Channel(MAIL, lambda given: _send(server, given))


def _send(server: MailServer, given: HandOver) -> None:
    try:
        message = _message(server.sender, given)
    except ValueError:  # a line break, say, by which somebody wanted to add headers
        raise NotHandedOver("ADDRESS_INVALID", retry=False) from None
    try:
        asyncio.run(server.send(message))
    except MailNotSent as error:
        if not error.known:
            raise
        raise NotHandedOver("MAIL_NOT_TAKEN", retry=not error.final) from None


def _message(sender: str, given: HandOver) -> EmailMessage:
    content, message = given.content, EmailMessage()
    message["From"] = mail_address(sender)
    message["To"] = mail_address(given.address)
    if content.reply_to:
        message["Reply-To"] = mail_address(content.reply_to)
    if content.unsubscribe:
        message["List-Unsubscribe"] = f"<{content.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Subject"] = " ".join(content.subject.split())
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = f"<{given.id}@{sender.rpartition('@')[2]}>"  # the same in each attempt
    message.set_content(content.text)
    if content.html:
        message.add_alternative(content.html, subtype="html")
    for each in content.attachments:
        main, _, sub = each.media_type.partition("/")
        message.add_attachment(each.made(), maintype=main, subtype=sub, filename=each.name)
    if content.language:
        message["Content-Language"] = content.language  # at the end: what makes the content takes such headers away
    return message
