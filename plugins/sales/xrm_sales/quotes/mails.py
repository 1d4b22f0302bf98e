"""The mails about quotes: made when they leave, of what the quote says then."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from xrm_core.api import (
    Attachment,
    MessageContent,
    MessageContext,
    MessageKind,
    MessageOutcome,
    MessageState,
    Record,
)
from xrm_sales.moments import now
from xrm_sales.quotes import mail_texts
from xrm_sales.quotes.letter import QUERY, pdf
from xrm_sales.quotes.links import new_link
from xrm_sales.writing import change, create

QUOTE, REMINDER, CONFIRMATION, DECISION = (
    f"sales.{name}" for name in ("quote", "quote_reminder", "quote_confirmation", "quote_decision")
)
_FAILED = {"de": "Angebot {number} kam nicht an: {reason}", "en": "Quote {number} was not sent: {reason}"}


def kinds() -> list[MessageKind]:
    """All of them."""
    return [
        MessageKind(QUOTE, _customer, partial(_to_customer, "quote"), "contract", _ended),
        MessageKind(REMINDER, _customer, partial(_to_customer, "reminder"), "contract"),
        MessageKind(CONFIRMATION, _customer, partial(_to_customer, "confirmation"), "contract"),
        MessageKind(DECISION, _owner, _decision, "internal"),
    ]


def _quote(context: MessageContext) -> Record | None:
    return context.read("quote", context.message.about[1])


def _customer(context: MessageContext) -> str | None:
    quote = _quote(context)
    return None if quote is None else quote["mailed_to"]


def _owner(context: MessageContext) -> str | None:
    quote = _quote(context)
    owner = context.read("user", quote["owner"]) if quote and quote["owner"] else None
    return owner["email"] if owner and owner.get("active", True) else None


def _to_customer(kind: str, context: MessageContext) -> MessageContent:
    quote: dict[str, Any] = context.query_as_system(QUERY, {"id": context.message.about[1]})["quote"]
    language, owner = quote["language"], quote["owner"]
    words = mail_texts.words(language, kind)
    said = {
        "number": quote["number"],
        "subject": quote["subject"],
        "day": mail_texts.day(quote["validUntil"], language),
    }
    parts = [words["greeting"], words["text"].format(**said)]
    if kind == "quote" and quote["introduction"]:
        parts.append(quote["introduction"])
    if kind != "confirmation":
        if address := _address(context):
            link = new_link(context, quote["id"], beside=kind == "reminder")
            parts.append(f"{words['link']}\n{address}{link}")
        if kind == "quote" and said["day"]:
            parts.append(words["valid"].format(**said))
    name = " ".join(filter(None, (owner["firstName"], owner["lastName"]))) if owner else ""
    parts.append("\n".join(filter(None, (words["regards"], name, context.settings.sender_name))))
    letter = Attachment(f"{quote['number']}.pdf", "application/pdf", partial(pdf, quote, context.settings))
    return MessageContent(
        words["subject"].format(**said),
        "\n\n".join(parts) + "\n",
        attachments=[letter],
        language=language,
        reply_to=(owner or {}).get("email"),
    )


def _decision(context: MessageContext) -> MessageContent:
    """For the owner, in their language."""
    quote = _quote(context) or {}
    owner, customer = context.read("user", quote["owner"]) or {}, context.read("customer", quote["customer"]) or {}
    language = "de" if owner.get("language") == "de" else "en"
    words = mail_texts.words(language, "decision")
    said = {name: quote[name] for name in ("number", "subject")} | {"customer": customer.get("name", "")}
    parts = [words["greeting"], words["text"].format(**said)]
    if quote["decision_note"]:
        parts.append(words["note"].format(note=quote["decision_note"]))
    subject = words.get(quote["status"], words["accepted"])
    return MessageContent(subject.format(**said), "\n\n".join(parts) + "\n", language=language)


def _ended(context: MessageContext, outcome: MessageOutcome) -> None:
    """Show it on the quote; who is responsible gets a task if it did not go."""
    quote = _quote(context)
    if quote is None:
        return
    went: Mapping[str, Any] = {"mailed_at": outcome.at.isoformat()} if outcome.state is MessageState.SENT else {}
    values = {"mail_state": outcome.state.value, "mail_reason": outcome.reason, **went}
    change(context, "quote", quote["id"], values)
    if outcome.state is MessageState.SENT:
        return
    owner = context.read("user", quote["owner"]) if quote["owner"] else None
    words = _FAILED["de" if owner and owner.get("language") == "de" else "en"]
    task = {
        "kind": "task",
        "subject": words.format(number=quote["number"], reason=outcome.reason)[:250],
        "regarding": {"customer": quote["customer"]},
        "due_at": now(),
        "owner": quote["owner"],
    }
    create(context, "activity", task)


def _address(context: MessageContext) -> str:
    """Where customers reach this server, as far as the tenant; empty: nobody has said."""
    url: str = context.settings.public_url
    return url and url + (f"/t/{context.tenant}" if context.tenant else "")
