"""A quote goes out: by a link that somebody hands on, or by mail."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from xrm_core.api import ActionContext, Record, Refuse
from xrm_sales.moments import now, today
from xrm_sales.quotes.links import end_links, new_link
from xrm_sales.quotes.statuses import require
from xrm_sales.writing import change


@dataclass
class Sent:
    """The path of the page on which the customer sees the quote and decides; it is told once, and to nobody else."""

    link: str


def send(context: ActionContext, quote: Record) -> Sent:
    """It is out: what was approved does not change any more. Whoever sends it hands the link on."""
    require(quote, "approved")
    go_out(context, quote)
    return Sent(new_link(context, quote["id"]))


def go_out(context: ActionContext, quote: Record) -> None:
    """Note that it is out. Without a date it is valid for as long as is set; the version before it is superseded,
    and its links end.

    Raises:
        Refuse: its last day is over.
    """
    days: int = context.settings.quote_valid_days
    until = quote["valid_until"] or (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
    if until < today():
        raise Refuse({"en": "It is not valid any more.", "de": "Es ist nicht mehr gültig."}, field="valid_until")
    change(context, "quote", quote["id"], {"status": "sent", "sent_at": now(), "valid_until": until})
    if quote["replaces"]:
        before = context.read("quote", quote["replaces"])
        if before is not None:
            end_links(context, before["id"])
        if before is not None and before["status"] == "sent":
            change(context, "quote", before["id"], {"status": "superseded"})
