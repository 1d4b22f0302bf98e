"""What is an id: both databases can look for it, and mean the same record."""

import pytest

from xrm_core.storage.columns import is_id

ID = "01a21e32-b621-734e-9829-05c2e3018e0a"


@pytest.mark.parametrize("text", [ID, ID.upper()])
def test_an_id_is_a_uuid_with_hyphens(text: str) -> None:
    assert is_id(text)


@pytest.mark.parametrize("text", ["", "x", f"urn:uuid:{ID}", f"{{{ID}}}", ID.replace("-", ""), f"{ID} ", None, 7])
def test_nothing_else_is_one(text: str) -> None:
    assert not is_id(text)
