"""Drawing from a seeded source of chance: picks, amounts, moments, identifiers. No clock, no hash order."""

import datetime as dt
import math
import random
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

T = TypeVar("T")
Record = dict[str, Any]

TODAY = dt.date(2026, 6, 30)
"""The day on which the demo stands still: nothing was created later."""

NOW = dt.datetime(2026, 6, 30, 16, 0, tzinfo=dt.UTC)
_WORK_STARTS, _WORK_ENDS = 6, 15  # hours in UTC: about eight to five o'clock in central Europe
_EURO_RATES = {"EUR": 1.0, "CHF": 0.95, "GBP": 0.85, "PLN": 4.3, "SEK": 11.3, "USD": 1.1}
_CAPITALS = "ABCDEFGHJKLMNPRSTUWXYZ"


class Draw:
    """A stream of chance of its own for each kind of record, so that one kind can change without the others.

    Args:
        seed: the seed of the whole demo.
        stream: name of the stream, e.g. the entity.
    """

    def __init__(self, seed: int, stream: str) -> None:
        self._random = random.Random(f"{seed}/{stream}")  # noqa: S311 - not for secrets

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._random.random() < probability

    def pick(self, items: Sequence[T]) -> T:
        """One item, each as likely."""
        return items[int(self._random.random() * len(items))]

    def weighted(self, items: Sequence[T], weights: Sequence[float]) -> T:
        """One item, as likely as its weight says."""
        return self._random.choices(items, weights)[0]

    def many(self, items: Sequence[T], weights: Sequence[float], count: int) -> list[T]:
        """``count`` items, with repetition; quicker than so many single draws."""
        return self._random.choices(items, weights, k=count)

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """All items in random order."""
        return sorted(items, key=lambda _: self._random.random())

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self._random.random() * (high - low + 1))

    def spread(self, median: float, sigma: float) -> float:
        """A positive number around ``median``, log-normal: few are very large."""
        return median * math.exp(self._random.gauss(0, sigma))

    def fraction(self) -> float:
        """A number from 0 to below 1."""
        return self._random.random()

    def fill(self, pattern: str) -> str:
        """The pattern with its ``#``, ``N`` (2 to 8) and ``@`` (capital letter) replaced, see :mod:`.places`."""
        return re.sub("[#@]|N(?=[#N])", self._symbol, pattern)

    def _symbol(self, match: re.Match[str]) -> str:
        if match[0] == "@":
            return self.pick(_CAPITALS)
        return str(self.between(0, 9) if match[0] == "#" else self.between(2, 8))

    def moment(self, start: dt.datetime, end: dt.datetime, recent: float = 1.0) -> dt.datetime:
        """A moment of a working day, never outside of start and end; ``recent`` > 1 prefers the later ones."""
        back = self._random.random() ** recent
        found = self.working(end - (end - start) * back)
        return min(max(found, start), end)

    def working(self, moment: dt.datetime) -> dt.datetime:
        """A working hour of the same day, or of the Friday before a weekend."""
        day = moment - dt.timedelta(days=max(0, moment.weekday() - 4))
        return day.replace(
            hour=self.between(_WORK_STARTS, _WORK_ENDS),
            minute=self.between(0, 59),
            second=self.between(0, 59),
            microsecond=self.between(0, 999) * 1000,
        )

    def identifier(self, moment: dt.datetime) -> str:
        """A UUIDv7 whose time is ``moment`` (in milliseconds)."""
        bits = self._random.getrandbits(74)
        high, low = bits >> 62, bits & ((1 << 62) - 1)
        value = (milliseconds(moment) << 80) | (7 << 76) | (high << 64) | (2 << 62) | low
        text = f"{value:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def system_fields(self, created: dt.datetime, author: str, changed: float = 0.5) -> Record:
        """``id`` and who created and changed the record when; ``changed`` is the probability of a later change."""
        updated = self.moment(created, NOW) if self.chance(changed) else created
        return {
            "id": self.identifier(created),
            "created_at": instant(created),
            "created_by": author,
            "updated_at": instant(updated),
            "updated_by": author,
        }


def milliseconds(moment: dt.datetime) -> int:
    """Whole milliseconds since 1970, without a detour through floats."""
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)


def instant(moment: dt.datetime) -> str:
    """RFC 3339 text in UTC with milliseconds."""
    return moment.isoformat(timespec="milliseconds")


def parsed(text: str) -> dt.datetime:
    """The moment that :func:`instant` wrote."""
    return dt.datetime.fromisoformat(text)


def in_currency(euro: float, currency: str) -> float:
    """An amount in euro in another currency, at the demo's fixed rates."""
    return euro * _EURO_RATES[currency]


def rounded(amount: float, digits: int = 3) -> Decimal:
    """The amount with so many leading digits, as people round when they plan: 1 234 567 → 1 230 000.00."""
    if amount <= 0:
        return Decimal("0.00")
    place = max(0, math.floor(math.log10(amount)) + 1 - digits)
    return Decimal(round(amount / 10**place) * 10**place).quantize(Decimal("0.01"))


def euro(amount: Decimal) -> Record:
    """An amount of money."""
    return {"amount": amount, "currency": "EUR"}
