"""A product comes into an opportunity with all that belongs to it, at the price that the customer would have today."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from xrm_core.api import Action, ActionContext, Record, Refuse
from xrm_sales.acting import action
from xrm_sales.moments import today
from xrm_sales.pricing.rounding import EXACT, rounded
from xrm_sales.products.adding import Configured, ConfigureInput, Lines
from xrm_sales.products.prices import price


def equip(context: ActionContext, opportunity: Record, given: ConfigureInput) -> Configured:
    """Add the lines; the amount follows.

    Raises:
        Refuse: it is closed, there is no such product, option or price, or the products would not go together.
    """
    if opportunity["status"] != "open":
        raise Refuse({"en": "It is closed.", "de": "Sie ist abgeschlossen."}, field="status")
    return LINES.add(context, opportunity, given)


def actions() -> list[Action]:
    """``equipOpportunity``."""
    en, de = "Add a product with all that belongs to it.", "Ein Produkt mit allem Zubehör aufnehmen."
    return [action("equip", equip, "opportunity", takes=ConfigureInput, answers=Configured, en=en, de=de)]


def _priced(context: ActionContext, opportunity: Record, product: Record, quantity: Decimal) -> Mapping[str, Any]:
    currency = opportunity["currency"]
    found = price(context, product, quantity, opportunity["customer"], currency, today()) if product else None
    if found is None:
        name = product.get("name", "?")
        text = {"en": f"There is no price in {currency}: {name}.", "de": f"Es gibt keinen Preis in {currency}: {name}."}
        raise Refuse(text, field="product")
    unit = rounded(EXACT.divide(found.amount, quantity), currency)
    return {"unit_price": unit, "price_by_hand": False}


LINES = Lines("opportunity_item", "opportunity", _priced)
