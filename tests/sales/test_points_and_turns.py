"""Points of a lead, and whose turn it is."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from xrm_sales.leads.points import Behaviour, of_events
from xrm_sales.leads.turns import Seller, in_turn, least_loaded

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def days(*ago: float) -> list[datetime]:
    return [NOW - timedelta(days=each) for each in ago]


def test_an_event_counts_half_after_its_half_life():
    rule = Behaviour(points=10, half_life_days=30)

    assert of_events(rule, days(0), NOW) == 10
    assert of_events(rule, days(30), NOW) == 5
    assert of_events(rule, days(60), NOW) == 3  # 2.5
    assert of_events(rule, days(60, 60), NOW) == 5  # rounded once, not each
    assert of_events(rule, days(3650), NOW) == 0
    assert of_events(Behaviour(points=-10, half_life_days=30), days(60), NOW) == -3
    assert of_events(Behaviour(points=10), days(3650), NOW) == 10


@given(
    st.builds(Behaviour, st.integers(-100, 100), st.none() | st.integers(1, 365), st.none() | st.integers(1, 300)),
    st.lists(st.floats(0, 2000), max_size=20),
    st.floats(0, 500),
)
def test_points_stay_in_their_limit_and_only_fade(rule: Behaviour, ago: list[float], later: float):
    points = of_events(rule, days(*ago), NOW)

    assert abs(points) <= abs(rule.points) * len(ago)
    assert rule.most is None or abs(points) <= rule.most
    assert abs(of_events(rule, days(*ago), NOW + timedelta(days=later))) <= abs(points)


def test_the_turn_goes_on_where_it_was_also_after_somebody_has_left():
    sellers = [Seller("a"), Seller("b"), Seller("d")]

    assert [in_turn(sellers, last) for last in (None, "a", "c", "d")] == [
        sellers[0],
        sellers[1],
        sellers[2],
        sellers[0],
    ]


def test_nobody_gets_more_than_they_can():
    full = Seller("a", open=3, capacity=3)

    assert in_turn([full, Seller("b", open=9, capacity=10)], None) == Seller("b", open=9, capacity=10)
    assert in_turn([full], None) is None
    assert least_loaded([full]) is None


@given(st.integers(1, 6), st.integers(0, 60))
def test_in_turn_all_get_equally_many(people: int, leads: int):
    sellers = [Seller(str(number)) for number in range(people)]
    last, given_to = None, Counter[str]()
    for _ in range(leads):
        chosen = in_turn(sellers, last)
        assert chosen is not None
        last = chosen.id
        given_to[last] += 1

    counts = [given_to[seller.id] for seller in sellers]
    assert max(counts) - min(counts) <= 1


@given(st.lists(st.integers(1, 8), min_size=1, max_size=5), st.integers(0, 60))
def test_the_least_loaded_get_leads_by_their_capacity(capacities: list[int], leads: int):
    held = dict.fromkeys(range(len(capacities)), 0)
    for _ in range(leads):
        sellers = [Seller(str(each), held[each], capacity) for each, capacity in enumerate(capacities)]
        chosen = least_loaded(sellers)
        if chosen is None:
            break
        held[int(chosen.id)] += 1

    assert sum(held.values()) == min(leads, sum(capacities))
    loads = [Fraction(held[each], capacity) for each, capacity in enumerate(capacities)]
    assert max(loads) - min(loads) <= Fraction(1, min(capacities))
