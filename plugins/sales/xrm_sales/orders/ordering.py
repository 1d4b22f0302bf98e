"""An order out of an accepted quote, and how far the platform goes with it before an ERP takes over."""

from xrm_core.api import Action, ActionContext, Record, RecordChange, Refuse
from xrm_sales.acting import action
from xrm_sales.layers import added
from xrm_sales.moments import now, today
from xrm_sales.quotes.statuses import require
from xrm_sales.writing import Writing, change, create

_LINE = ("position", "product", "text", "quantity", "unit_price", "discount_percent", "tax_percent", "recurs", "net")
LATER = ("delivered", "invoiced", "paid")
"""Statuses that only an ERP knows of, unless the platform keeps the process until the invoice."""


def order(context: ActionContext, quote: Record) -> None:
    """Make an order of it.

    Raises:
        Refuse: the quote is not accepted, or has its order.
    """
    require(quote, "accepted")
    if context.find("sales_order", {"quote": {"id": {"eq": quote["id"]}}}, 1):
        raise Refuse({"en": "The quote has its order.", "de": "Zum Angebot gibt es den Auftrag."})
    make(context, quote)


def make(context: Writing, quote: Record) -> str:
    """The order with the lines that count; its id. Optional ones were offered beside, and are not ordered."""
    same = ("subject", "customer", "contact", "opportunity", "currency", "owner", "team")
    figures = ("net_total", "tax_total", "gross_total")
    values = {name: quote[name] for name in (*same, *figures) if quote[name] is not None}
    values |= {"quote": quote["id"], "ordered_on": quote["decided_on"] or today()}
    made = create(context, "sales_order", {**added(context, quote, "sales_order"), **values})
    lines = context.find("quote_item", {"quote": {"id": {"eq": quote["id"]}}, "optional": {"eq": False}}, 1_000)
    for line in sorted(lines, key=lambda each: each["position"]):
        given = {name: line[name] for name in _LINE if line[name] is not None}
        create(context, "order_item", {**given, "sales_order": made, **added(context, line, "order_item")})
    return made


def hand_over(context: ActionContext, record: Record) -> None:
    """The ERP has it: what it says of it comes by upsert of ``external_id``, or by changes of the status."""
    if record["status"] != "new":
        raise Refuse({"en": "It is handed over.", "de": "Er ist übergeben."}, field="status")
    change(context, "sales_order", record["id"], {"status": "handed_over", "handed_over_at": now()})


def keep_within(change: RecordChange) -> None:
    """Beyond the order only what the process of the installation has.

    Raises:
        Refuse: the platform keeps orders only until they are confirmed.
    """
    if change.write.settings.process != "invoice" and change.after["status"] in LATER:
        raise Refuse(
            {
                "en": "Deliveries and invoices are kept by the ERP (XRM_SALES_PROCESS).",
                "de": "Lieferung und Rechnung führt das ERP (XRM_SALES_PROCESS).",
            },
            field="status",
        )


def actions() -> list[Action]:
    """``orderQuote`` and ``handOverSalesOrder``."""
    return [
        action("order", order, "quote", needs="read", en="Make an order of it.", de="Einen Auftrag daraus machen."),
        action("hand_over", hand_over, "sales_order", en="The ERP has it.", de="Das ERP hat ihn."),
    ]
