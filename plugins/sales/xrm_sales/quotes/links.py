"""Links by which customers see a quote and decide: whoever has one needs no account. Only hashes of them are kept."""

import hashlib
import secrets

from xrm_core.api import Record
from xrm_sales.writing import Looking, Writing, create

_PAGE = "/plugins/sales/offers/"


def new_link(context: Writing, quote: str) -> str:
    """The path of a new one; it is told to whom it is for, and to nobody else. Those before it stay good."""
    token = secrets.token_urlsafe(24)
    create(context, "quote_link", {"quote": quote, "link_hash": hashed(token)})
    return f"{_PAGE}{token}"


def quote_of(context: Looking, token: str) -> Record | None:
    """The quote to which a link leads; None: there is no such link."""
    found = context.find("quote_link", {"link_hash": {"eq": hashed(token)}}, 1)
    return context.read("quote", found[0]["quote"]) if found else None


def hashed(token: str) -> str:
    """What is kept of a link: whoever reads the database cannot decide for a customer."""
    return hashlib.sha256(token.encode()).hexdigest()
