"""What docs/users.md and its errors say is so."""

from datetime import timedelta
from pathlib import Path

from tests.auth.kit import opened
from tests.auth.users_kit import CHANGES
from tests.docs.pages import DOCS, examples
from tests.docs.test_tokens_page import shape
from xrm_core.auth.account_changes import INVITED_FOR, RESET_WITHIN
from xrm_core.auth.attempts import Kind
from xrm_core.auth.user_changes import FRESH
from xrm_core.records.pages import MOST

PAGE = DOCS / "users.md"
TEXT = PAGE.read_text("utf-8")


def test_users_are_shown_and_invited_as_it_says(tmp_path: Path) -> None:
    shown = examples(PAGE, "account")
    assert [each.role for each in shown] == ["list", "invite"]
    with opened(f"sqlite:///{tmp_path / 'house.db'}", tmp_path) as house:
        eva = house.person()
        house.update_user(eva, {"email": "eva@example.com"})
        eva.email = "eva@example.com"
        session = house.signed_in(eva)
        for example in shown:
            answer = house.post("/graphql", {"query": example.query}, **session).json()
            assert shape(answer) == example.answer


def test_the_numbers_and_names_are_those_of_the_code() -> None:
    assert {name for name in CHANGES if f"`{name}(" not in TEXT} == set()
    assert timedelta(hours=1) == FRESH
    assert "within the last hour" in TEXT
    assert timedelta(days=7) == INVITED_FOR
    assert "the link is good for seven days" in TEXT
    assert timedelta(days=1) == RESET_WITHIN
    assert "good for a day" in TEXT
    assert f"{MOST} is the most" in TEXT
    assert Kind.LINKS.value[1:] == (100, 900)
    assert "A hundred links\na day are free" in TEXT
    assert "from a second to 15 minutes" in TEXT
