"""A quote out of an opportunity: its lines, with bundles as they are."""

from dataclasses import dataclass
from typing import Any

from strawberry import ID

from xrm_core.api import Action, ActionContext, Record, Refuse
from xrm_sales.acting import action
from xrm_sales.layers import added
from xrm_sales.writing import create

_LINE = ("position", "product", "text", "quantity", "price_by_hand", "discount_percent", "optional")


@dataclass
class QuoteInput:
    """What an opportunity does not say of the quote; its name is the subject, if nothing is said."""

    subject: str | None = None
    price_book: ID | None = None


@dataclass
class Quoted:
    """The draft."""

    quote: str


def quote(context: ActionContext, opportunity: Record, given: QuoteInput) -> Quoted:
    """Make a draft of it. Prices by hand stay, all others are looked up.

    Raises:
        Refuse: it is closed.
    """
    if opportunity["status"] != "open":
        raise Refuse({"en": "It is closed.", "de": "Sie ist abgeschlossen."}, field="status")
    same = ("customer", "contact", "currency", "owner", "team")
    values: dict[str, Any] = {name: opportunity[name] for name in same if opportunity[name] is not None}
    language = _language(context, opportunity)
    more = {"opportunity": opportunity["id"], "price_book": given.price_book, "language": language}
    values |= {name: value for name, value in more.items() if value is not None}
    subject = given.subject or opportunity["name"]
    made = create(context, "quote", {**added(context, opportunity, "quote"), **values, "subject": subject})
    lines = context.find("opportunity_item", {"opportunity": {"id": {"eq": opportunity["id"]}}}, 1_000)
    copies: dict[str, str] = {}
    for line in sorted(lines, key=lambda each: (each["part_of"] is not None, each["position"])):
        item = {name: line[name] for name in _LINE if line[name] is not None}
        if line["price_by_hand"] or not line["product"]:
            item |= {"unit_price": line["unit_price"], "price_by_hand": True}
        item |= {"quote": made, "part_of": copies.get(line["part_of"]), **added(context, line, "quote_item")}
        copies[line["id"]] = create(context, "quote_item", item)
    return Quoted(made)


def actions() -> list[Action]:
    """``quoteOpportunity``."""
    en, de = "Make a quote of it.", "Ein Angebot daraus machen."
    return [action("quote", quote, "opportunity", takes=QuoteInput, answers=Quoted, en=en, de=de)]


def _language(context: ActionContext, opportunity: Record) -> str | None:
    contact = context.read("contact", opportunity["contact"]) if opportunity["contact"] else None
    language = (contact or {}).get("language")
    return language if language in ("de", "en") else None
