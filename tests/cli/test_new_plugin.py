"""``xrm plugins new`` writes a distribution that is right as it is."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import REPOSITORY, Xrm
from tests.plain_logs import plain
from tests.plugins.written import plugin_in, run_tests
from xrm_core.api import FilesContext
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load
from xrm_core.server.plugin_check import check_plugin
from xrm_core.settings import load_settings
from xrm_core.testing import Setup
from xrm_core.testing.prepared import Prepared

NAMES = ("boats", "plugin_with_24_letters_x")


@pytest.fixture(params=NAMES)
def written(request: pytest.FixtureRequest, xrm: Xrm, tmp_path: Path) -> Path:
    """What was written for a name, short and long."""
    folder = tmp_path / "new"
    done = xrm("plugins", "new", request.param, "--folder", folder)
    assert done.code == 0, done
    plain()  # the command's log goes to where it ran
    return folder


def test_a_new_plugin_has_no_findings(written: Path):
    report = check_plugin(load_settings(schemas="core"), str(written))

    assert list(report.findings) == []


def test_a_new_plugin_is_as_ruff_wants_it(written: Path):
    ruff = Path(sys.executable).parent / "ruff"
    for words in (["check"], ["format", "--check"]):
        run = subprocess.run([ruff, *words, "."], cwd=written, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("written", ["boats"], indirect=True)
def test_a_new_plugin_passes_its_own_tests_which_call_all_that_it_brings(
    written: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    xrm_setups: Callable[[Setup], Prepared],
):
    capsys.readouterr()

    ran = run_tests(written, monkeypatch, xrm_setups, {"capsys": capsys})

    assert len(ran.tests) >= 15
    assert ran.uncalled == {"forget"}, "what is done again after a restore needs a key store"


@pytest.mark.parametrize("written", ["boats"], indirect=True)
def test_a_new_plugin_has_a_command_for_files_alone(
    written: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    plugin = plugin_in(written, monkeypatch)
    unlabelled = {"type": "object", "properties": {"size": {"type": "string"}}}
    (written / "boats_item.json").write_text(json.dumps({"x-entity": "boats_item", **unlabelled}))
    model = load([LayerSource("core", "core", written)])
    capsys.readouterr()

    plugin.unlabelled(FilesContext(model, None, "unlabelled"))

    assert capsys.readouterr().out == "boats_item.size\n"


def test_the_readme_of_a_new_plugin_names_each_hook_or_its_kind(written: Path):
    readme, [code] = (written / "README.md").read_text(), written.glob("xrm_*/__init__.py")
    hooks = re.findall(r"@hookimpl\ndef (\w+)", code.read_text())
    told = {*re.findall(r"`(\w+)`", readme), *(name for name in hooks if name.startswith(("before_record", "after_")))}
    folders = {"register_schemas", "register_workflows", "register_roles", "register_translations", "register_needs"}

    assert set(hooks) - told == folders


@pytest.mark.parametrize("name", ["Boats", "2boats", "core", "jobs", "a-b", "b__", "x" * 25])
def test_a_name_that_cannot_be_one_is_refused(xrm: Xrm, name: str):
    assert "cannot be the name of a plugin" in xrm("plugins", "new", name).failed("SETTINGS_INVALID")


def test_a_folder_with_something_in_it_is_left_alone(xrm: Xrm, tmp_path: Path):
    (tmp_path / "xrm-boats").mkdir()
    (tmp_path / "xrm-boats" / "mine").write_text("")

    assert "is not empty" in xrm("plugins", "new", "boats").failed("SETTINGS_INVALID")


@pytest.mark.slow
def test_a_new_plugin_installs_with_pip_and_its_tests_run_as_its_author_runs_them(written: Path, tmp_path: Path):
    site = tmp_path / "site"
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XRM_")}
    environment["PYTHONPATH"] = os.pathsep.join([str(site), str(REPOSITORY)])
    for command in (["pip", "install", *options, "."], ["pytest", "-q"]):
        run = subprocess.run(
            [sys.executable, "-m", *command], cwd=written, env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stdout + run.stderr
