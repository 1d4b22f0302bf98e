"""One rule for every amount: to the digits of its currency, halves away from zero (kaufmännisch, DIN 1333)."""

from decimal import ROUND_HALF_UP, Context, Decimal

_DIGITS = {"JPY": 0, "KRW": 0, "ISK": 0, "CLP": 0, "HUF": 2, "BHD": 3, "KWD": 3, "TND": 3}
"""Minor units of ISO 4217 where they are not two."""

EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
"""Wide enough that nothing but :func:`rounded` ever rounds: factors of 18 digits each, four of them at most."""

_HUNDREDTH = Decimal("0.01")


def digits(currency: str) -> int:
    """Digits after the point of an amount in a currency (ISO 4217 code)."""
    return _DIGITS.get(currency, 2)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """The amount as it can be paid in the currency."""
    return amount.quantize(Decimal(1).scaleb(-digits(currency)), context=EXACT)


def two_digits(value: Decimal) -> Decimal:
    """A rate in per cent, or an amount of no currency, by the same rule."""
    return value.quantize(_HUNDREDTH, context=EXACT)


def product(*factors: Decimal) -> Decimal:
    """Their exact product."""
    result = Decimal(1)
    for factor in factors:
        result = EXACT.multiply(result, factor)
    return result


def share(amount: Decimal, percent: Decimal) -> Decimal:
    """``percent`` per cent of the amount, exactly."""
    return product(amount, percent).scaleb(-2, context=EXACT)
