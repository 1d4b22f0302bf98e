"""How far a quote is below what its products cost otherwise, and whether its submitter may give that by themselves."""

from decimal import Decimal
from functools import partial

from xrm_core.api import ActionContext, Record
from xrm_sales.moments import today
from xrm_sales.pricing.rounding import EXACT, rounded
from xrm_sales.products.prices import price
from xrm_sales.products.rules import included

_WHY = {
    "en": {
        "no_product": "Position {place} has no product with whose price its own could be compared.",
        "no_list_price": "Position {place} has no list price with which its own could be compared.",
        "over": "Discount of {given} % in position {place}; the limit is {most} %.",
        "no_limit": "Discount of {given} % in position {place}; no limit is for a role of who submits it.",
    },
    "de": {
        "no_product": "Position {place} hat kein Produkt, mit dessen Preis ihrer zu vergleichen wäre.",
        "no_list_price": "Position {place} hat keinen Listenpreis, mit dem ihrer zu vergleichen wäre.",
        "over": "Rabatt von {given} % in Position {place}; die Grenze ist {most} %.",
        "no_limit": "Rabatt von {given} % in Position {place}; für keine Rolle der Vorlegenden gilt eine Grenze.",
    },
}


def over_limit(context: ActionContext, quote: Record, lines: list[Record]) -> str | None:
    """Why the discount is above what the submitter may give by themselves; None: it is not, or nothing is limited."""
    limits = context.find("discount_limit", {}, 1_000)
    if not limits:
        return None
    roles, say = context.caller.access.roles, partial(_said, getattr(context.caller, "language", None))
    mine = [each for each in limits if each["role"] in roles]
    beside = included(context, lines)
    for line in lines:
        if line["optional"] or line["id"] in beside:
            continue
        product = context.read("product", line["product"]) if line["product"] else None
        fitting = [each for each in mine if each["category"] in (None, (product or {}).get("category"))]
        most = max((Decimal(str(each["most_percent"])) for each in fitting), default=Decimal(0))
        if product is None and most < 100 and not any(each["free_lines"] for each in fitting):
            return say("no_product", line["position"])
        if product is not None and line["list_price"] is None and most < 100:
            return say("no_list_price", line["position"])
        if given := _above(quote, line, _listed(context, quote, line, product), most):
            return say("over" if fitting else "no_limit", line["position"], given=f"{given:.2f}", most=f"{most:f}")
    return None


def _said(language: str | None, what: str, place: int, **values: str) -> str:
    """Why, in the language of who submits it, or in English."""
    if language != "de":
        return _WHY["en"][what].format(place=place, **values)
    return _WHY["de"][what].format(place=place, **{name: each.replace(".", ",") for name, each in values.items()})


def _listed(context: ActionContext, quote: Record, line: Record, product: Record | None) -> Decimal:
    """What the quantity costs without a discount.

    Whoever chooses another price book or day than those that count by themselves gives what that makes cheaper, unless
    the book is there to be chosen. What has no product has its own price.
    """
    quantity = Decimal(str(line["quantity"]))
    if product is None:
        return Decimal(str(line["unit_price"])) * quantity
    listed = Decimal(str(line["list_price"])) * quantity if line["list_price"] is not None else Decimal(0)
    book = context.read("price_book", quote["price_book"]) if quote["price_book"] else None
    chosen = book["id"] if book and book["free_choice"] else None
    day = today()
    if quote["price_book"] == chosen and (quote["priced_on"] or day) == day:
        return listed
    usual = price(context, product, quantity, quote["customer"], quote["currency"], day, chosen)
    return listed if usual is None else max(listed, usual.amount)


def _above(quote: Record, line: Record, listed: Decimal, most: Decimal) -> Decimal | None:
    """Per cent that a line is below its list price, the quote's discount included, if that is more than allowed.

    Amounts are compared as they are rounded: ten per cent off 9.99 is 8.99, and no more than ten per cent.
    """
    if not listed:
        return None
    net = rounded(Decimal(str(line["net"])) * (100 - Decimal(str(quote["discount_percent"]))) / 100, quote["currency"])
    if net >= rounded(listed * (100 - most) / 100, quote["currency"]):
        return None
    return EXACT.divide(listed - net, listed) * 100
