"""The pages for plugin authors say what there is."""

import re

from tests.docs.pages import DOCS
from xrm_core import testing
from xrm_core.server.plugin_check.findings import CHECKS
from xrm_core.testing import Client, Setup, Xrm

TESTING = (DOCS / "plugins" / "testing.md").read_text("utf-8")
QUALITY = (DOCS / "plugins" / "quality.md").read_text("utf-8")


def public(kind: type) -> list[str]:
    """What it has for others."""
    named = {*vars(kind), *getattr(kind, "__dataclass_fields__", ()), *kind.__annotations__}
    return sorted(name for name in named if not name.startswith("_"))


def test_every_check_is_in_the_checklist():
    assert re.findall(r"^\| `([a-z-]+)` \|", QUALITY, re.MULTILINE) == list(CHECKS)


def test_all_that_an_app_and_a_client_can_do_is_on_the_page_about_tests():
    for name in (*public(Xrm), *public(Client)):
        assert re.search(rf"`(xrm\.)?{name}\b", TESTING), name
    for name in (each for each in public(Setup) if each not in ("installed", "folder")):
        assert f"`{name}`" in TESTING, name


def test_every_fixture_is_on_the_page_or_behind_one_that_is():
    fixtures = {name for name in testing.__all__ if name.startswith("xrm")}

    assert {name for name in fixtures if f"`{name}" in TESTING} == fixtures - {
        "xrm_database",
        "xrm_postgres",
        "xrm_setups",
    }


def test_the_examples_are_python():
    examples = re.findall(r"^```python\n(.*?)^```", TESTING, re.MULTILINE | re.DOTALL)

    assert len(examples) >= 3
    for example in examples:
        compile(example, "testing.md", "exec")
