"""Files of registers → :class:`~xrm_dsgvo.registers.registers.Registers`."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from xrm_dsgvo.registers.period import period
from xrm_dsgvo.registers.registers import Activity, Entry, ListedProcessing, Registers, RetentionClass

NAMES = (
    *("categories", "purposes", "activities", "datenarten", "retention_classes", "recipients", "events"),
    "impact_list",
)
_HERE = files("xrm_dsgvo.registers")


@cache
def registers_of(given: Sequence[Path] = (), sector: str = "") -> Registers:
    """The registers that come with the plugin, with those of a deployment upon them.

    Args:
        given: its files, in their order: each an object of ``categories``, ``activities`` and so on. What stands in
            a later one counts.
        sector: the line of business, where a period depends on it.

    Raises:
        ValueError: one cannot be used; names the file and the place.
    """
    found: dict[str, dict[str, Any]] = {name: json.loads((_HERE / f"{name}.json").read_text("utf-8")) for name in NAMES}
    for path in given:
        for name, entries in _own(path).items():
            found[name].update(entries)
    for key, activity in found["activities"].items():
        for purpose in activity["purposes"]:
            if purpose not in found["purposes"]:
                raise ValueError(f'the activity "{key}" names the purpose "{purpose}", which no register has')
    return Registers(
        categories=_entries(found["categories"]),
        purposes=_entries(found["purposes"]),
        activities={key: _activity(key, said) for key, said in found["activities"].items()},
        datenarten=_entries(found["datenarten"]),
        retention_classes={key: _class(key, said, sector) for key, said in found["retention_classes"].items()},
        recipients=_entries(found["recipients"]),
        events=_entries(found["events"]),
        impact_list={key: _listed(key, said) for key, said in found["impact_list"].items()},
    )


def _own(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file of registers {path} cannot be read: {error}") from None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ValueError(f"the file of registers {path} is no JSON: {error}") from None
    schema = json.loads((_HERE / "registers.schema.json").read_text("utf-8"))
    for mistake in Draft202012Validator(schema).iter_errors(value):
        raise ValueError(f"the file of registers {path} is wrong at {mistake.json_path}: {mistake.message[:200]}")
    registers: Mapping[str, Any] = {name: entries for name, entries in value.items() if name in NAMES}
    return registers


def _entries(said: Mapping[str, Any]) -> dict[str, Entry]:
    return {key: Entry(key, text.get("labels", {}), text.get("special")) for key, text in said.items()}


def _activity(key: str, said: Mapping[str, Any]) -> Activity:
    return Activity(
        key,
        said.get("labels", {}),
        basis=tuple(said["basis"]),
        purposes=tuple(said["purposes"]),
        art9_basis=said.get("art9Basis"),
    )


def _listed(key: str, said: Mapping[str, Any]) -> ListedProcessing:
    return ListedProcessing(
        key,
        said.get("labels", {}),
        criteria=tuple(said["criteria"]),
        kinds=tuple(said.get("kinds", ())),
        categories=tuple(said.get("categories", ())),
    )


def _class(key: str, said: Mapping[str, Any], sector: str) -> RetentionClass:
    return RetentionClass(
        key,
        said.get("labels", {}),
        period=period(said.get("sectors", {}).get(sector, said["period"])),
        end_of_year=said.get("endOfYear", False),
        statutory=said.get("statutory", False),
        legal_ref=said.get("legalRef", ""),
        tax=said.get("tax", False),
    )
