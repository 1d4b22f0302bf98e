"""When periods end: the cases of the law, and what holds of all days."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xrm_dsgvo.registers import RetentionClass, registers_of
from xrm_dsgvo.registers.period import period
from xrm_dsgvo.retention.deadline import Suspension, end_of

CLASSES = registers_of().retention_classes
DAYS = st.dates(date(1990, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("class_", "start", "end"),
    [
        ("LK-8J-BUCHUNGSBELEG", date(2017, 3, 14), date(2025, 12, 31)),
        ("LK-6J-HANDELSBRIEF", date(2020, 1, 2), date(2026, 12, 31)),
        ("LK-6J-HANDELSBRIEF", date(2020, 12, 31), date(2026, 12, 31)),
        ("LK-6M-VORGANG", date(2026, 8, 31), date(2027, 2, 28)),
        ("LK-2J-VORGANG", date(2024, 2, 29), date(2026, 2, 28)),
        ("LK-14T-DOI", date(2026, 12, 20), date(2027, 1, 3)),
    ],
)
def test_periods_end_as_the_law_counts(class_: str, start: date, end: date):
    assert end_of(CLASSES[class_], start) == end


def test_a_line_of_business_has_longer_ones():
    finance = registers_of((), "finance").retention_classes["LK-8J-BUCHUNGSBELEG"]

    assert end_of(finance, date(2017, 3, 14)) == date(2027, 12, 31)


def test_what_suspends_it_ends_it_later_or_leaves_it_open():
    class_, start = CLASSES["LK-8J-BUCHUNGSBELEG"], date(2017, 3, 14)

    assert end_of(class_, start, [Suspension(date(2024, 1, 1))]) == date(2025, 12, 31)
    assert end_of(class_, start, [Suspension(date(2026, 6, 30))]) == date(2026, 6, 30)
    assert end_of(class_, start, [Suspension(date(2026, 6, 30)), Suspension()]) is None


def test_a_period_beyond_the_calendar_has_no_end():
    assert end_of(RetentionClass("long", period=period("P999Y")), date(9990, 1, 1)) == date.max


@given(st.sampled_from(sorted(CLASSES)), DAYS, DAYS)
def test_who_begins_later_never_ends_earlier_and_nothing_ends_before_it_began(name: str, one: date, other: date):
    class_, (first, last) = CLASSES[name], sorted((one, other))
    end, later = end_of(class_, first), end_of(class_, last)

    assert end is not None
    assert later is not None
    assert first < end <= later


@given(DAYS)
def test_years_to_the_end_of_the_year_end_with_one(start: date):
    end = end_of(CLASSES["LK-8J-BUCHUNGSBELEG"], start)

    assert end == date(start.year + 8, 12, 31)


@given(DAYS, st.integers(1, 40), st.integers(1, 11))
def test_months_end_on_the_same_day_or_the_last_of_a_shorter_month(start: date, years: int, months: int):
    end = end_of(RetentionClass("own", period=period(f"P{years}Y{months}M")), start)

    assert end is not None
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == years * 12 + months
    assert end.day == start.day or (end.day < start.day and (end + timedelta(days=1)).day == 1)
