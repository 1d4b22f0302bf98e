"""Totals of quotes, held against another calculation: whole fractions of cents, no Decimal at all."""

from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xrm_sales.pricing.rounding import rounded
from xrm_sales.pricing.tiers import NoTier, Tier, Tiering, amount
from xrm_sales.pricing.totals import Line, totals

MONEY = st.decimals("0", "999999.99", places=2)
PERCENT = st.decimals("0", "100", places=2)
RATES = st.sampled_from([Decimal(0), Decimal(7), Decimal(19), Decimal("8.1"), Decimal("2.6"), Decimal(20)])
CURRENCIES = {"EUR": 2, "JPY": 0, "KWD": 3}
LINES = st.lists(
    st.builds(
        Line,
        gross=st.builds(lambda quantity, price: quantity * price, st.decimals("0.001", "9999.999", places=3), MONEY),
        discount=PERCENT,
        tax_rate=RATES,
        is_optional=st.booleans(),
        cost=st.none() | MONEY,
    ),
    max_size=8,
)


def half_away(value: Fraction, digits: int) -> Fraction:
    """To whole units of the currency's smallest part, halves away from zero, in integers."""
    scaled = abs(value) * 10**digits
    return Fraction(floor(scaled + Fraction(1, 2)), 10**digits) * (1 if value >= 0 else -1)


@given(LINES, st.sampled_from(sorted(CURRENCIES)), PERCENT)
def test_totals_are_those_of_the_standard(lines: list[Line], currency: str, discount: Decimal):
    digits = CURRENCIES[currency]
    bearing: dict[Fraction, Fraction] = {}
    for line in lines:
        if not line.is_optional:
            net = half_away(Fraction(line.gross) * (1 - Fraction(line.discount) / 100), digits)
            bearing[Fraction(line.tax_rate)] = bearing.get(Fraction(line.tax_rate), Fraction(0)) + net
    off = {rate: half_away(net * Fraction(discount) / 100, digits) for rate, net in bearing.items()}
    taxes = {rate: half_away((net - off[rate]) * rate / 100, digits) for rate, net in bearing.items()}

    found = totals(lines, currency, discount)

    assert Fraction(found.lines) == sum(bearing.values())
    assert Fraction(found.discount) == sum(off.values())
    assert Fraction(found.net) == sum(bearing.values()) - sum(off.values())
    assert {Fraction(each.rate): Fraction(each.tax) for each in found.taxes} == taxes
    assert Fraction(found.gross) == Fraction(found.net) + sum(taxes.values())


@given(LINES, st.randoms())
def test_the_order_of_the_lines_changes_nothing(lines: list[Line], random):
    shuffled = list(lines)
    random.shuffle(shuffled)

    assert totals(shuffled, "EUR", Decimal(5)) == totals(lines, "EUR", Decimal(5))


@given(LINES)
def test_what_is_printed_adds_up(lines: list[Line]):
    found = totals(lines, "EUR", Decimal("12.5"))

    assert found.lines - found.discount == found.net == sum((each.taxable for each in found.taxes), Decimal(0))
    assert found.net + found.tax == found.gross
    assert all(figure == rounded(figure, "EUR") for figure in (found.lines, found.net, found.tax, found.gross))


def test_halves_are_rounded_away_from_zero_once_per_rate():
    lines = [
        Line(Decimal("0.125")),
        Line(Decimal("10.50"), tax_rate=Decimal(19)),
        Line(Decimal("10.50"), tax_rate=Decimal(19)),
    ]

    found = totals(lines, "EUR")

    assert [each.tax for each in found.taxes] == [Decimal("0.00"), Decimal("3.99")]  # by line it would be 2 × 2.00
    assert found.lines == Decimal("21.13")
    assert rounded(Decimal("-2.345"), "EUR") == Decimal("-2.35")


def test_the_margin_is_known_only_if_all_costs_are():
    known = Line(Decimal(100), discount=Decimal(10), cost=Decimal(60))

    assert totals([known], "EUR").margin == Decimal(30)
    assert totals([known], "EUR").margin_percent == Decimal("33.33")
    assert totals([known, Line(Decimal(5))], "EUR").margin is None
    assert totals([known, Line(Decimal(5), is_optional=True)], "EUR").margin == Decimal(30)
    assert totals([], "EUR").margin_percent is None


TIERS = st.dictionaries(st.integers(1, 50), MONEY, min_size=1, max_size=5).map(
    lambda found: [Tier(Decimal(begin), price) for begin, price in found.items()]
)


@given(TIERS, st.integers(1, 60))
def test_graduated_prices_are_those_of_each_unit_by_itself(tiers: list[Tier], quantity: int):
    least = min(tier.from_quantity for tier in tiers)
    if quantity < least:
        with pytest.raises(NoTier):
            amount(tiers, Decimal(quantity), Tiering.GRADUATED)
        return

    def price(unit: int) -> Decimal:
        """Of the unit with this number: tiers begin behind the quantity at which they are reached."""
        begun = [tier for tier in tiers if tier.from_quantity < unit] or [
            min(tiers, key=lambda tier: tier.from_quantity)
        ]
        return max(begun, key=lambda tier: tier.from_quantity).unit_price

    assert amount(tiers, Decimal(quantity), Tiering.GRADUATED) == sum(map(price, range(1, quantity + 1)))


@given(TIERS, st.integers(1, 60))
def test_a_volume_price_is_that_of_the_tier_reached(tiers: list[Tier], quantity: int):
    reached = [tier for tier in tiers if tier.from_quantity <= quantity]
    if not reached:
        with pytest.raises(NoTier):
            amount(tiers, Decimal(quantity))
        return

    assert amount(tiers, Decimal(quantity)) == quantity * max(reached, key=lambda tier: tier.from_quantity).unit_price
