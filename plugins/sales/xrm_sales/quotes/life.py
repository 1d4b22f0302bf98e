"""What becomes of a quote: sent, accepted or rejected, replaced by a new version, or too old."""

from collections.abc import Mapping
from typing import Any

from xrm_core.api import Action, ActionContext, JobContext, JobHandler, Record, RecordChange, Refuse, Schedule
from xrm_sales.acting import action
from xrm_sales.layers import added
from xrm_sales.moments import today
from xrm_sales.quotes.accepting import accept
from xrm_sales.quotes.deciding import DecisionInput, decline
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
