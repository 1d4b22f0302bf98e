"""The margin of a sale: what was won, less what it costs by the accepted quote, else by its line items."""

from decimal import Decimal

from xrm_core.api import Record
from xrm_sales.writing import Looking

_MOST = 1_000


def margin_of(look: Looking, opportunity: Record) -> Decimal | None:
    """In its currency; None: what it costs is not known."""
    cost = _of_quote(look, opportunity)
    if cost is None:
        cost = _of_items(look, opportunity)
    return None if cost is None else Decimal(str(opportunity["amount"] or 0)) - cost


def _of_quote(look: Looking, opportunity: Record) -> Decimal | None:
    where = {
        "opportunity": {"id": {"eq": opportunity["id"]}},
        "status": {"eq": "accepted"},
        "currency": {"eq": opportunity["currency"]},
    }
    quotes = look.find("quote", where, _MOST)
    return Decimal(str(quotes[-1]["cost_total"])) if quotes and quotes[-1]["cost_total"] is not None else None


def _of_items(look: Looking, opportunity: Record) -> Decimal | None:
    items = look.find("opportunity_item", {"opportunity": {"id": {"eq": opportunity["id"]}}}, _MOST)
    counted = [each for each in items if not each["optional"]]
    total = Decimal(0)
    for each in counted:
        product = look.read("product", each["product"]) if each["product"] else None
        if product is None or product["cost_price"] is None or product["currency"] != opportunity["currency"]:
            return None
        total += Decimal(str(product["cost_price"])) * Decimal(str(each["quantity"]))
    return total if counted else None
