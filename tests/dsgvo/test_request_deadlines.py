"""Until when requests are answered: cases, and each day of nine years beside another way to reckon it (I21)."""

from datetime import date, timedelta

import pytest
from xrm_dsgvo.requests.deadline import Deadline, deadline_of, free_days
from xrm_dsgvo.settings import Settings

from xrm_core.testing import Xrm

ASK = "query ($on: Date!) { dsgvoRequestDeadline(receivedOn: $on) { internalDue due extendedDue } }"
DAY = timedelta(days=1)


def easter(year: int) -> date:
    """Sunday of Easter, after Gauß."""
    a, k = year % 19, year // 100
    m = 15 + (3 * k + 3) // 4 - (8 * k + 13) // 25
    d = (19 * a + m) % 30
    r = d // 29 + (d // 28 - d // 29) * (a // 11)
    og = 21 + d - r
    oe = 7 - (og - (7 - (year + year // 4 + 2 - (3 * k + 3) // 4) % 7)) % 7
    return date(year, 3, 1) + (og + oe - 1) * DAY


def free(day: date) -> bool:
    """Whether nobody works on a day anywhere in Germany."""
    fixed = {(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)}
    after_easter = (day - easter(day.year)).days
    return day.isoweekday() in (6, 7) or (day.month, day.day) in fixed or after_easter in (-2, 1, 39, 50)


def last_day(received: date, months: int) -> date:
    """By going from day to day: the last one that does not lie beyond the same date of the month that counts."""
    first = received.replace(day=1)
    for _ in range(months):
        first = (first + 31 * DAY).replace(day=1)
    day = first
    while day.day < received.day and (day + DAY).month == first.month:
        day += DAY
    return day


def rolled(day: date) -> date:
    return next(day + n * DAY for n in range(9) if not free(day + n * DAY))


@pytest.mark.invariant("I21")
def test_each_day_of_nine_years_has_the_deadline_that_another_way_gives():
    known = free_days("DE")
    day = date(2024, 1, 1)
    while day < date(2033, 1, 1):
        month = last_day(day, 1)
        assert deadline_of(day, known) == Deadline(month, rolled(month), rolled(last_day(day, 3))), day
        day += DAY


@pytest.mark.parametrize(
    ("received", "due", "extended"),
    [
        ("2026-01-31", "2026-03-02", "2026-04-30"),
        ("2026-03-05", "2026-04-07", "2026-06-05"),
        ("2026-08-31", "2026-09-30", "2026-11-30"),
        ("2026-11-25", "2026-12-28", "2027-02-25"),
    ],
)
def test_a_month_ends_with_a_working_day(received: str, due: str, extended: str):
    found = deadline_of(date.fromisoformat(received), free_days("DE"))

    assert (found.legal.isoformat(), found.extended.isoformat()) == (due, extended)


def test_holidays_are_those_of_the_part_of_the_country():
    # the sixth of January is free in Bavaria alone
    assert deadline_of(date(2025, 12, 6), free_days("DE-BY")).legal == date(2026, 1, 7)
    assert deadline_of(date(2025, 12, 6), free_days("DE")).legal == date(2026, 1, 6)
    with pytest.raises(ValueError, match="no public holidays are known of 'DE-XX'"):
        Settings(holidays="DE-XX")


def test_who_works_on_requests_asks_for_their_deadline(xrm: Xrm):
    xrm.as_role("admin").refused(ASK, "REFUSED_BY_PLUGIN", on="1999-01-01")
    assert xrm.as_role("admin").query(ASK, on="2026-01-31")["dsgvoRequestDeadline"] == {
        "internalDue": "2026-02-28",
        "due": "2026-03-02",
        "extendedDue": "2026-04-30",
    }
