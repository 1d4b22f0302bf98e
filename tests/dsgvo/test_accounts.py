"""Account numbers in texts, however they are written."""

import pytest
from xrm_dsgvo.access.others import Others
from xrm_dsgvo.accounts import accounts_in
from xrm_dsgvo.erasure.values import blackened

IBAN = "DE89370400440532013000"
OTHER = "GB82WEST12345698765432"


@pytest.mark.parametrize(
    ("text", "accounts"),
    [
        (f"Konto {IBAN}.", [IBAN]),
        ("konto de89 3704 0044 0532 0130 00 und so weiter", ["de89 3704 0044 0532 0130 00"]),
        ("DE89 3704 0044 0532 0130 00 UND SO WEITER", ["DE89 3704 0044 0532 0130 00"]),
        (
            "gb82 west 1234 5698 7654 32, de89-3704-0044-0532-0130-00",
            ["gb82 west 1234 5698 7654 32", "de89-3704-0044-0532-0130-00"],
        ),
        # mistyped, and so without right check digits
        (
            "DE89 3704 0044 0532 0130 01, de89370400440532013001",
            ["DE89 3704 0044 0532 0130 01", "de89370400440532013001"],
        ),
        ("um12 uhr kam sie mit dem auto und ging um13 uhr", []),
        (f"x{IBAN}", []),
    ],
)
def test_they_are_found_and_nothing_of_the_sentence_with_them(text: str, accounts: list[str]) -> None:
    assert [text[start:end] for start, end in accounts_in(text)] == accounts


def test_of_an_answer_those_of_others_go_black_and_their_own_stay() -> None:
    others = Others(frozenset(), own=frozenset({IBAN}))

    text = f"Von {IBAN.lower()} (de89-3704-0044-0532-0130-00) an {OTHER.lower()} und gb82 west 1234 5698 7654 32 heute"

    assert others.black(text) == f"Von {IBAN.lower()} (de89-3704-0044-0532-0130-00) an ███ und ███ heute"


def test_of_a_text_that_stays_that_of_whom_is_erased_goes_however_it_is_parted() -> None:
    text = "Von de89370400440532013000, DE89 3704 0044 0532 0130 00 und de89-3704-0044-0532-0130-00 an die Kasse"

    for needle in (IBAN, "DE89 3704 0044 0532 0130 00"):
        assert blackened(text, {needle}) == "Von ███, ███ und ███ an die Kasse"
