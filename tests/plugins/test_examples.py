"""The examples of ``docs/plugin_hooks.md`` and ``hookspecs.py`` load as plugins, and what they register can be used."""

import re
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.plugins.test_docs import HOOKS, PAGE
from tests.plugins.test_raising_at_the_start import ASKED_BY as AT_THE_START
from xrm_core.hookspecs import PROJECT
from xrm_core.jobs.registry import JobHandler, registry
from xrm_core.plugins import InstalledPlugin, Plugins

ON_THE_PAGE = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
IN_CONTRACTS = [textwrap.dedent(hook.__doc__.partition("Example::\n")[2]) for hook in HOOKS.values()]
BEFORE = """
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from xrm_core.api import *
"""
"""What an example that is only a part takes from those before it."""

OTHERS = [InstalledPlugin("sales", ModuleType("xrm_other"), "xrm-sales", "1.2")]
JOB = JobHandler("fleet.inspect", lambda _job, _payload: None)
ASKED_BY: Mapping[str, Callable[[Plugins], Any]] = {
    **AT_THE_START,
    "register_schedules": lambda found: registry(found, "UTC", [JOB]),
}


def _index(*_asked: object) -> int:
    """Stands for what a plugin has of its own."""
    return 0


OWN_MODULES = {"xrm_fleet": ModuleType("xrm_fleet"), "xrm_fleet.index": ModuleType("xrm_fleet.index")}
OWN_MODULES["xrm_fleet"].index = OWN_MODULES["xrm_fleet.index"]  # type: ignore[attr-defined]
for each in ("index", "of", "remove", "export", "hide", "show", "verify"):
    setattr(OWN_MODULES["xrm_fleet.index"], each, _index)

FOLDERS = ("schemas", "workflows", "permissions", "locale/de")


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Makes a module of an example, which lies beside the folders of a plugin."""
    for folder in FOLDERS:
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "locale" / "de" / "fleet.po").write_text('msgid ""\nmsgstr "Language: de\\n"\n')
    (tmp_path / "permissions" / "roles.json").write_text('{"roles": {}}')

    def load(code: str) -> ModuleType:
        module = ModuleType("xrm_example")
        module.__file__ = str(tmp_path / "__init__.py")
        monkeypatch.setitem(sys.modules, module.__name__, module)  # dataclasses look there
        for name, part in OWN_MODULES.items():
            monkeypatch.setitem(sys.modules, name, part)
        exec(compile(f"{BEFORE}{code}", module.__file__, "exec"), module.__dict__)
        return module

    return load


NAMES = ["page, " + re.findall(r"def (\w+)", each)[-1] for each in ON_THE_PAGE]


@pytest.mark.parametrize("code", ON_THE_PAGE + IN_CONTRACTS, ids=[*NAMES, *HOOKS])
def test_an_example_is_a_plugin_that_loads(code: str, loaded: Callable[[str], ModuleType]) -> None:
    module = loaded(code)

    plugins = Plugins([InstalledPlugin("fleet", module), *OTHERS], environment={"XRM_FLEET_API_KEY": "x"})

    marked = [name for name, value in vars(module).items() if hasattr(value, f"{PROJECT}_impl")]
    for name in marked:
        if name in ASKED_BY:
            ASKED_BY[name](plugins)
    assert set(marked) <= set(HOOKS)


@pytest.mark.parametrize("examples", [ON_THE_PAGE, IN_CONTRACTS], ids=["on the page", "in contracts"])
def test_each_hook_has_an_example(examples: list[str]) -> None:
    shown = {name for code in examples for name in re.findall(r"^def (\w+)", code, re.MULTILINE)}

    assert set(HOOKS) - shown == set()
