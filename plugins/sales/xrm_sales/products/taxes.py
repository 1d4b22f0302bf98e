"""The tax that a sale bears: by country, category and day."""

from decimal import Decimal

from xrm_core.api import Record
from xrm_sales.writing import Looking

HOME = "DE"
"""The country of customers of whom none is known."""


def tax_percent(look: Looking, customer: Record, category: str, day: str) -> Decimal | None:
    """Per cent; None: no rate of this country is known for the day.

    Args:
        look: reads records.
        customer: who buys: sales by reverse charge and exports bear no tax.
        category: of the product.
        day: ISO 8601.
    """
    if customer["tax_treatment"] in ("reverse_charge", "export") or category in ("zero", "exempt"):
        return Decimal(0)
    where = {
        "country": {"eq": customer["country"] or HOME},
        "category": {"eq": category},
        "valid_from": {"lte": day},
        "or": [{"valid_until": {"isNull": True}}, {"valid_until": {"gte": day}}],
    }
    found = look.find("tax_rate", where, 1_000)
    return Decimal(str(max(found, key=lambda rate: rate["valid_from"])["percent"])) if found else None
