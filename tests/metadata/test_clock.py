"""Times of day and durations have one form, whatever was written."""

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xrm_core.metadata.clock import (
    DURATION_PATTERN,
    MAX_SECONDS,
    TIME_PATTERN,
    duration_seconds,
    duration_text,
    time_text,
)


@given(st.integers(0, MAX_SECONDS))
def test_every_length_has_a_text_that_means_it(seconds: int) -> None:
    text = duration_text(seconds)
    assert duration_seconds(text) == seconds
    assert re.fullmatch(DURATION_PATTERN, text)


@given(*[st.integers(0, 9_999)] * 4)
def test_units_may_be_larger_than_the_next_one(days: int, hours: int, minutes: int, seconds: int) -> None:
    whole = duration_seconds(f"P{days}DT{hours}H{minutes}M{seconds}S")
    assert whole == dt.timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()


@pytest.mark.parametrize(("text", "seconds"), [("P2W", 1_209_600), ("P0D", 0), ("PT0S", 0), ("PT1H1S", 3_601)])
def test_forms_of_durations(text: str, seconds: int) -> None:
    assert duration_seconds(text) == seconds


WRONG = [
    "",
    "P",
    "PT",
    "P1DT",
    "1H",
    "P1Y",
    "P1M",
    "P1W1D",
    "PT1.5H",
    "-P1D",
    "P-1D",
    "pt1h",
    "PT1S1H",
    "P1D\n",
    "PT１H",
]


@pytest.mark.parametrize("text", [*WRONG, f"PT{MAX_SECONDS + 1}S", f"P{'9' * 5000}D", 5, None])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match=r"not a duration|longer"):
        duration_seconds(text)


@given(st.times())
def test_every_time_has_one_text_that_sorts_like_it(time: dt.time) -> None:
    text = time_text(time)
    assert dt.time.fromisoformat(text) == time.replace(fold=0)
    assert re.fullmatch(TIME_PATTERN, text)
    assert (text < "12:00:00") == (time < dt.time(12))


@pytest.mark.parametrize("text", ["24:00", "8:30", "08:60", "08:30:60", "08:30Z", "08:30:00.", "08:30:00.1234567", 8])
def test_what_is_no_time(text: object) -> None:
    with pytest.raises(ValueError, match="not a time"):
        time_text(text)
