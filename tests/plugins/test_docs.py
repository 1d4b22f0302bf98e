"""``docs/plugin_hooks.md`` and the tests have every hook."""

import ast
import inspect
import re

import pytest

from tests.plugins.conftest import REPOSITORY
from xrm_core import api, hookspecs
from xrm_core.telemetry.plugin_calls import KINDS

PAGE = (REPOSITORY / "docs" / "plugin_hooks.md").read_text()
HOOKS = {name: value for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.PROJECT}_spec")}


def test_each_hook_is_a_heading_with_its_exact_signature_in_firing_order():
    signatures = [f"{name}({', '.join(inspect.signature(hook).parameters)})" for name, hook in HOOKS.items()]

    assert len(signatures) >= 4
    assert re.findall(r"^## `(\w+\(.*\))`$", PAGE, re.MULTILINE) == signatures


def test_each_hook_has_a_test_of_its_name():
    files = ("plugins/test_hooks.py", "events/test_listeners.py")
    tests = "".join((REPOSITORY / "tests" / each).read_text() for each in files)

    assert [name for name in HOOKS if f"def test_hook_{name}(" not in tests] == []


def test_each_hook_is_shown_by_what_is_written_for_a_new_plugin():
    skeleton = (REPOSITORY / "xrm_core/cli/plugin_skeleton/package/__init__.py.txt").read_text()

    assert [name for name in HOOKS if f"def {name}(" not in skeleton] == []


def test_each_hook_is_used_by_the_external_plugin():
    tree = ast.parse((REPOSITORY / "tests/external_plugin/xrm_fleet/__init__.py").read_text())
    functions = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)]
    used = {each.name for each in functions if any(ast.unparse(mark) == "hookimpl" for mark in each.decorator_list)}

    assert set(HOOKS) - used == set()


@pytest.mark.parametrize("place", ["tests/external_plugin/xrm_fleet", "xrm_core/cli/plugin_skeleton/package"])
def test_both_show_what_files_bring(place: str):
    files = "".join(each.read_text() for each in sorted((REPOSITORY / place).rglob("*.json*")))

    for word in ('"x-entity"', '"x-extends"', '"x-computed"', '"x-rollup"', '"x-workflow"', '"action"', '"roles"'):
        assert word in files, word


def test_each_kind_of_function_that_is_counted_is_among_the_figures():
    figures = (REPOSITORY / "docs" / "operations.md").read_text().partition("### Figures of plugins")[2]
    kinds = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", figures.partition("\n## ")[0], re.MULTILINE)

    assert tuple(re.findall(r"`(\w+)`", " ".join(kinds))) == ("kind", *KINDS)


def test_each_name_of_the_api_is_documented():
    assert [name for name in api.__all__ if f"`{name}`" not in PAGE] == []


def test_the_examples_of_the_page_are_python():
    examples = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)

    assert len(examples) >= 4
    for example in examples:
        compile(example, "plugin_hooks.md", "exec")
