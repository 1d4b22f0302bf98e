"""Values of computed fields as the reference has them: exact fractions, and how they go out as JSON."""

import datetime as dt
from fractions import Fraction
from typing import Any

LARGEST = 10**18 - 1


def fits(value: Fraction | None, scale: int) -> Fraction | None:
    """The number, or None if it has more than 18 digits."""
    return None if value is None or abs(value * 10**scale) > LARGEST else value


def half_away(value: Fraction, scale: int) -> Fraction:
    """Rounded to digits after the point, halves away from zero."""
    units = abs(value) * 10**scale
    whole = (units.numerator * 2 + units.denominator) // (units.denominator * 2)
    return Fraction(whole if value >= 0 else -whole, 10**scale)


def moment(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)


def ascii_case(text: str, kind: str) -> str:
    """Only A to Z have two cases here."""
    change = str.lower if kind == "lower" else str.upper
    return "".join(change(each) if each.isascii() else each for each in text)


def digits(value: Fraction, scale: int) -> str:
    """A number with all its digits after the point."""
    units = value * 10**scale
    assert units.denominator == 1, "more digits than said"
    sign, whole = ("-" if units < 0 else ""), str(abs(units.numerator)).rjust(scale + 1, "0")
    return f"{sign}{whole[: len(whole) - scale]}.{whole[len(whole) - scale :]}" if scale else f"{sign}{whole}"


def on_the_wire(kind: str, value: Any, scale: int = 0) -> Any:
    """The value of a field of a kind as JSON has it: integers, decimals with ``scale``, texts, dates, booleans."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, dt.date):
        return value.isoformat()
    rounded = half_away(value, scale)
    if kind == "integer":
        return int(rounded) if -(2**31) <= rounded < 2**31 else None
    return None if abs(rounded * 10**scale) > LARGEST else digits(rounded, scale)
