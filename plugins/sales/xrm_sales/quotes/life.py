"""What becomes of a quote: sent, accepted or rejected, replaced by a new version, or too old."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from xrm_core.api import Action, ActionContext, JobContext, JobHandler, Record, RecordChange, Refuse, Schedule
from xrm_sales.moments import now, today
from xrm_sales.opportunities.closing import WinInput, win
from xrm_sales.orders.ordering import make
from xrm_sales.quotes.pages import hashed
from xrm_sales.quotes.statuses import require
from xrm_sales.writing import change, create

EXPIRE = "sales.expire_quotes"
_CONTENT = (
    "subject", "customer", "contact", "opportunity", "price_book", "currency", "language", "priced_on", "valid_until",
    "discount_percent", "introduction", "closing", "terms", "owner", "team",
)  # fmt: skip
_LINE = ("position", "product", "text", "description", "quantity", "price_by_hand", "discount_percent", "optional")


@dataclass
class DecisionInput:
    """What the customer has said, and when; today if nothing is said."""

    decided_on: date | None = None
    note: str | None = None


@dataclass
class Sent:
    """The path of the page on which the customer sees the quote and decides; it is told once, and to nobody else."""

    link: str


def send(context: ActionContext, quote: Record) -> Sent:
    """It is out: what was approved does not change any more. Without a date it is valid for as long as is set."""
    require(quote, "approved")
    days: int = context.settings.quote_valid_days
    until = quote["valid_until"] or (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
    if until < today():
        raise Refuse({"en": "It is not valid any more.", "de": "Es ist nicht mehr gültig."}, field="valid_until")
    token = secrets.token_urlsafe(24)
    out = {"status": "sent", "sent_at": now(), "valid_until": until, "link_hash": hashed(token)}
    change(context, "quote", quote["id"], out)
    if quote["replaces"]:
        before = context.read("quote", quote["replaces"])
        if before is not None and before["status"] == "sent":
            change(context, "quote", before["id"], {"status": "superseded"})
    return Sent(f"/plugins/sales/offers/{token}")


def accept(context: ActionContext, quote: Record, given: DecisionInput) -> None:
    """The customer takes it: the opportunity is won for its net total, and other quotes of it are superseded."""
    require(quote, "sent")
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
    version = create(context, "quote", values)
    lines = context.find("quote_item", {"quote": {"id": {"eq": quote["id"]}}}, 1_000)
    made: dict[str, str] = {}
    for line in sorted(lines, key=lambda each: (each["part_of"] is not None, each["position"])):
        given = {name: line[name] for name in _LINE if line[name] is not None}
        if line["price_by_hand"]:
            given["unit_price"] = line["unit_price"]
        given |= {"quote": version, "part_of": made.get(line["part_of"])}
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
    made: list[tuple[str, Callable[..., object], type | None, str, str]] = [
        ("send", send, None, "It goes to the customer.", "Es geht zum Kunden."),
        ("accept", accept, DecisionInput, "The customer takes it.", "Der Kunde nimmt es an."),
        ("decline", decline, DecisionInput, "The customer does not take it.", "Der Kunde lehnt es ab."),
        ("revise", revise, None, "Make a new version.", "Eine neue Fassung anlegen."),
    ]
    return [
        Action(
            f"sales.{name}",
            run,
            "quote",
            needs="update",
            input=given,
            answers=Sent if run is send else None,
            description={"en": en, "de": de},
        )
        for name, run, given, en, de in made
    ]


def _decided(context: ActionContext, quote: Record, status: str, given: DecisionInput) -> None:
    day = given.decided_on.isoformat() if given.decided_on else today()
    change(context, "quote", quote["id"], {"status": status, "decided_on": day, "decision_note": given.note})
