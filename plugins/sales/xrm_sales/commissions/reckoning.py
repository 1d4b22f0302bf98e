"""How much of what was won goes to whom. It knows no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from xrm_sales.pricing.rounding import rounded, two_digits


@dataclass(frozen=True, slots=True)
class Part:
    """What one person gets: a rate of the basis, for their share of the sale."""

    user: str
    rule: str
    share: Decimal
    percent: Decimal
    amount: Decimal
    basis: Decimal
    attainment: Decimal | None = None
    """Per cent of the quota, with this sale; None: the rule has no steps, or there is no quota."""


def shares_of(owner: str | None, members: Sequence[Mapping[str, object]]) -> dict[str, Decimal]:
    """Per cent by user: those of the team, if any of it has some; else all of it is the owner's."""
    shares: dict[str, Decimal] = {}
    for each in members:
        split = Decimal(str(each["split_percent"] or 0))
        if split:
            user = str(each["user"])
            shares[user] = shares.get(user, Decimal(0)) + split
    return shares or ({owner: Decimal(100)} if owner else {})


@dataclass(frozen=True, slots=True)
class Step:
    """Beyond so many per cent of the quota this rate counts."""

    beyond: Decimal
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Attained:
    """How far somebody has come: what they won before a sale, their share of it, and their quota; 0: they have none."""

    before: Decimal
    credit: Decimal
    quota: Decimal

    @property
    def percent(self) -> Decimal | None:
        """Of the quota, with this sale."""
        return two_digits((self.before + self.credit) * 100 / self.quota) if self.quota else None


def rate_of(base: Decimal, steps: Sequence[Step], attained: Attained) -> Decimal:
    """The rate of a sale: each part of it counts by the step in which it lies (as graduated prices do).

    Args:
        base: the rate up to the first step, and all of it without a quota.
        steps: in any order.
        attained: where the sale begins and ends.
    """
    if not attained.quota or not attained.credit:
        return base
    rising = sorted(steps, key=lambda step: step.beyond)
    begins = [Decimal(0), *(attained.quota * step.beyond / 100 for step in rising)]
    ends, rates = [*begins[1:], None], [base, *(step.percent for step in rising)]
    first, last, total = attained.before, attained.before + attained.credit, Decimal(0)
    for begin, end, rate in zip(begins, ends, rates, strict=True):
        within = (last if end is None else min(end, last)) - max(begin, first)
        total += max(within, Decimal(0)) * rate
    return total / attained.credit


def part(
    user: str,
    share: Decimal,
    rule: Mapping[str, object],
    basis: Decimal,
    currency: str,
    steps: Sequence[Step] = (),
    attained: Attained | None = None,
) -> Part:
    """The part of one person. The most of a rule is for all shares together, so each has its share of it, too."""
    percent = Decimal(str(rule["percent"]))
    if steps and attained is not None:
        percent = rate_of(percent, steps, attained)
    whole = max(basis, Decimal(0)) * percent / 100
    if rule["most"] is not None:
        whole = min(whole, Decimal(str(rule["most"])))
    amount = rounded(whole * share / 100, currency)
    shown = percent.quantize(Decimal("0.0001"), ROUND_HALF_UP)
    return Part(user, str(rule["id"]), share, shown, amount, basis, attained.percent if steps and attained else None)
