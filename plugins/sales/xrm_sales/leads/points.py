"""How many points a rule gives: for what a lead is, or for what it has done, less as time goes by."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a rule counts events.

    Args:
        points: of a fresh event; may be below zero.
        half_life_days: after so many days an event counts half; None: it counts for ever.
        most: so many points at most, whether above or below zero; None: without limit.
    """

    points: int
    half_life_days: int | None = None
    most: int | None = None


def of_events(rule: Behaviour, events: Iterable[datetime], now: datetime) -> int:
    """The points of all events together, rounded once, halves away from zero.

    An event in the future counts as one of now: clocks differ.

    Args:
        rule: how they count.
        events: when each happened, with time zone.
        now: with time zone.
    """
    total = sum((_worth(rule, (now - at).total_seconds() / 86_400) for at in events), Fraction(0))
    points = int(abs(total) + Fraction(1, 2)) * (1 if total >= 0 else -1)
    return points if rule.most is None else max(-rule.most, min(rule.most, points))


def _worth(rule: Behaviour, days: float) -> Fraction:
    if rule.half_life_days is None or days <= 0:
        return Fraction(rule.points)
    return rule.points * Fraction(0.5 ** (days / rule.half_life_days))
