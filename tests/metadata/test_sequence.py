"""Formats of sequence numbers: what they mean, and which are refused."""

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xrm_core.errors import SchemaFilesInvalid
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Field
from xrm_core.metadata.sequence import MAX_COUNTER, MAX_LENGTH, Sequence, mistakes
from xrm_core.metadata.snapshot import from_snapshot, to_snapshot


def _load(sequence: object, **more: object) -> Field:
    field = {"type": "string", "x-sequence": sequence, **more}
    text = {"x-entity": "offer", "type": "object", "properties": {"number": field, "name": {"type": "string"}}}
    model = load_texts([("offer.json", json.dumps(text), "core")])
    assert from_snapshot(to_snapshot(model)) == model
    return model["offer"]["number"]


def test_a_sequence_makes_a_required_unique_text_that_callers_do_not_set() -> None:
    field = _load({"format": "ANG-{YYYY}-{0000}", "gapless": True, "start": 100, "zone": "Europe/Berlin"})
    assert field.sequence == Sequence("ANG-{YYYY}-{0000}", gapless=True, start=100, zone="Europe/Berlin")
    assert (field.required, field.unique, field.writable, field.max_length) == (True, True, False, MAX_LENGTH)


@pytest.mark.parametrize(
    ("format_", "created_at", "number", "period", "text"),
    [
        ("ANG-{YYYY}-{0000}", "2026-11-25T10:00:00+00:00", 7, "2026", "ANG-2026-0007"),
        ("{YY}{MM}{DD}/{00}", "2026-01-02T10:00:00+00:00", 123, "26-01-02", "260102/123"),
        ("{000000}", "2026-01-02T10:00:00+00:00", 1, "", "000001"),
        ("{0} of {YYYY}{MM}", "2026-01-02T10:00:00+00:00", 12, "2026-01", "12 of 202601"),
        ("{0000}", "0099-01-02T10:00:00+00:00", 10**15 - 1, "", "999999999999999"),
        ("{YYYY}-{0}", "0099-01-02T10:00:00+00:00", 1, "0099", "0099-1"),
    ],
)
def test_a_number_is_written_and_read_back(format_: str, created_at: str, number: int, period: str, text: str) -> None:
    sequence = Sequence(format_)
    assert sequence.text(created_at, number) == text
    assert sequence.period(created_at) == period
    assert sequence.read(text) == (period, number)
    assert text.startswith(sequence.start_of(period))


def test_the_zone_says_which_year_it_is() -> None:
    moment = "2026-12-31T23:30:00+00:00"
    assert Sequence("{YYYY}-{0}").text(moment, 1) == "2026-1"
    assert Sequence("{YYYY}-{0}", zone="Europe/Berlin").text(moment, 1) == "2027-1"


@pytest.mark.parametrize("text", ["ANG-2026-007", "ANG-2026-00007", "ang-2026-0007", "ANG-2026-0007 ", "", "A-26-0007"])
def test_what_the_sequence_never_writes_is_not_read(text: str) -> None:
    assert Sequence("ANG-{YYYY}-{0000}").read(text) is None
    assert Sequence("{0}").read(str(MAX_COUNTER + 1)) is None


@given(
    st.lists(st.sampled_from(["{YYYY}", "{MM}", "{DD}", "A", "1", "-", "2.", "/"]), max_size=6),
    st.integers(0, 6),
    st.integers(1, 12),
    st.integers(0, MAX_COUNTER),
    st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30), timezones=st.just(dt.UTC)),
)
def test_every_number_can_be_read_back(
    parts: list[str], place: int, width: int, number: int, moment: dt.datetime
) -> None:
    parts.insert(place, "{" + "0" * width + "}")
    sequence = Sequence("".join(parts))
    if not list(mistakes(sequence.format)):
        text = sequence.text(moment, number)
        assert sequence.read(text) == (sequence.period(moment), number)
        assert text.startswith(sequence.start_of(sequence.period(moment)))
        assert len(text) <= MAX_LENGTH


@pytest.mark.parametrize(
    ("sequence", "pointer", "reason"),
    [
        ({}, "", '"format" is missing'),
        ("{0000}", "", "should be an object"),
        ({"format": ""}, "/format", "too short"),
        ({"format": "A"}, "/format", "one counter, not 0"),
        ({"format": "{0}{00}"}, "/format", "one counter, not 2"),
        ({"format": "{0000000000000}"}, "/format", "not a placeholder"),
        ({"format": "{0}-{yyyy}"}, "/format", '"{yyyy}" is not a placeholder'),
        ({"format": "{0}-{YYYY"}, "/format", 'The character "{"'),
        ({"format": "{0}'--"}, "/format", 'The character "\'"'),
        ({"format": "№{0}"}, "/format", 'The character "№"'),
        ({"format": "{0}\n"}, "/format", "cannot stand in a format"),
        ({"format": "{MM}{0}"}, "/format", "without a year"),
        ({"format": "{YYYY}{DD}{0}"}, "/format", "without {MM}"),
        ({"format": "{0}" + "x" * 58}, "/format", "too long"),
        ({"format": 7}, "/format", "should be text"),
        ({"format": "{0}", "start": -1}, "/start", "too small"),
        ({"format": "{0}", "start": 1.5}, "/start", "whole number"),
        ({"format": "{0}", "gapless": "yes"}, "/gapless", "true or false"),
        ({"format": "{0}", "zone": "Atlantis"}, "/zone", "not the name of a time zone"),
        ({"format": "{0}", "zone": "../../etc/passwd"}, "/zone", "not the name of a time zone"),
        ({"format": "{0}", "zone": ""}, "/zone", "not the name of a time zone"),
        ({"format": "{0}", "restart": "year"}, "/restart", 'Unknown keyword "restart"'),
    ],
)
def test_a_wrong_sequence_is_refused_at_its_place(sequence: object, pointer: str, reason: str) -> None:
    with pytest.raises(SchemaFilesInvalid) as caught:
        _load(sequence)
    [problem] = caught.value.problems
    assert problem.pointer == f"/properties/number/x-sequence{pointer}"
    assert reason in problem.reason
    assert problem.remedy


@pytest.mark.parametrize("word", ["default", "x-unique", "maxLength", "pattern", "format", "enum"])
def test_words_of_other_texts_do_not_go_with_a_sequence(word: str) -> None:
    with pytest.raises(SchemaFilesInvalid) as caught:
        _load({"format": "{0}"}, **{word: "x"})
    assert [problem.pointer for problem in caught.value.problems] == [f"/properties/number/{word}"]
