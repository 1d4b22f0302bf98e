"""The pages for plugin authors say what there is."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, marked
from tests.plugins.written import run_tests
from xrm_core import testing
from xrm_core.server.plugin_check import check_plugin
from xrm_core.server.plugin_check.findings import CHECKS
from xrm_core.settings import load_settings
from xrm_core.testing import Client, Setup, Xrm
from xrm_core.testing.prepared import Prepared

TESTING = (DOCS / "plugins" / "testing.md").read_text("utf-8")
CREATE = DOCS / "plugins" / "create.md"
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


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """What the page about creating one makes, step by step."""
    for block in marked(CREATE, "plugin"):
        (tmp_path / block.label).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / block.label).write_text(block.text)
    return tmp_path


def test_the_plugin_of_the_page_is_right(made: Path):
    [block] = marked(CREATE, "plugin_check")

    report = check_plugin(load_settings(schemas="core"), str(made))

    assert report.to_text() + "\n" == block.following[0]


def test_the_plugin_of_the_page_passes_its_tests(
    made: Path, monkeypatch: pytest.MonkeyPatch, xrm_setups: Callable[[Setup], Prepared]
):
    assert len(run_tests(made, monkeypatch, xrm_setups).tests) == 3


def test_every_hook_is_in_the_reference_that_the_page_names():
    assert "(../plugin_hooks.md)" in CREATE.read_text("utf-8")
    for name in ("create.md", "testing.md", "quality.md"):
        assert f"(plugins/{name})" in (DOCS / "index.md").read_text("utf-8")
