"""The mail by which a consent is confirmed. Its link is made when it leaves, and kept nowhere but in the mail."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from xrm_core.api import Message, MessageContent, MessageContext, MessageKind, Record, send_message
from xrm_dsgvo.consent.events import CONSENT, happened
from xrm_dsgvo.consent.tokens import hashed
from xrm_dsgvo.own import Writing

CONFIRMATION = "dsgvo.confirmation"
PATH = "/plugins/dsgvo/confirm"
_WORDS = {
    "de": (
        "Bitte bestätigen: {purpose}",
        """Guten Tag,

mit dieser Adresse wurde um Folgendes gebeten:

{text}

Wenn das von Ihnen kommt, bestätigen Sie es bitte auf dieser Seite:

{link}

Sonst ist nichts zu tun: Ohne Bestätigung bekommen Sie nichts, und die Anfrage verfällt nach {days} Tagen.

{controller}
""",
    ),
    "en": (
        "Please confirm: {purpose}",
        """Hello,

somebody has asked for this with your address:

{text}

If it was you, please confirm it on this page:

{link}

Else there is nothing to be done: without a confirmation you will get nothing, and the request lapses after {days} days.

{controller}
""",
    ),
}


def kinds() -> list[MessageKind]:
    """The one mail."""
    return [MessageKind(CONFIRMATION, _address, _compose, purpose="confirmation")]


def send(context: Any, consent: str) -> None:
    """Have it sent, once this transaction is committed."""
    send_message(context, Message(CONFIRMATION, about=(CONSENT, consent)))


def token_for(context: Writing, consent: str, via: str, message: str | None = None) -> str:
    """A new link for a consent whose contact point is held; the one before it does not work any more."""
    token = secrets.token_urlsafe(32)
    until = (datetime.now(UTC) + timedelta(days=context.settings.confirm_days)).isoformat()
    sent = {"token_hash": hashed(token), "token_until": until, "message_id": message}
    happened(context, consent, "confirmation_sent", via=via, **sent)
    return token


def _address(context: MessageContext) -> str | None:
    consent = context.read(*context.message.about)
    if consent is None or consent["status"] not in ("requested", "pending_confirmation"):
        return None
    point = context.read("contact_point", consent["contact_point"])
    return None if point is None else point["value"]


def _compose(context: MessageContext) -> MessageContent:
    consent: Record = context.read(*context.message.about) or {}  # it is there, for there was an address
    context.hold("contact_point", consent["contact_point"])
    token = token_for(context, consent["id"], "mail", context.message.id)
    declaration = context.read("consent_declaration", consent["declaration"]) or {}
    purpose = context.read("consent_purpose", consent["purpose"]) or {}
    settings, language = context.settings, consent["language"]
    link = f"{settings.public_url.replace('{tenant}', context.tenant or '')}{PATH}/{token}"
    subject, text = _WORDS[language]
    shown = text.format(text=declaration["text"], link=link, days=settings.confirm_days, controller=settings.controller)
    return MessageContent(subject.format(purpose=purpose[f"name_{language}"]), shown, language=language)
