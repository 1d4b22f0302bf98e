"""``xrm plugins list`` and ``check``."""

import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import CORE_PACK, Xrm
from tests.plugins.conftest import EXTERNAL_PLUGIN, installed_fleet

__all__ = ["installed_fleet"]


def test_no_plugins(xrm: Xrm):
    found = xrm("plugins", "list")

    assert found.code == 0
    assert "No plugins" in found.out


def test_an_installed_plugin_is_listed_and_brings_its_entity(
    installed_fleet: Path, xrm: Xrm, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(str(installed_fleet))

    listed, planned = xrm("plugins", "list"), xrm("schema", "plan", "--schemas", CORE_PACK)
    monkeypatch.setenv("XRM_DISABLED_PLUGINS", "fleet")
    without = xrm("plugins", "list")
    sys.modules.pop("xrm_fleet", None)

    assert listed.code == 0
    assert "fleet" in listed.out
    assert "xrm-fleet" in listed.out
    assert "before_record_create" in listed.out
    assert "Create the entity vehicle" in planned.out
    assert "No plugins" in without.out


def test_a_plugin_is_checked_where_it_is_written(xrm: Xrm):
    found, strict = xrm("plugins", "check", EXTERNAL_PLUGIN), xrm("plugins", "check", EXTERNAL_PLUGIN, "--strict")
    told = json.loads(xrm("plugins", "check", EXTERNAL_PLUGIN, "--json").out)

    assert (found.code, strict.code) == (0, 1)
    assert "fleet (xrm-fleet 1.2.0): 0 errors, " in found.out
    assert (told["plugin"], told["errors"]) == ("fleet", 0)


def test_a_folder_without_a_plugin_is_told(xrm: Xrm, tmp_path: Path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "nothing"\n')

    assert "names no plugin" in xrm("plugins", "check", tmp_path).failed("SETTINGS_INVALID")
    assert "There is no installed plugin flaet" in xrm("plugins", "check", "flaet").failed("SETTINGS_INVALID")
