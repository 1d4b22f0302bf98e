"""The walk-through of ``docs/import.md``, on the real files in ``tests/data/crm-sales``."""

import re
import shlex
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.importing.conftest import Importer
from xrm_core.metadata.loader import load
from xrm_core.metadata.packs import pack_layers
from xrm_core.storage.engines import Database

REPOSITORY = Path(__file__).parents[2]
DATA = REPOSITORY / "tests" / "data" / "crm-sales"
PAGE = (REPOSITORY / "docs" / "import.md").read_text()

_LISTS = {"--map": "mappings", "--replace": "replacements"}
_SWITCHES = {"--ignore-unmapped": {"ignore_unmapped": True}, "--decimal-comma": {"decimal_comma": True}}


def commands() -> list[list[str]]:
    """The words of each ``xrm import`` of the walk-through, without those two."""
    walk = PAGE.partition("## Walk-through")[2]
    lines = re.findall(r"^xrm import (?:.*\\\n)*.*", walk, re.MULTILINE)
    return [shlex.split(line.replace("\\\n", " "))[2:] for line in lines]


def arguments(words: list[str]) -> tuple[str, Path, dict[str, Any]]:
    """Entity, file and options, as the command line would give them to the import."""
    entity, file, *rest = words
    options: dict[str, Any] = {"mappings": [], "replacements": []}
    ignored = set()
    while rest:
        word = rest.pop(0)
        if word in _SWITCHES:
            options |= _SWITCHES[word]
        elif word in _LISTS:
            options[_LISTS[word]].append(rest.pop(0))
        elif word == "--ignore":
            ignored.add(rest.pop(0))
        elif word == "--date-format":
            options["date_format"] = rest.pop(0)
        elif word == "--on-error":
            options["skip_bad_rows"] = rest.pop(0) == "skip"
        elif word != "--schemas":
            raise AssertionError(f"the walk-through uses {word}, which this test does not know")
        else:
            rest.pop(0)
    return entity, REPOSITORY / file, options | {"ignored": frozenset(ignored)}


def outcomes() -> list[tuple[str, int, int, int]]:
    """The table below the walk-through: entity, rows read, written, and problems of each command."""
    rows = re.findall(r"^\| `(\w+)` \| ([0-9 ]+) \| ([0-9 ]+) \| ([0-9 ]+) \|", PAGE, re.MULTILINE)
    return [(entity, *(int(number.replace(" ", "")) for number in numbers)) for entity, *numbers in rows]


@pytest.fixture
def crm(database: Database, tmp_path: Path) -> Importer:
    """The model of the sample and an empty database."""
    return Importer(load(pack_layers(DATA / "schemas")), database, tmp_path)


def test_the_walk_through_imports_all_files(crm: Importer):
    results = []
    for words in commands():
        entity, file, options = arguments(words)
        result = crm.file(entity, file, **options)
        results.append((entity, result.read, result.written, len(result.problems)))

    assert results == outcomes()
    assert results[-1] == ("opportunity", 8800, 8800, 0)
    opportunities = crm.records("opportunity")
    products = {record["id"]: record["name"] for record in crm.records("product")}
    accounts = {record["id"]: record for record in crm.records("account")}
    won = [each for each in opportunities if each["stage"] == "won"]
    assert len(won) == 4238
    assert sum(each["close_value"] for each in won) == Decimal(10005534)
    assert sum(products[each["product"]] == "GTX Pro" for each in opportunities) == 1480
    assert sum(each["account"] is None for each in opportunities) == 1425
    assert min(each["engaged_on"] for each in opportunities if each["engaged_on"]) == "2016-10-20"
    assert sum(each["subsidiary_of"] is not None for each in accounts.values()) == 15
    retail = [each for each in won if accounts[each["account"]]["sector"] == "retail"]
    assert sum(each["close_value"] for each in retail) == Decimal(1867528)
