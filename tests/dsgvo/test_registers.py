"""The registers that come with the plugin, and those that a deployment has of its own."""

import json
from pathlib import Path
from typing import Any

import pytest
import xrm_dsgvo
from xrm_dsgvo.registers import registers_of
from xrm_dsgvo.registers.period import Period, period
from xrm_dsgvo.settings import Settings

from xrm_core.errors import SettingsError
from xrm_core.plugins import InstalledPlugin, Plugins

CLASS = {"labels": {"en": "Ours"}, "period": "P4Y6M", "endOfYear": True}


def written(tmp_path: Path, value: Any) -> Path:
    path = tmp_path / "own.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return path


def test_a_deployment_adds_its_own_and_says_otherwise_of_others(tmp_path: Path):
    own = {"retention_classes": {"LK-4J-UNSER": CLASS, "LK-6M-VORGANG": {"labels": {"en": "Short"}, "period": "P3M"}}}

    found = registers_of((written(tmp_path, own),)).retention_classes

    assert found["LK-4J-UNSER"].period == Period(54)
    assert found["LK-4J-UNSER"].end_of_year
    assert found["LK-6M-VORGANG"].period == Period(3)
    assert found["LK-8J-BUCHUNGSBELEG"].period == Period(96)


def test_a_line_of_business_has_periods_of_its_own():
    assert registers_of(sector="finance").retention_classes["LK-8J-BUCHUNGSBELEG"].period == Period(120)
    assert Settings(sector="finance").all_registers().retention_classes["LK-6J-HANDELSBRIEF"].period == Period(72)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{", "is no JSON"),
        ({"classes": {}}, r"is wrong at \$: Additional properties"),
        ({"retention_classes": {"LK-X": {"labels": {"en": "X"}, "period": "4 years"}}}, r"LK-X.*period"),
        ({"retention_classes": {"LK-X": {**CLASS, "statutory": True}}}, "legalRef"),
        ({"activities": {"a": {"labels": {"en": "A"}, "basis": ["z"], "purposes": ["sales"]}}}, "basis"),
        ({"activities": {"a": {"labels": {"en": "A"}, "basis": ["b"], "purposes": ["fun"]}}}, 'the purpose "fun"'),
    ],
)
def test_a_file_that_is_wrong_stops_the_start_with_its_name(tmp_path: Path, value: Any, said: str):
    path = written(tmp_path, value)

    with pytest.raises(SettingsError, match=f"own.json|activity.*{said}") as caught:
        Plugins([InstalledPlugin("dsgvo", xrm_dsgvo)], environment={"XRM_DSGVO_REGISTERS": str(path)})
    assert "XRM_DSGVO" in caught.value.message or "registers" in caught.value.message


@pytest.mark.parametrize("text", ["", "P", "8Y", "P0D", "P8Y3W", "P-1D"])
def test_what_is_no_period_is_refused(text: str):
    with pytest.raises(ValueError, match="no period"):
        period(text)
