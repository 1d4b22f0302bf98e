"""Lines → totals of a quote, order or invoice, as EN 16931 (the European standard of electronic invoices) sums them up.

What is rounded, and when, is the standard's rule: each line's net amount; each allowance of the document, per
tax rate; the tax once per rate, of the sum of what bears it (BR-CO-17), never per line. All else is a sum of these, so
that the printed figures always add up. Names in brackets are the standard's terms.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from xrm_sales.pricing.rounding import EXACT, product, rounded, share, two_digits


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Args:
        gross: what the quantity costs before discounts, exact: quantity × unit price, or by tiers.
        discount: per cent off the line, 0 to 100.
        tax_rate: per cent.
        is_optional: offered beside; not in the totals.
        cost: what the line costs us; None if that is not known.
    """

    gross: Decimal
    discount: Decimal = Decimal(0)
    tax_rate: Decimal = Decimal(0)
    is_optional: bool = False
    cost: Decimal | None = None

    def net(self, currency: str) -> Decimal:
        """Net amount (BT-131)."""
        return rounded(product(self.gross, (100 - self.discount).scaleb(-2, context=EXACT)), currency)


@dataclass(frozen=True, slots=True)
class TaxShare:
    """What bears one rate, and the tax of it (BG-23): ``taxable`` BT-116, ``tax`` BT-117."""

    rate: Decimal
    taxable: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """All figures at the foot of a document, in its currency.

    ``lines`` is the sum of the lines' net amounts (BT-106), ``discount`` what the document takes off them (BT-107),
    ``net`` the difference (BT-109), ``tax`` the sum of ``taxes`` (BT-110), ``gross`` what is to be paid (BT-112).
    ``cost`` and ``margin`` (net less cost) are None if the cost of any line is not known.
    """

    lines: Decimal
    discount: Decimal
    net: Decimal
    taxes: tuple[TaxShare, ...]
    tax: Decimal
    gross: Decimal
    cost: Decimal | None
    margin: Decimal | None

    @property
    def margin_percent(self) -> Decimal | None:
        """Of the net amount, to two digits; None without margin, or of nothing."""
        if self.margin is None or not self.net:
            return None
        return two_digits(EXACT.divide(self.margin.scaleb(2, context=EXACT), self.net))


def totals(lines: Iterable[Line], currency: str, discount: Decimal = Decimal(0)) -> Totals:
    """Sum them up.

    Args:
        lines: in any order; the order changes nothing.
        currency: ISO 4217 code of all amounts.
        discount: per cent off the whole document, 0 to 100; of each tax rate alike.
    """
    counted = [line for line in lines if not line.is_optional]
    rates = sorted({line.tax_rate for line in counted})
    found = [_of_rate(rate, [line for line in counted if line.tax_rate == rate], currency, discount) for rate in rates]
    taxes = tuple(each for each, _ in found)
    net, tax = _sum(each.taxable for each in taxes), _sum(each.tax for each in taxes)
    taken_off = _sum(off for _, off in found)
    costs = [line.cost for line in counted]
    known = [cost for cost in costs if cost is not None]
    cost = rounded(_sum(known), currency) if len(known) == len(costs) else None
    return Totals(
        lines=net + taken_off,
        discount=taken_off,
        net=net,
        taxes=taxes,
        tax=tax,
        gross=net + tax,
        cost=cost,
        margin=None if cost is None else net - cost,
    )


def _of_rate(rate: Decimal, lines: Sequence[Line], currency: str, discount: Decimal) -> tuple[TaxShare, Decimal]:
    """The share of one tax rate, and what the document's discount takes off it."""
    net = _sum(line.net(currency) for line in lines)
    off = rounded(share(net, discount), currency)
    return TaxShare(rate, net - off, rounded(share(net - off, rate), currency)), off


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
