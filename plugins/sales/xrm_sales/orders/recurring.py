"""Lines whose price comes again and again: a yes to them begins a contract."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from xrm_core.api import Record
from xrm_sales.moments import today
from xrm_sales.pricing.totals import Line, totals
from xrm_sales.writing import Writing, create

IN_A_YEAR = {"month": 12, "quarter": 4, "year": 1}
_SAME = ("subject", "customer", "opportunity", "currency", "owner", "team")


@dataclass(frozen=True)
class Worth:
    """What a customer pays for one period, net."""

    period: str
    value: Decimal


def worth(context: Writing, quote: Record) -> Worth | None:
    """Of the lines that recur, after the discount of the quote: for their period, or for a year if they have several.
    None: no line of it recurs. Optional lines do not count.
    """
    where = {"quote": {"id": {"eq": quote["id"]}}, "optional": {"eq": False}, "recurs": {"isNull": False}}
    lines = context.find("quote_item", where, 1_000)
    if not lines:
        return None
    periods = sorted({line["recurs"] for line in lines})
    period = periods[0] if len(periods) == 1 else "year"
    counted = [
        Line(
            Decimal(str(line["net"])) * (IN_A_YEAR[line["recurs"]] // IN_A_YEAR[period]),
            tax_rate=Decimal(str(line["tax_percent"])),  # the discount is rounded for each rate, as in the quote
        )
        for line in lines
    ]
    return Worth(period, totals(counted, quote["currency"], Decimal(str(quote["discount_percent"]))).net)


def known(context: Writing, quote: Record) -> bool:
    """Whether it has its contract already."""
    return bool(context.find("contract", {"quote": {"id": {"eq": quote["id"]}}}, 1))


def make(context: Writing, quote: Record, found: Worth, term: dict[str, Any]) -> str:
    """A contract for it, active from the beginning; its id."""
    values = {name: quote[name] for name in _SAME if quote[name] is not None}
    more = {"quote": quote["id"], "period": found.period, "value_per_period": found.value, "status": "active"}
    return create(context, "contract", {**values, **term, **more})


def follow(context: Writing, quote: Record, settings: Any) -> None:
    """The contract that follows a yes, on the terms that the installation has; none without recurring lines, nor a
    second one.
    """
    found = worth(context, quote)
    if found is None or known(context, quote):
        return
    term = {
        "starts_on": quote["decided_on"] or today(),
        "term_months": settings.contract_term_months or None,
        "renews": settings.contract_renewal_months > 0,
        "renewal_months": settings.contract_renewal_months or None,
        "notice_months": settings.contract_notice_months,
    }
    make(context, quote, found, term)
