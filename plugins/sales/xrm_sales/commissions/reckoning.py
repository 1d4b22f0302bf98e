"""How much of what was won goes to whom. It knows no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from xrm_sales.pricing.rounding import rounded


@dataclass(frozen=True, slots=True)
class Part:
    """What one person gets: a rate of the basis, for their share of the sale."""

    user: str
    rule: str
    share: Decimal
    percent: Decimal
    amount: Decimal


def shares_of(owner: str | None, members: Sequence[Mapping[str, object]]) -> dict[str, Decimal]:
    """Per cent by user: those of the team, if any of it has some; else all of it is the owner's."""
    shares: dict[str, Decimal] = {}
    for each in members:
        split = Decimal(str(each["split_percent"] or 0))
        if split:
            user = str(each["user"])
            shares[user] = shares.get(user, Decimal(0)) + split
    return shares or ({owner: Decimal(100)} if owner else {})


def part(user: str, share: Decimal, rule: Mapping[str, object], basis: Decimal, currency: str) -> Part:
    """The part of one person. The most of a rule is for all shares together, so each has its share of it, too."""
    percent = Decimal(str(rule["percent"]))
    whole = basis * percent / 100
    if rule["most"] is not None:
        whole = min(whole, Decimal(str(rule["most"])))
    return Part(user, str(rule["id"]), share, percent, rounded(whole * share / 100, currency))
