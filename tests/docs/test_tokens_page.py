"""What docs/tokens.md and docs/logs.md show of GraphQL is so."""

import re
from pathlib import Path
from typing import Any

from tests.auth.kit import opened
from tests.docs.pages import DOCS, examples
from xrm_core.auth.own_tokens import MAX_DAYS, MAX_TOKENS
from xrm_core.permissions.caller import User
from xrm_core.query.reads import Read
from xrm_core.records.read_log import write

PAGE = DOCS / "tokens.md"
RECORD = "01a2170d-fdba-726c-8456-14ba50d381ce"


def shape(value: Any) -> Any:
    """What is shown as «…» may be anything that begins so."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    return re.sub(r"(?<=xrm_).+|^[0-9a-f-]{36}$|^\d{4}-.*", "…", value) if isinstance(value, str) else value


def test_tokens_and_events_are_shown_as_they_are(tmp_path: Path) -> None:
    shown = [*examples(PAGE, "account"), *examples(DOCS / "logs.md", "account")]
    assert [each.role for each in shown] == ["create", "list", "events", "reads"]
    with opened(f"sqlite:///{tmp_path / 'house.db'}", tmp_path) as house:
        person = house.person()
        session = house.signed_in(person)
        reader = User(person.id, house.platform.authority.access(frozenset({"clerk"})))
        with house.database.begin() as connection:
            write(connection, reader, "172.16.0.9", [(Read("note", ("text",)), [RECORD])])
        for example in shown:
            answer = house.post("/graphql", {"query": example.query}, "172.16.0.1", **session).json()
            assert shape(answer) == example.answer


def test_the_numbers_are_those_of_the_code() -> None:
    text = PAGE.read_text("utf-8")
    assert f"after {MAX_DAYS} days" in text
    assert f"more than {MAX_TOKENS}" in text
