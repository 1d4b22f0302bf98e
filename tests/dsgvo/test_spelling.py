"""A person is found in a text however they are spelt there: for what goes black in answers, and for what is found."""

import unicodedata
from collections.abc import Callable
from html.entities import codepoint2name

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xrm_dsgvo.access.others import Others
from xrm_dsgvo.spelling import names, spans_of

_SPELLED = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}
WRITTEN: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    str.casefold,
    lambda text: "".join(_SPELLED.get(each, each) for each in text),
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: "".join(f"&{codepoint2name[ord(c)]};" if ord(c) in codepoint2name else c for c in text),
    lambda text: text.replace(" ", "\n "),
    lambda text: text.replace(" ", "\u00a0"),
    lambda text: text.replace(" ", " - "),
    lambda text: "\u00ad".join(text),
    lambda text: "\u200b".join(text),
    lambda text: "".join(f"&#{ord(each)};" for each in text),
)
LETTERS = st.text("abcdefghijklmnopqrstuvwxyzäöüßéAÖÜ", min_size=3, max_size=9)


@given(first=LETTERS, last=LETTERS, way=st.sampled_from(WRITTEN), also=st.sampled_from(WRITTEN[:4]))
def test_a_name_goes_black_in_whatever_spelling(
    first: str, last: str, way: Callable[[str], str], also: Callable[[str], str]
) -> None:
    name = f"{first} {last}"
    text = f"1 {way(also(name))} 2"

    assert Others(frozenset({name})).black(text) == "1 ███ 2"
    assert names(text, {name})


@pytest.mark.parametrize("text", ["Muller", "MUELLER", "Müller", "Mu\u0308ller", "M&uuml;ller", "mu\u00adel\u00adler"])
@pytest.mark.parametrize("name", ["Müller", "Mueller"])
def test_umlauts_are_those_of_either_way(name: str, text: str) -> None:
    found = spans_of(f"Frau {text}, ja", {name})

    assert found == ([(5, 5 + len(text))] if (name, text) != ("Mueller", "Muller") else [])


@pytest.mark.parametrize(
    "written",
    ["+49 (0)30 123 456-78", "0049 30/12345678", "(030) 12.34.56.78", "030\u2013123\u00a0456 78", "03012345678"],
)
def test_phone_numbers_are_found_whatever_stands_between(written: str) -> None:
    [(start, end)] = spans_of(f"Tel. {written}!", {"+493012345678"})

    assert f"Tel. {written}!"[start:end] == written.removeprefix("(")


@pytest.mark.parametrize(
    "written",
    [
        "bo@strange.example",
        "Bo (at) strange.example",
        "bo[at]strange(punkt)example",
        "bo&#64;strange.example",
        "bo%40strange.example",
    ],
)
def test_addresses_of_others_go_and_their_own_stay(written: str) -> None:
    others = Others(frozenset(), own=frozenset({"ada@own.example"}))

    assert others.black(f"An {written} und Ada (at) own.example.") == "An ███ und Ada (at) own.example."


def test_what_is_longer_goes_as_one_and_what_is_short_stays() -> None:
    assert Others(frozenset({"Ada Weiß", "Ada", "Al"})).black("Ada Weiss, Ada, Al") == "███, ███, Al"
