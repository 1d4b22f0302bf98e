"""Prices that depend on the quantity (Staffelpreise)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from xrm_sales.pricing.rounding import EXACT, product


class Tiering(StrEnum):
    """How tiers are meant."""

    VOLUME = "volume"
    """The whole quantity costs the price of the tier that it reaches."""
    GRADUATED = "graduated"
    """What goes beyond the quantity of a tier costs its price, and only that, as with electricity."""


@dataclass(frozen=True, slots=True)
class Tier:
    """From this quantity on a unit costs this much."""

    from_quantity: Decimal
    unit_price: Decimal


class NoTier(Exception):
    """A quantity is below the first tier; ``least`` is where that begins."""

    def __init__(self, least: Decimal) -> None:
        super().__init__(f"Sold from {least:f} on.")
        self.least = least


def amount(tiers: Sequence[Tier], quantity: Decimal, tiering: Tiering = Tiering.VOLUME) -> Decimal:
    """What the quantity costs, exactly: nothing is rounded here.

    Args:
        tiers: one at least, each with a quantity of its own; in any order.
        quantity: above zero.
        tiering: how they are meant.

    Raises:
        NoTier: the quantity is below the first tier.
    """
    rising = sorted(tiers, key=lambda tier: tier.from_quantity)
    if quantity < rising[0].from_quantity:
        raise NoTier(rising[0].from_quantity)
    if tiering is Tiering.VOLUME:
        reached = [tier for tier in rising if tier.from_quantity <= quantity]
        return product(quantity, reached[-1].unit_price)
    return _graduated(rising, quantity)


def _graduated(rising: Sequence[Tier], quantity: Decimal) -> Decimal:
    ends = [tier.from_quantity for tier in rising[1:]] + [quantity]
    begin, total = Decimal(0), Decimal(0)  # what lies below the first tier costs as much as what lies in it
    for tier, end in zip(rising, ends, strict=True):
        within = max(min(end, quantity) - begin, Decimal(0))
        total = EXACT.add(total, product(within, tier.unit_price))
        begin = min(end, quantity)
    return total
