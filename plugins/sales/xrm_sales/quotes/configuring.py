"""A product comes into a quote with all that belongs to it."""

from xrm_core.api import Action, ActionContext, Record
from xrm_sales.acting import action
from xrm_sales.products.adding import Configured, ConfigureInput, Lines
from xrm_sales.quotes.statuses import require

LINES = Lines("quote_item", "quote", lambda *_: {})
"""Their prices are looked up when they are written."""


def configure(context: ActionContext, quote: Record, given: ConfigureInput) -> Configured:
    """Add the lines.

    Raises:
        Refuse: it is no draft, there is no such product or option, or the products would not go together.
    """
    require(quote, "draft")
    return LINES.add(context, quote, given)


def actions() -> list[Action]:
    """``configureQuote``."""
    en, de = "Add a product with all that belongs to it.", "Ein Produkt mit allem Zubehör aufnehmen."
    return [action("configure", configure, "quote", takes=ConfigureInput, answers=Configured, en=en, de=de)]
