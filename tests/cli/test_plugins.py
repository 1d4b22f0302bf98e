"""``xrm plugins list``."""

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import CORE_PACK, Xrm
from tests.plugins.conftest import installed_fleet

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
