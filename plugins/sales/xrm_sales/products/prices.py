"""What a product costs a customer on a day: by contract, by price books and tiers, else the product's own price."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from xrm_core.api import Record
from xrm_sales.pricing.tiers import Tier, Tiering, amount
from xrm_sales.writing import Looking


@dataclass(frozen=True, slots=True)
class Price:
    """``amount`` is what the quantity costs, exactly; ``book`` is the id of the price book, None: the product's own."""

    amount: Decimal
    book: str | None


def price(
    look: Looking, product: Record, quantity: Decimal, customer: str, currency: str, day: str, book: str | None = None
) -> Price | None:
    """The price that counts; None: there is none in this currency.

    Those of the customer come first, by their priority; then those of the given price book; then of the default ones
    and all others without a customer, by their priority.

    Args:
        look: reads records.
        product: what is bought.
        quantity: above zero.
        customer: id of who buys.
        currency: ISO 4217 code.
        day: ISO 8601.
        book: id of the price book to be taken before the general ones.
    """
    found = look.find("price", _where(product["id"], customer, currency, day), 1_000)
    books = {each["price_book"]: look.read("price_book", each["price_book"]) or {} for each in found}

    def rank(each: Mapping[str, Any]) -> tuple[Any, ...]:
        its = books[each["price_book"]]
        contract, wanted = its["customer"] is not None, each["price_book"] == book
        since = each["valid_from"] or ""
        return (contract, wanted, its["is_default"] or 0, its["priority"], since, each["id"])

    if found:
        best = max(found, key=rank)
        return Price(_tiered(look, best, quantity), best["price_book"])
    if product["price"] is not None and product["currency"] == currency:
        return Price(quantity * Decimal(str(product["price"])), None)
    return None


def _where(product: str, customer: str, currency: str, day: str) -> dict[str, Any]:
    valid = [
        {"or": [{"valid_from": {"isNull": True}}, {"valid_from": {"lte": day}}]},
        {"or": [{"valid_until": {"isNull": True}}, {"valid_until": {"gte": day}}]},
    ]
    whose = {"or": [{"customer": {"isNull": True}}, {"customer": {"id": {"eq": customer}}}]}
    book = {"and": [{"active": {"eq": True}, "currency": {"eq": currency}}, whose, *valid]}
    return {"and": [{"product": {"id": {"eq": product}}, "price_book": book}, *valid]}


def _tiered(look: Looking, found: Record, quantity: Decimal) -> Decimal:
    steps = look.find("price_tier", {"price": {"id": {"eq": found["id"]}}}, 1_000)
    rising = [(each["from_quantity"], each["unit_price"]) for each in steps]
    tiers = [Tier(Decimal(str(begin)), Decimal(str(unit))) for begin, unit in [(0, found["unit_price"]), *rising]]
    return amount(tiers, quantity, Tiering(found["tiering"]))
