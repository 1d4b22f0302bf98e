"""The form of a sealed value."""

import secrets

from hypothesis import given
from hypothesis import strategies as st

from xrm_core.sealed.envelope import Place, decrypted, encrypted

PLACE = Place("d", "contact", "018f0000-0000-7000-8000-000000000001", "faith")


@given(st.text(max_size=100))
def test_what_was_sealed_opens_as_it_was(text: str) -> None:
    # Given any text
    key = secrets.token_bytes(32)
    # When it is sealed and opened
    # Then it is the same
    assert decrypted(key, encrypted("k", key, text, PLACE), PLACE) == text


def test_its_length_does_not_say_which_of_a_few_choices_it_is() -> None:
    # Given choices of different lengths, also none
    key = secrets.token_bytes(32)
    # When they are sealed
    sizes = {len(encrypted("k", key, each, PLACE)) for each in ("", "no", "yes", "evangelisch-lutherisch", "x" * 31)}
    # Then all are of one length
    assert len(sizes) == 1
