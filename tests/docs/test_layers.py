"""The pack of docs/layers.md loads, and what the page prints is printed."""

import json
import shlex
from pathlib import Path

import pytest

from tests.docs.in_this_process import xrm
from tests.docs.pages import DOCS, REPOSITORY, marked
from xrm_core.errors import SchemaFilesInvalid
from xrm_core.metadata.extensions import is_extension
from xrm_core.metadata.lines import read
from xrm_core.metadata.loader import load
from xrm_core.metadata.packs import pack_layers
from xrm_core.metadata.structure import meta_schema
from xrm_core.permissions import policy

PAGE = DOCS / "layers.md"
PAGES = [PAGE, DOCS / "industry-packs.md"]


def write_files(page: Path, folder: Path) -> None:
    """The files that the page shows."""
    for block in marked(page, "file"):
        file = folder / block.label
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text, "utf-8")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """The pack of the page."""
    write_files(PAGE, tmp_path)
    return tmp_path / "mine"


def test_the_pack_of_the_page_loads_with_its_roles(mine: Path) -> None:
    model = load(pack_layers(mine))
    customer = model["customer"]
    assert (customer["name"].max_length, customer["name"].labels["de"]) == (80, "Firmenname")
    assert customer["branch"].required
    assert "visited_customers" in model["user"].inverses
    folders = [layer.folder / "permissions" for layer in pack_layers(mine) if layer.folder]
    found = policy.load(folders, model)
    assert {"admin", "office_lead"} <= set(found.roles)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    write_files(page, tmp_path)
    for block in marked(page, "run"):
        program, *words = shlex.split(block.text)
        assert program == "xrm"
        done = xrm(*words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        printed = done.stdout.replace(f"{REPOSITORY}/schemas", "core")
        printed_lines = [line.split() for line in printed.splitlines()]
        for line in block.following[0].splitlines():
            assert line.split() in printed_lines, printed


def test_the_conflicts_are_told_as_the_page_shows(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [block] = marked(PAGE, "conflict")
    monkeypatch.chdir(mine.parent)
    Path(block.label).write_text(block.text, "utf-8")
    with pytest.raises(SchemaFilesInvalid) as caught:
        load(pack_layers(Path("mine")))
    told = str(caught.value).replace(f"{REPOSITORY}/schemas/", "core/")
    assert told.splitlines()[1:] == block.following[0].splitlines()


def test_every_word_of_extensions_and_packs_is_on_the_page() -> None:
    text = PAGE.read_text("utf-8")
    words = set(meta_schema("pack")["properties"]) | set(meta_schema("extension")["properties"])
    words |= set(meta_schema("extension")["$defs"]["tightening"]["properties"])
    missing = {word for word in words if f"`{word}`" not in text and f'"{word}"' not in text}
    assert not missing


def test_every_json_block_is_one_that_is_tried() -> None:
    blocks = [*marked(PAGE, "file"), *marked(PAGE, "conflict")]
    text = PAGE.read_text("utf-8")
    assert text.count("```json") + text.count("```csv") == len(blocks)
    document = read("x", next(block.text for block in blocks if block.label.endswith("customer.json")), [])
    assert document is not None
    assert is_extension(document)
    assert json.loads(blocks[0].text)["extends"] == "core"
