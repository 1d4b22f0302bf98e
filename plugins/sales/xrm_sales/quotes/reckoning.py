"""The figures of a quote: a price for each line, and the totals. Reckoned anew with each change, in its transaction."""

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from xrm_core.api import HookContext, Record, RecordChange, Refuse
from xrm_sales.moments import today
from xrm_sales.pricing.rounding import EXACT, two_digits
from xrm_sales.pricing.totals import Line, Totals, totals
from xrm_sales.products.prices import price
from xrm_sales.products.rules import included
from xrm_sales.products.taxes import tax_percent
from xrm_sales.writing import Writing, change

MOST = 1_000
"""Lines of a quote."""
_FOUR = Decimal("0.0001")
CONTENT = (
    "quote", "position", "product", "part_of", "text", "description", "quantity", "unit_price", "discount_percent",
    "tax_category", "optional",
)  # fmt: skip
"""Fields of a line that people write."""
KEPT = (*CONTENT, "price_by_hand", "list_price", "tax_percent", "recurs", "net", "cost_price")
"""Fields of a line that do not change once its quote is with others: whoever writes one has the line priced anew."""
FIGURES = (
    "lines_total", "discount_total", "net_total", "taxes", "tax_total", "gross_total", "cost_total", "margin",
    "margin_percent", "effective_discount",
)  # fmt: skip
"""Of a quote, reckoned by the platform."""
INPUTS = ("customer", "currency", "price_book", "priced_on", "discount_percent")
"""Fields of a quote on which its figures depend."""

ONLY_DRAFTS = {
    "en": "Only a draft changes: make a new version by reviseQuote.",
    "de": "Nur ein Entwurf ändert sich: eine neue Fassung entsteht durch reviseQuote.",
}


def only_drafts(change: RecordChange) -> None:
    """What is with others does not change: a new version does.

    Raises:
        Refuse: the quote of this line is no draft.
    """
    for record in (change.before, change.after):
        quote = change.read("quote", record["quote"]) if record else None
        if quote is not None and quote["status"] != "draft":
            raise Refuse(ONLY_DRAFTS, field="quote")


def priced(change: RecordChange) -> Mapping[str, Any]:
    """A line is priced: by its price book, unless the price is given; and its tax is known.

    Raises:
        Refuse: there is no price, or no tax rate.
    """
    line = change.after
    quote = change.read("quote", line["quote"])
    product = change.read("product", line["product"]) if line.get("product") else None
    if quote is None or quote["status"] != "draft":  # refused by the platform, or priced for good
        return {}
    by_hand = line.get("price_by_hand") or False
    if change.operation == "create" or ("unit_price" in change.changes and "price_by_hand" not in change.changes):
        by_hand = change.changes.get("unit_price") is not None  # emptied: looked up again
    return _of_line(change, quote, {**line, "price_by_hand": by_hand}, product)


def keep_figures(change: RecordChange) -> None:
    """Figures that somebody has written are reckoned again: they are what the lines say."""
    change.then(lambda context, id_: sum_up(context, id_))


def reprice(change: RecordChange) -> None:
    """Something on which all lines depend has changed: they are priced anew, and summed up."""

    def act(context: HookContext, id_: str) -> None:
        quote = context.read("quote", id_)
        if quote is None:
            return
        for line in _lines(context, id_):
            product = context.read("product", line["product"]) if line["product"] else None
            found = _of_line(context, quote, line, product)
            if any(line.get(name) != value for name, value in found.items()):
                change_line(context, line["id"], found)
        sum_up(context, id_)

    change.then(act)


def change_line(context: Writing, line: str, values: Mapping[str, Any]) -> None:
    """Write what was reckoned of a line."""
    change(context, "quote_item", line, values)


def after_line(change: RecordChange) -> None:
    """A line has come, changed or gone: the quote is summed up."""
    quotes = sorted({str(record["quote"]) for record in (change.before, change.after) if record})
    written = change.operation != "restore" and any(change.before.get(each) != change.after.get(each) for each in KEPT)

    def act(quote: str, context: HookContext, _: str) -> None:
        context.hold("quote", quote)
        record = context.read("quote", quote)
        if written and record is not None and record["status"] != "draft":  # submitted meanwhile
            raise Refuse(ONLY_DRAFTS, field="quote")
        sum_up(context, quote)

    for quote in quotes:
        change.then(partial(act, quote), key=("lines", quote, written))


def sum_up(context: Writing, quote: str) -> None:
    """Keep the totals of a quote, if they have changed; those who change its lines at once take turns."""
    context.hold("quote", quote)
    record = context.read("quote", quote)
    if record is None:
        return
    found = _figures(context, record, _lines(context, quote))
    if any(_differs(record.get(name), value) for name, value in found.items()):
        change(context, "quote", quote, found)


def _lines(context: Writing, quote: str) -> list[Record]:
    found = context.find("quote_item", {"quote": {"id": {"eq": quote}}}, MOST)
    if len(found) == MOST:
        text = {"en": f"A quote has fewer than {MOST} lines.", "de": f"Ein Angebot hat weniger als {MOST} Positionen."}
        raise Refuse(text)
    return found


def _of_line(look: Any, quote: Record, line: Mapping[str, Any], product: Record | None) -> dict[str, Any]:
    """What the platform says of a line."""
    day, quantity = quote["priced_on"] or today(), _decimal(line["quantity"])
    customer = look.read("customer", quote["customer"])
    category = line.get("tax_category") or (product or {}).get("tax_category") or "standard"
    tax = tax_percent(look, customer, category, day)
    if tax is None:
        country = customer["country"] or "DE"
        raise Refuse(
            {
                "en": f"No tax rate «{category}» is known of {country} on {day}.",
                "de": f"Kein Steuersatz «{category}» bekannt für {country} am {day}.",
            },
            field="tax_category",
        )
    book, whose = quote["price_book"], (quote["customer"], quote["currency"], day)
    known = price(look, product, quantity, *whose, book) if product else None
    by_hand = bool(line.get("price_by_hand"))
    if known is None and not by_hand:
        raise Refuse(
            {
                "en": f"There is no price in {quote['currency']}: give one.",
                "de": f"Es gibt keinen Preis in {quote['currency']}: einen angeben.",
            },
            field="unit_price",
        )
    listed = None if known is None else _four(EXACT.divide(known.amount, quantity))
    unit = _decimal(line["unit_price"]) if by_hand else listed
    gross = quantity * _decimal(line["unit_price"]) if by_hand or known is None else known.amount
    parts: dict[str, Any] = {
        "text": line.get("text") or (product or {}).get("name"),
        "price_by_hand": by_hand,
        "unit_price": unit,
        "list_price": listed,
        "price_source": None if known is None else known.book,
        "tax_category": category,
        "tax_percent": tax,
        "recurs": (product or {}).get("recurs"),
        "net": Line(gross, _decimal(line["discount_percent"])).net(quote["currency"]),
    }
    if line.get("cost_price") is None and product is not None and product["currency"] == quote["currency"]:
        parts["cost_price"] = product["cost_price"]
    return parts


def _figures(context: Writing, quote: Record, lines: list[Record]) -> dict[str, Any]:
    currency = quote["currency"]
    found = totals([_line(line) for line in lines], currency, _decimal(quote["discount_percent"]))
    rates = [{"rate": str(each.rate), "taxable": str(each.taxable), "tax": str(each.tax)} for each in found.taxes]
    return {
        "lines_total": found.lines,
        "discount_total": found.discount,
        "net_total": found.net,
        "taxes": {"rates": rates},
        "tax_total": found.tax,
        "gross_total": found.gross,
        "cost_total": found.cost,
        "margin": found.margin,
        "margin_percent": found.margin_percent,
        "effective_discount": _off_list(context, lines, found),
    }


def _line(line: Record) -> Line:
    """As it is kept: its net amount was rounded when it was priced, and is not discounted again."""
    cost = None if line["cost_price"] is None else _decimal(line["cost_price"]) * _decimal(line["quantity"])
    tax, optional = _decimal(line["tax_percent"]), bool(line["optional"])
    return Line(_decimal(line["net"]), tax_rate=tax, is_optional=optional, cost=cost)


def _off_list(context: Writing, lines: list[Record], found: Totals) -> Decimal | None:
    """Per cent that the quote is below list prices; what has none counts with its own. None: of nothing."""
    beside = included(context, lines)
    counted = [line for line in lines if not line["optional"] and line["id"] not in beside]
    listed = sum((_listed(line) * _decimal(line["quantity"]) for line in counted), Decimal(0))
    if not listed:
        return None
    return two_digits(EXACT.divide(EXACT.subtract(listed, found.net).scaleb(2, context=EXACT), listed))


def _listed(line: Record) -> Decimal:
    return _decimal(line["unit_price"] if line["list_price"] is None else line["list_price"])


def _differs(kept: Any, value: Any) -> bool:
    if isinstance(value, Decimal) and kept is not None:
        return _decimal(kept) != value
    return bool(kept != value)


def _four(value: Decimal) -> Decimal:
    return value.quantize(_FOUR, context=EXACT)


def _decimal(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))
