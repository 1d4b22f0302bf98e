"""Ticks of cron expressions, also on the days on which clocks are changed."""

import datetime as dt

import pytest

from xrm_core.jobs.cron import CronInvalid, check, last_tick, next_tick

BERLIN = "Europe/Berlin"


def ticks(cron: str, zone: str, after: str, count: int) -> list[str]:
    moment, found = dt.datetime.fromisoformat(after), []
    for _ in range(count):
        moment = next_tick(cron, zone, moment)
        assert moment.tzinfo is dt.UTC
        found.append(moment.isoformat()[:16])
    return found


def test_a_time_is_that_of_its_zone() -> None:
    assert ticks("30 2 * * *", "UTC", "2026-01-01T00:00+00:00", 2) == ["2026-01-01T02:30", "2026-01-02T02:30"]
    assert ticks("30 2 * * *", BERLIN, "2026-01-01T00:00+00:00", 1) == ["2026-01-01T01:30"]
    assert ticks("30 2 * * *", BERLIN, "2026-07-01T00:00+00:00", 1) == ["2026-07-01T00:30"]
    assert ticks("0 9 29 2 *", "UTC", "2026-01-01T00:00+00:00", 2) == ["2028-02-29T09:00", "2032-02-29T09:00"]
    assert ticks("0 9 * * MON-FRI", "UTC", "2026-11-27T10:00+00:00", 1) == ["2026-11-30T09:00"]


def test_a_tick_is_after_the_moment_not_at_it() -> None:
    assert ticks("0 9 * * *", "UTC", "2026-01-01T09:00+00:00", 1) == ["2026-01-02T09:00"]
    assert ticks("0 9 * * *", "UTC", "2026-01-01T08:59:59.999+00:00", 1) == ["2026-01-01T09:00"]


def test_what_falls_into_the_hour_that_summer_time_skips_is_done_once_after_it() -> None:
    # on 2026-03-29 clocks go from 02:00 (01:00 UTC) to 03:00
    before = "2026-03-28T12:00+00:00"
    assert ticks("30 2 * * *", BERLIN, before, 2) == ["2026-03-29T01:00", "2026-03-30T00:30"]
    assert ticks("0,20,40 2,3 * * *", BERLIN, before, 4) == [f"2026-03-29T01:{m}" for m in ("00", "20", "40")] + [
        "2026-03-30T00:00"
    ]
    assert ticks("0 * * * *", BERLIN, "2026-03-29T00:30+00:00", 2) == ["2026-03-29T01:00", "2026-03-29T02:00"]


def test_what_falls_into_the_hour_that_comes_twice_is_done_once() -> None:
    # on 2026-10-25 clocks go from 03:00 (01:00 UTC) back to 02:00
    assert ticks("30 2 * * *", BERLIN, "2026-10-24T12:00+00:00", 2) == ["2026-10-25T00:30", "2026-10-26T01:30"]
    # also for whoever asks in the second of the two hours
    assert ticks("30 2 * * *", BERLIN, "2026-10-25T01:10+00:00", 1) == ["2026-10-26T01:30"]
    assert ticks("0 * * * *", BERLIN, "2026-10-24T23:30+00:00", 3) == [f"2026-10-25T0{hour}:00" for hour in range(3)]


@pytest.mark.parametrize("zone", [BERLIN, "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"])
@pytest.mark.parametrize("cron", ["30 2 * * *", "*/7 * * * *", "0,30 1-3 * * *", "15 */2 * * *", "59 23 L * *"])
def test_ticks_go_forward_through_a_whole_year(cron: str, zone: str) -> None:
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    for _ in range(400):
        found = next_tick(cron, zone, moment)
        assert found > moment
        moment = found + dt.timedelta(hours=20)


def test_the_last_tick_of_a_time_without_workers() -> None:
    first = dt.datetime(2026, 1, 1, 9, tzinfo=dt.UTC)
    day = dt.timedelta(days=1)
    assert last_tick("0 9 * * *", "UTC", first, first) == first
    assert last_tick("0 9 * * *", "UTC", first, first + 3.5 * day) == first + 3 * day
    # a year of minutes is not gone through one by one
    assert last_tick("* * * * *", "UTC", first, first + 365 * day) == first + 365 * day


@pytest.mark.parametrize("cron", ["*/7 * * * *", "30 2 * * *", "10 2 * * MON", "0 9 31 * *", "0 0 29 2 *"])
@pytest.mark.parametrize("until", ["2028-03-27T03:30+02:00", "2026-10-25T02:30+01:00", "2026-01-01T09:00+01:00"])
def test_the_last_tick_is_the_one_after_which_none_comes_in_time(cron: str, until: str) -> None:
    first = next_tick(cron, BERLIN, dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
    end = dt.datetime.fromisoformat(until)

    found = last_tick(cron, BERLIN, first, end)

    assert first <= found <= end < next_tick(cron, BERLIN, found)


@pytest.mark.parametrize(
    ("cron", "zone"),
    [
        *((cron, "UTC") for cron in ("", "* * * *", "* * * * * *", "60 * * * *", "0 0 31 2 *", "a b c d e", "@daily")),
        *((cron, "UTC") for cron in ("0 0 1 * 1#2/3", "0 0 1 * 9#1", "0 0 -1 * *", "*/0 * * * *")),
        *(("0 0 * * *", zone) for zone in ("Europe/Nowhere", "../etc/passwd", "", "/etc/localtime")),
    ],
)
def test_what_is_no_time_is_refused(cron: str, zone: str) -> None:
    with pytest.raises(CronInvalid):
        check(cron, zone)
