"""What docs/scim.md says is so."""

import json
import re
from pathlib import Path

from tests.auth.kit import opened
from tests.auth.scim_kit import Directory, service_token
from tests.docs.pages import DOCS, marked
from xrm_core.auth.scim import dialects, groups, resources, searching

PAGE = DOCS / "scim.md"


def test_the_request_that_is_shown_deactivates_a_user(tmp_path: Path) -> None:
    [block] = marked(PAGE, "scim")
    with opened(f"sqlite:///{tmp_path / 'house.db'}", tmp_path) as house:
        directory = Directory(house, service_token(house))
        made = directory.user("eva@example.com")
        assert directory.ask("PATCH", f"/Users/{made['id']}", json.loads(block.text)).status_code == 204
        assert directory.get("Users", made["id"])["active"] is False


def test_the_limits_are_those_that_are_told() -> None:
    text = re.sub(r"\s+", " ", PAGE.read_text("utf-8"))
    assert f"{groups.MAX_MEMBERS:,} members at most".replace(",", " ") in text
    assert f"more than {groups.MAX_MEMBERS:,} members of groups".replace(",", " ") in text
    assert f"Bulk ({resources.MAX_OPERATIONS} operations" in text
    assert f"`count` ({resources.MAX_RESULTS} at most)" in text
    assert f"at most {dialects.MAX_PATH} characters and ten levels" in text
    assert dialects.MAX_NESTING == 10
    assert f"look at {searching.MAX_LOOKED_AT:,} users at most".replace(",", " ") in text
