"""Packs stand on packs: ``pack.json`` says on which, and what is wrong with it is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from xrm_core.errors import Problem, SchemaFilesInvalid
from xrm_core.metadata.loader import load
from xrm_core.metadata.packs import pack_layers

ENTITY = {"type": "object", "properties": {"f": {"type": "string"}}}


def pack(folder: Path, text: dict[str, Any] | str | None, **entities: dict[str, Any]) -> Path:
    """A pack's folder; without ``text`` it has no pack.json."""
    folder.mkdir(parents=True, exist_ok=True)
    if text is not None:
        (folder / "pack.json").write_text(text if isinstance(text, str) else json.dumps(text, indent=1))
    for name, body in entities.items():
        (folder / f"{name}.json").write_text(json.dumps({"x-entity": name, **ENTITY, **body}))
    return folder


def problem_of(folder: Path, packs: dict[str, Path] | None = None) -> Problem:
    with pytest.raises(SchemaFilesInvalid) as caught:
        pack_layers(folder, packs)
    [problem] = caught.value.problems
    return problem


def test_a_chain_of_packs_is_one_model_and_each_entity_knows_its_layer(tmp_path: Path) -> None:
    # given three packs, the upper two found by name and by path
    core = pack(tmp_path / "core", {"pack": "core", "kind": "core"}, customer={})
    industry = pack(tmp_path / "club", {"pack": "club", "kind": "industry", "extends": "core"}, member={})
    mine = pack(tmp_path / "mine", {"pack": "mine", "kind": "deployment", "extends": "../club"}, hall={})
    # when the highest is loaded
    layers = pack_layers(mine, {"core": core})
    model = load(layers[::-1])
    # then all three are there, the lowest first
    assert [(layer.name, layer.kind, layer.folder and layer.folder.resolve()) for layer in layers] == [
        ("core", "core", core),
        ("club", "industry", industry),
        ("mine", "deployment", mine),
    ]
    found = {entity.name: entity.source.layer for entity in model}
    assert found == {"customer": "core", "member": "club", "hall": "mine"}


def test_a_folder_without_pack_file_stands_on_nothing(tmp_path: Path) -> None:
    [layer] = pack_layers(pack(tmp_path / "x", None, thing={}))
    assert (layer.name, layer.kind, layer.folder) == ("core", "core", tmp_path / "x")


def test_the_core_pack_is_found_by_name(tmp_path: Path) -> None:
    mine = pack(tmp_path / "mine", {"pack": "mine", "kind": "deployment", "extends": "core"})
    assert "customer" in load(pack_layers(mine))


@pytest.mark.parametrize(
    ("text", "pointer", "reason", "remedy"),
    [
        ("", "", "expected a value", "double quotes"),
        ("[]", "", "[] should be an object", "What a pack is"),
        ('{"pack": "a"}', "", '"kind" is missing', "core (stands on nothing)"),
        ('{"kind": "core"}', "", '"pack" is missing', 'Add "pack"'),
        ('{"pack": "Über", "kind": "core"}', "/pack", '"Über" does not have the right form', "Small letters"),
        ('{"pack": 7, "kind": "core"}', "/pack", "7 should be text", "Small letters"),
        ('{"pack": "a", "kind": "plugin"}', "/kind", '"plugin" is not one of core, industry', "core (stands"),
        ('{"pack": "a", "kind": "tenant"}', "/kind", '"tenant" is not one of', "deployment"),
        ('{"pack": "a", "kind": "core", "extends": "core"}', "/extends", "stands on nothing", "Remove"),
        ('{"pack": "a", "kind": "industry"}', "", '"extends" is missing: an industry pack', '"core"'),
        ('{"pack": "a", "kind": "deployment"}', "", "a deployment pack", '"core"'),
        ('{"pack": "a", "kind": "industry", "extends": "kore"}', "/extends", 'No pack called "kore"', '"core"?'),
        ('{"pack": "a", "kind": "industry", "extends": "../none"}', "/extends", "no folder", "counts from"),
        (f'{{"pack": "a", "kind": "industry", "extends": "./{"x" * 400}"}}', "/extends", "no folder", "counts from"),
        ('{"pack": "a", "kind": "industry", "extends": "/etc"}', "/extends", "does not have the right form", "./"),
        ('{"pack": "a", "kind": "industry", "extends": "http://x/y"}', "/extends", "right form", "path"),
        ('{"pack": "a", "kind": "industry", "extends": ["core"]}', "/extends", "should be text", "path"),
        ('{"pack": "a", "kind": "industry", "extends": "./."}', "/extends", "in a circle: a → a", "Take one link"),
        ('{"pack": "a", "kind": "core", "lables": {}}', "/lables", 'Unknown keyword "lables"', '"labels"?'),
        ('{"pack": "a", "kind": "core", "labels": {"german": "x"}}', "/labels/german", "not allowed", "language"),
        ('{"pack": "a", "kind": "core", "description": ""}', "/description", "too short", "for"),
        ('{"x-entity": "pack", "type": "object"}', "/x-entity", "an entity cannot have this file name", "another"),
    ],
)
def test_a_wrong_pack_file_is_refused(tmp_path: Path, text: str, pointer: str, reason: str, remedy: str) -> None:
    folder = pack(tmp_path / "a", text, thing={})
    problem = problem_of(folder)
    assert (problem.file, problem.line, problem.pointer) == (str(folder / "pack.json"), 1, pointer)
    assert reason in problem.reason
    assert remedy in problem.remedy


def test_packs_in_a_circle_are_named(tmp_path: Path) -> None:
    for name, below in (("a", "b"), ("b", "c"), ("c", "b")):
        pack(tmp_path / name, {"pack": name, "kind": "industry", "extends": f"../{below}"}, **{f"of_{name}": {}})
    problem = problem_of(tmp_path / "a")
    assert problem.file.endswith("c/pack.json")
    assert "in a circle: b → c → b." in problem.reason


def test_an_order_that_is_upside_down_and_a_name_twice(tmp_path: Path) -> None:
    below = pack(tmp_path / "below", {"pack": "below", "kind": "deployment", "extends": "core"})
    above = pack(tmp_path / "above", {"pack": "above", "kind": "industry", "extends": "../below"})
    assert 'cannot be "deployment"' in problem_of(above).reason
    pack(below, {"pack": "above", "kind": "industry", "extends": "core"})
    assert 'is called "above", too, in' in problem_of(above).reason


def test_a_tower_of_packs_has_an_end(tmp_path: Path) -> None:
    for number in range(20):
        pack(tmp_path / f"p{number}", {"pack": f"p{number}", "kind": "industry", "extends": f"../p{number + 1}"})
    assert "More than 16 packs" in problem_of(tmp_path / "p0").reason


def test_a_pack_file_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "pack.json").mkdir()
    assert "not an ordinary file" in problem_of(tmp_path).reason
