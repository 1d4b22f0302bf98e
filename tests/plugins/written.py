"""A plugin that was just written somewhere: its modules, and its own tests, run in this process."""

import functools
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

from xrm_core.testing import Setup
from xrm_core.testing.prepared import Prepared


@dataclass(frozen=True)
class Ran:
    """Names of the tests that were run, and of the plugin's functions that they did not call."""

    tests: list[str]
    uncalled: set[str]


def loaded(name: str, file: Path, patch: pytest.MonkeyPatch) -> ModuleType:
    """A module of that name, as long as the test runs."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    patch.setitem(sys.modules, spec.name, module)  # dataclasses look there, and so do its tests
    spec.loader.exec_module(module)
    return module


def plugin_in(folder: Path, patch: pytest.MonkeyPatch) -> ModuleType:
    """The plugin."""
    [package] = folder.glob("xrm_*/__init__.py")
    return loaded(package.parent.name, package, patch)


def run_tests(
    folder: Path, patch: pytest.MonkeyPatch, prepare: Callable[[Setup], Prepared], more: Mapping[str, Any] | None = None
) -> Ran:
    """Run its tests, as its ``conftest.py`` sets them up but for the installation.

    Args:
        folder: of the distribution.
        patch: takes back what is made for them.
        prepare: the fixture ``xrm_setups``.
        more: fixtures of theirs, by name.
    """
    plugin = plugin_in(folder, patch)
    uncalled = _watched(plugin)
    conftest = loaded("xrm_written_conftest", folder / "tests" / "conftest.py", patch)
    prepared = prepare(Setup({plugin.__name__.removeprefix("xrm_"): plugin}, policies=conftest.POLICIES))
    done = []
    for file in sorted(folder.glob("tests/test_*.py")):
        module = loaded(f"xrm_written_{file.stem}", file, patch)
        for name, test in [each for each in vars(module).items() if each[0].startswith("test_")]:
            place = folder.with_name(f"{folder.name}-{name}")
            place.mkdir()
            with prepared.app("sqlite", place) as xrm:
                given = {"xrm": xrm, **(more or {})}
                test(**{each: given[each] for each in inspect.signature(test).parameters})
            done.append(name)
    return Ran(done, uncalled)


def _watched(plugin: ModuleType) -> set[str]:
    """The names of the functions of a plugin, less those that are called from now on."""
    left: set[str] = set()

    def watch(function: FunctionType) -> Callable[..., Any]:
        @functools.wraps(function)
        def called(*arguments: Any, **named: Any) -> Any:
            left.discard(function.__name__)
            return function(*arguments, **named)

        return called

    for name, value in list(vars(plugin).items()):
        if inspect.isfunction(value) and value.__module__ == plugin.__name__:
            left.add(name)
            setattr(plugin, name, watch(value))
    return left
