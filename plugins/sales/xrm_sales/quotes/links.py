"""Links by which customers see a quote and decide: whoever has one needs no account. Only hashes of them are kept."""

import hashlib
import secrets

from xrm_core.api import Record
from xrm_sales.moments import now
from xrm_sales.writing import Looking, Writing, change, create

_PAGE = "/plugins/sales/offers/"


def new_link(context: Writing, quote: str, *, beside: bool = False) -> str:
    """The path of a new one; it is told to whom it is for, and to nobody else.

    Args:
        context: the transaction.
        quote: its id.
        beside: those before it stay good: they went to the same address.
    """
    if not beside:
        end_links(context, quote)
    token = secrets.token_urlsafe(24)
    create(context, "quote_link", {"quote": quote, "link_hash": hashed(token)})
    return f"{_PAGE}{token}"


def end_links(context: Writing, quote: str) -> None:
    """Those that are out lead nowhere any more: who still has one may not be whom the quote is for."""
    for link in context.find("quote_link", {"quote": {"id": {"eq": quote}}, "ended_at": {"isNull": True}}, 1_000):
        change(context, "quote_link", link["id"], {"ended_at": now()})


def quote_of(context: Looking, token: str) -> tuple[Record | None, bool]:
    """The quote to which a link leads, and whether it still does; None: there is no such link."""
    found = context.find("quote_link", {"link_hash": {"eq": hashed(token)}}, 1)
    if not found:
        return None, False
    return context.read("quote", found[0]["quote"]), found[0]["ended_at"] is None


def hashed(token: str) -> str:
    """What is kept of a link: whoever reads the database cannot decide for a customer."""
    return hashlib.sha256(token.encode()).hexdigest()
