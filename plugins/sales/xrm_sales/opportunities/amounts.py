"""The amount of an opportunity with line items is their sum, until it is won for another; shares of its team are not
more than all of it.
"""

from decimal import Decimal
from functools import partial

from xrm_core.api import HookContext, RecordChange, Refuse
from xrm_sales.pricing.rounding import rounded
from xrm_sales.pricing.totals import Line

MOST = 1_000
"""Line items of an opportunity."""


def sum_up(change: RecordChange) -> None:
    """After a line item has come, changed or gone: the amount is that of those that are there then."""
    both = {str(record["opportunity"]) for record in (change.before, change.after) if record}
    for opportunity in sorted(both):
        change.then(partial(_sum, opportunity), key=("amount", opportunity))


def keep_sum(change: RecordChange) -> None:
    """An amount that somebody has written is that of the line items again, if there are any; and so is that of one
    that is opened again. What it was won for stays: the line items are what was expected.
    """
    if change.after["status"] == "won" and "amount" in change.changes:
        return
    change.then(lambda context, id_: _sum(id_, context, id_))


def check_splits(change: RecordChange) -> None:
    """After a share has come or changed: all of them are 100 per cent at most."""
    opportunity = change.after["opportunity"]

    def check(context: HookContext, _: str) -> None:
        context.hold("opportunity", opportunity)
        members = context.find("opportunity_member", {"opportunity": {"id": {"eq": opportunity}}}, MOST)
        total = sum((Decimal(str(each["split_percent"])) for each in members), Decimal(0))
        if total > 100:
            text = {
                "en": f"The shares of the team would be {total:f} per cent.",
                "de": f"Die Anteile des Teams wären {total:f} Prozent.",
            }
            raise Refuse(text, field="split_percent")

    change.then(check, key=("splits", opportunity))


def _sum(opportunity: str, context: HookContext, _: str) -> None:
    context.hold("opportunity", opportunity)  # whoever adds another one has their turn
    record = context.read("opportunity", opportunity)
    if record is None:  # its items go with it
        return
    items = context.find("opportunity_item", {"opportunity": {"id": {"eq": opportunity}}}, MOST)
    if len(items) == MOST:
        raise Refuse({"en": f"An opportunity has fewer than {MOST} items.", "de": f"Weniger als {MOST} Positionen."})
    amount = sum((_net(item, record["currency"]) for item in items if not item["optional"]), Decimal(0))
    if items and amount != record.get("amount"):
        context.records.update(context.connection, context.system, "opportunity", opportunity, {"amount": amount})


def _net(item: dict[str, object], currency: str) -> Decimal:
    quantity, price, discount = (Decimal(str(item[name])) for name in ("quantity", "unit_price", "discount_percent"))
    return rounded(Line(quantity * price, discount).net(currency), currency)
