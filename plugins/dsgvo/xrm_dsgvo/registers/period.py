"""Periods as ISO 8601 writes them, of years, months and days: ``P8Y``, ``P6M``, ``P14D``."""

import re
from dataclasses import dataclass

_FORM = re.compile(r"P(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,5})D)?")


@dataclass(frozen=True, slots=True)
class Period:
    """So many months and days."""

    months: int = 0
    days: int = 0

    @property
    def about_days(self) -> int:
        """How long it is, near enough to say which of two is longer."""
        return self.months * 365 // 12 + self.days


def period(text: str) -> Period:
    """What a text says. Raises ValueError if it is none, or of no length."""
    match = _FORM.fullmatch(text)
    years, months, days = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    if not years + months + days:
        raise ValueError(f"{text!r} is no period such as P8Y, P6M or P14D")
    return Period(12 * years + months, days)
