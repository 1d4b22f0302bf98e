"""What becomes of a quote: sent, accepted or rejected, replaced by a new version, or too old."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from xrm_core.api import Action, ActionContext, JobContext, JobHandler, Record, RecordChange, Refuse, Schedule
from xrm_sales.acting import action
from xrm_sales.layers import added
from xrm_sales.moments import today
from xrm_sales.opportunities.closing import WinInput, win
from xrm_sales.orders.ordering import make
from xrm_sales.quotes.mailing import tell_decision
from xrm_sales.quotes.sending import Sent, send
from xrm_sales.quotes.statuses import require
from xrm_sales.writing import change, create

EXPIRE = "sales.expire_quotes"
_CONTENT = (
    "subject", "customer", "contact", "opportunity", "price_book", "currency", "language", "priced_on", "valid_until",
    "discount_percent", "introduction", "closing", "terms", "owner", "team",
)  # fmt: skip
_LINE = (
    "position", "product", "text", "description", "quantity", "price_by_hand", "discount_percent", "tax_category",
    "optional",
)  # fmt: skip


@dataclass
class DecisionInput:
    """What the customer has said, and when; today if nothing is said."""

    decided_on: date | None = None
    note: str | None = None


def accept(context: ActionContext, quote: Record, given: DecisionInput) -> None:
    """The customer takes it: the opportunity is won for its net total, and other quotes of it are superseded."""
    require(quote, "sent")
    _require_in_time(quote, given.decided_on or date.fromisoformat(today()))
    _decided(context, quote, "accepted", given)
    if context.settings.process != "quote":
        make(context, {**quote, "decided_on": given.decided_on.isoformat() if given.decided_on else None})
    opportunity = context.read("opportunity", quote["opportunity"]) if quote["opportunity"] else None
    if opportunity is None:
        return
    others = {"opportunity": {"id": {"eq": opportunity["id"]}}, "status": {"eq": "sent"}}
    for other in context.find("quote", others, 1_000):
        change(context, "quote", other["id"], {"status": "superseded"})
    if opportunity["status"] == "open":
        win(context, opportunity, WinInput(given.decided_on, quote["net_total"], given.note))


def decline(context: ActionContext, quote: Record, given: DecisionInput) -> None:
    """The customer does not take it. The opportunity goes on: there may be a next version."""
    require(quote, "sent")
    _decided(context, quote, "rejected", given)


def revise(context: ActionContext, quote: Record) -> None:
    """A new version: a draft with the same content, priced anew; it replaces this one when it is sent."""
    require(quote, "in_review", "approved", "sent", "rejected", "expired")
    if quote["status"] in ("in_review", "approved"):  # nobody outside has seen it
        for approval in context.find("quote_approval", {"quote": {"id": {"eq": quote["id"]}}}, 1_000):
            if approval["status"] == "waiting":
                change(context, "quote_approval", approval["id"], {"status": "cancelled"})
        change(context, "quote", quote["id"], {"status": "superseded"})
    values = {name: quote[name] for name in _CONTENT if quote[name] is not None}
    if values.get("valid_until", today()) < today():
        del values["valid_until"]
    values |= {"replaces": quote["id"], "version_number": quote["version_number"] + 1}
    version = create(context, "quote", {**added(context, quote, "quote"), **values})
    lines = context.find("quote_item", {"quote": {"id": {"eq": quote["id"]}}}, 1_000)
    made: dict[str, str] = {}
    for line in sorted(lines, key=lambda each: (each["part_of"] is not None, each["position"])):
        given = {name: line[name] for name in _LINE if line[name] is not None}
        if line["price_by_hand"]:
            given["unit_price"] = line["unit_price"]
        given |= {"quote": version, "part_of": made.get(line["part_of"]), **added(context, line, "quote_item")}
        made[line["id"]] = create(context, "quote_item", given)


def keep(change: RecordChange) -> None:
    """Only a draft changes what it says.

    Raises:
        Refuse: it is none.
    """
    if change.before["status"] != "draft" and change.after["status"] != "draft":
        raise Refuse(
            {
                "en": "Only a draft changes: make a new version by reviseQuote.",
                "de": "Nur ein Entwurf ändert sich: eine neue Fassung entsteht durch reviseQuote.",
            }
        )


CONTENT = tuple(name for name in _CONTENT if name not in ("owner", "team", "valid_until"))
"""What a quote says, and only a draft changes."""


def expire(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """Quotes whose last day is over; answers how many."""
    done, where = 0, {"status": {"eq": "sent"}, "valid_until": {"lt": today()}}
    while True:
        with job.transaction() as connection:
            context = job.within(connection)
            found = context.find("quote", where, 100)
            for quote in found:
                change(context, "quote", quote["id"], {"status": "expired"})
        done += len(found)
        if len(found) < 100:
            return {"quotes": done}


def jobs() -> list[JobHandler]:
    """The one that finds those that are too old."""
    return [JobHandler(EXPIRE, expire)]


def schedules() -> list[Schedule]:
    """Each night."""
    return [Schedule(EXPIRE, EXPIRE, "10 0 * * *")]


def actions() -> list[Action]:
    """All of them."""
    given = DecisionInput
    return [
        action("send", send, "quote", answers=Sent, en="It goes to the customer.", de="Es geht zum Kunden."),
        action("accept", accept, "quote", takes=given, en="The customer takes it.", de="Der Kunde nimmt es an."),
        action("decline", decline, "quote", takes=given, en="The customer declines.", de="Der Kunde lehnt es ab."),
        action("revise", revise, "quote", en="Make a new version.", de="Eine neue Fassung anlegen."),
    ]


def _require_in_time(quote: Record, day: date) -> None:
    """Refuse what was decided after the last day: also before the night notes that it is over.

    Raises:
        Refuse: so it is, or the day is yet to come.
    """
    if day.isoformat() > today():
        raise Refuse({"en": "This day is yet to come.", "de": "Dieser Tag kommt noch."}, field="decided_on")
    if quote["valid_until"] and day.isoformat() > quote["valid_until"]:
        raise Refuse(
            {
                "en": f"The quote was valid until {quote['valid_until']}: revise it, or say when it was accepted.",
                "de": f"Das Angebot galt bis {quote['valid_until']}: eine neue Fassung anlegen, oder sagen, wann.",
            },
            field="decided_on",
        )


def _decided(context: ActionContext, quote: Record, status: str, given: DecisionInput) -> None:
    day = given.decided_on.isoformat() if given.decided_on else today()
    change(context, "quote", quote["id"], {"status": status, "decided_on": day, "decision_note": given.note})
    tell_decision(context, quote, accepted=status == "accepted")
