"""A plugin that was just written somewhere: its modules, and its own tests, run in this process."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from xrm_core.testing import Setup, Xrm


def modules(folder: Path, patch: pytest.MonkeyPatch) -> tuple[ModuleType, ModuleType, ModuleType]:
    """The plugin, the ``conftest.py`` of its tests, and its tests."""
    [package], [tests] = folder.glob("xrm_*/__init__.py"), folder.glob("tests/test_*.py")
    made = []
    for file in (package, folder / "tests" / "conftest.py", tests):
        spec = importlib.util.spec_from_file_location(f"xrm_written_{file.parent.name}_{file.stem}", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        patch.setitem(sys.modules, spec.name, module)  # dataclasses look there
        spec.loader.exec_module(module)
        made.append(module)
    return made[0], made[1], made[2]


def run_tests(folder: Path, patch: pytest.MonkeyPatch, xrm_with: Callable[[Setup], Xrm]) -> list[str]:
    """Run its tests, as its ``conftest.py`` sets them up but for the installation; their names."""
    plugin, conftest, tests = modules(folder, patch)
    [name] = (each.name.removeprefix("xrm_") for each in folder.glob("xrm_*"))
    setup = Setup({name: plugin}, policies=conftest.POLICIES)
    own = [each for each in vars(tests) if each.startswith("test_")]
    for each in own:
        getattr(tests, each)(xrm_with(setup))
    return own
