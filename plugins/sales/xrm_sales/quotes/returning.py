"""What of a quote is paid once, and what again and again."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from xrm_sales.pricing.totals import Line, totals


def split(quote: Mapping[str, Any]) -> dict[str | None, Decimal]:
    """Net amounts after the discount of the quote, by how often they are paid: None is once. Together they are its
    net total.

    What recurs is rounded as in the contract that follows it, and the rest is what is left: the discount of the whole
    is rounded once for each tax rate, not for each period.

    Args:
        quote: as a query answers it, with its lines; optional ones do not count.
    """
    lines = [each for each in quote["items"]["nodes"] if not each["optional"]]
    periods: list[str | None] = sorted({each["recurs"] for each in lines if each["recurs"]})
    if not periods:
        return {None: Decimal(quote["netTotal"] or 0)}
    off = Decimal(quote["discountPercent"] or 0)
    found = {
        period: totals(
            (
                Line(Decimal(each["net"]), tax_rate=Decimal(each["taxPercent"]))
                for each in lines
                if each["recurs"] == period
            ),
            quote["currency"],
            off,
        ).net
        for period in periods
    }
    rest = Decimal(quote["netTotal"] or 0) - sum(found.values(), Decimal(0))
    left = None if any(not each["recurs"] for each in lines) else periods[-1]
    found[left] = found.get(left, Decimal(0)) + rest
    return found
