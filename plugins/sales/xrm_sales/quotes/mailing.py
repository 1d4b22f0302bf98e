"""Quotes go to customers by mail: asked for by people, reminded of by night, and what customers decide is told."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from xrm_core.api import (
    Action,
    ActionContext,
    JobContext,
    JobHandler,
    Message,
    MessageRefused,
    Record,
    Refuse,
    Schedule,
    send_message,
)
from xrm_sales.acting import action
from xrm_sales.moments import today
from xrm_sales.quotes.mails import CONFIRMATION, DECISION, QUOTE, REMINDER
from xrm_sales.quotes.sending import go_out
from xrm_sales.quotes.statuses import require
from xrm_sales.writing import Writing, change

REMIND = "sales.remind_of_quotes"


@dataclass
class MailInput:
    """Where to: to the contact, else to the customer, if nothing is said. ``again``: one more, after the last one."""

    to: str | None = None
    again: bool = False


def mail(context: ActionContext, quote: Record, given: MailInput) -> None:
    """Send it by mail, with its letter and a link. An approved quote is out by it; one that is out goes once more.

    Raises:
        Refuse: there is no address, or it was sent already, or is about to be.
        MessageRefused: a plugin does not let it go.
    """
    require(quote, "approved", "sent")
    if quote["mail_state"] == "queued":
        raise Refuse({"en": "It is on its way.", "de": "Es ist unterwegs."}, field="mail_state")
    if quote["mail_state"] == "sent" and not given.again:
        raise Refuse(
            {"en": "It was sent: say that you want it once more.", "de": "Es ist versandt: noch einmal mit «again»."},
            field="again",
        )
    address = (given.to or "").strip() or _known_address(context, quote)
    if not address:
        raise Refuse(
            {"en": "Contact and customer have no e-mail address.", "de": "Es gibt keine E-Mail-Adresse."}, field="to"
        )
    if quote["status"] == "approved":
        go_out(context, quote)
    state = {"mailed_to": address, "mail_state": "queued", "mail_reason": None}
    change(context, "quote", quote["id"], state)
    send_message(context, _message(QUOTE, quote, f"quote {quote['id']} {quote['version']}"))


def tell_decision(context: ActionContext, quote: Record, *, accepted: bool) -> None:
    """The customer gets a confirmation, and the owner is told, unless they have noted it themselves."""
    if not context.settings.quote_notices:
        return
    key = f"{quote['id']} {quote['version']}"
    if accepted and quote["mailed_to"]:
        with suppress(MessageRefused):
            send_message(context, _message(CONFIRMATION, quote, f"confirmation {key}"))
    if quote["owner"] and context.caller.actor != quote["owner"]:
        with suppress(MessageRefused):
            owner = ("user", quote["owner"])
            send_message(context, Message(DECISION, ("quote", quote["id"]), owner, f"decision {key}"))


def remind(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """Remind customers of quotes that they got by mail and that end soon; of each last day once. Answers how many."""
    days: int = job.settings.quote_remind_days
    if not days:
        return {"reminded": 0}
    last = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
    due = {"status": {"eq": "sent"}, "mail_state": {"eq": "sent"}, "valid_until": {"gte": today(), "lte": last}}
    with job.read() as connection:
        ids = [
            each["id"] for each in job.query_as_system(connection, _DUE, {"from": today(), "to": last})[_FIELD]["nodes"]
        ]
    done = 0
    for id_ in ids:
        with job.transaction() as connection:
            context = job.within(connection)
            context.hold("quote", id_)
            for quote in context.find("quote", {"id": {"eq": id_}, **due}, 1):
                done += _remind(context, quote)
    return {"reminded": done}


def actions() -> list[Action]:
    """``mailQuote``."""
    return [action("mail", mail, "quote", takes=MailInput, en="It goes out by mail.", de="Es geht per E-Mail hinaus.")]


def jobs() -> list[JobHandler]:
    """The one that reminds."""
    return [JobHandler(REMIND, remind)]


def schedules() -> list[Schedule]:
    """Each morning."""
    return [Schedule(REMIND, REMIND, "0 6 * * *")]


_FIELD = "quotes"
_DUE = """
query ($from: Date!, $to: Date!) {
  quotes(
    where: {status: {eq: sent}, mailState: {eq: sent}, remindedOn: {isNull: true}, validUntil: {gte: $from, lte: $to}}
    orderBy: [{validUntil: ASC}], first: 1000
  ) { nodes { id } }
}"""


def _remind(context: Writing, quote: Record) -> int:
    if quote["reminded_on"] is not None:
        return 0
    change(context, "quote", quote["id"], {"reminded_on": today()})
    with suppress(MessageRefused):
        send_message(context, _message(REMINDER, quote, f"reminder {quote['id']}"))
        return 1
    return 0


def _message(kind: str, quote: Record, key: str) -> Message:
    person = ("contact", quote["contact"]) if quote["contact"] else ("customer", quote["customer"])
    return Message(kind, ("quote", quote["id"]), person, key)


def _known_address(context: Writing, quote: Record) -> str | None:
    for entity in ("contact", "customer"):
        record = context.read(entity, quote[entity]) if quote[entity] else None
        if record is not None and record["email"]:
            return str(record["email"])
    return None
