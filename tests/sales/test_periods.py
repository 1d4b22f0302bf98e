"""Months, quarters and years, and what is to be reached in them."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from xrm_sales.periods import Goal, beginnings, goal_in, span

KINDS = {"month": 1, "quarter": 3, "year": 12}
GOALS = st.lists(
    st.builds(
        lambda kind, month, value: Goal(kind, span(f"2026-{month:02}-15", kind).first, Decimal(value)),
        st.sampled_from(sorted(KINDS)),
        st.integers(1, 12),
        st.integers(0, 1000),
    ),
    max_size=12,
)


def months_of(kind: str, first: str) -> range:
    begin = int(first[5:7])
    return range(begin, begin + KINDS[kind])


@given(GOALS, st.sampled_from(sorted(KINDS)), st.integers(1, 12))
def test_each_month_counts_by_the_longest_goal_that_it_has_within_the_period(
    goals: list[Goal], kind: str, month: int
) -> None:
    first = span(f"2026-{month:02}-01", kind).first
    expected, told = Decimal(0), False
    for length in sorted(KINDS, key=lambda each: -KINDS[each]):
        for each in goals:
            months = months_of(each.period, each.first)
            hidden = any(
                KINDS[other.period] > KINDS[each.period]
                and KINDS[other.period] <= KINDS[kind]
                and set(months) <= set(months_of(other.period, other.first))
                for other in goals
            )
            if each.period == length and set(months) <= set(months_of(kind, first)) and not hidden:
                expected, told = expected + each.value, True

    assert goal_in(goals, kind, first) == (expected if told else None)


@given(st.dates(date(1, 1, 1), date(9999, 12, 31)), st.sampled_from(sorted(KINDS)))
def test_periods_follow_each_other_and_each_day_is_in_one(day: date, kind: str) -> None:
    found = span(day.isoformat(), kind)

    assert found.first <= day.isoformat() <= found.last
    assert found.first.endswith("-01")
    if found.last < "9999-12-31":
        after = (date.fromisoformat(found.last) + timedelta(days=1)).isoformat()
        assert beginnings(day.isoformat(), after, kind) == [found.first, after]
