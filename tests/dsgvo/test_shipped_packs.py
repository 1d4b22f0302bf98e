"""All that comes with the platform is annotated; taking any annotation away, or any word of one, is found (I9)."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from xrm_dsgvo.lint import check_by
from xrm_dsgvo.registers import registers_of

from tests.docs.pages import REPOSITORY
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.model import Entity, Field, Model
from xrm_core.metadata.packs import pack_layers
from xrm_core.shipped import shipped_packs

PACKS = shipped_packs()
PLUGINS = ("dsgvo", "sales")
NEEDS_SALES = ("machine_builder_sales",)
ABOVE = [each for each in (*PACKS, *PLUGINS) if each != "core"]

CHECK = check_by(registers_of())

BY_CHOICE = frozenset(
    (
        *("access", "audit", "decision", "encrypt", "freeText", "identifier", "match", "necessity", "of", "outbox"),
        *("purposes", "recipients", "restrict", "retentionClass", "search", "thirdParty", "v", "why", "withholdBasis"),
    )
)
"""Words that the lint can do without: what says them otherwise is seen in the snapshot."""

SNAPSHOT = Path(__file__).parent / "words_by_choice.txt"


def plugin(name: str) -> LayerSource:
    return LayerSource(name, "plugin", REPOSITORY / "plugins" / name / f"xrm_{name}" / "schemas")


def shipped(name: str) -> Model:
    """A pack, or the core with a plugin."""
    if name in PLUGINS:
        return load([*pack_layers(PACKS["core"]), plugin(name)])
    [core, *above] = pack_layers(PACKS[name])
    return load([core, *([plugin("sales")] if name in NEEDS_SALES else []), *above])


@pytest.fixture(scope="module", params=[*PACKS, *PLUGINS])
def model(request: pytest.FixtureRequest) -> Model:
    return shipped(request.param)


@pytest.fixture(scope="module")
def core() -> set[tuple[str, str | None]]:
    """What is annotated there."""
    return {(entity.name, field) for entity, field, _ in annotated(shipped("core"))}


def with_words(model: Model, entity: Entity, field: str | None, said: Any) -> Model:
    """The model with other words of an entity, or of one of its fields; None: without any."""
    annotations = MappingProxyType({} if said is None else {"x-dsgvo": said})
    if field is None:
        changed = replace(entity, annotations=annotations)
    else:
        other = replace(entity.fields[field], annotations=annotations)
        changed = replace(entity, fields=MappingProxyType({**entity.fields, field: other}))
    return Model({**model.entities, entity.name: changed})


def annotated(model: Model) -> Iterator[tuple[Entity, str | None, Any]]:
    """Entity, field (None: the entity itself) and what is said of it."""
    for entity in model:
        for field in (None, *entity.fields):
            found: Entity | Field = entity if field is None else entity.fields[field]
            if "x-dsgvo" in found.annotations:
                yield entity, field, found.annotations["x-dsgvo"]


def test_the_lint_has_nothing_against_it(model: Model):
    assert list(CHECK(model)) == []


@pytest.mark.invariant("I9")
def test_taking_any_annotation_away_is_found_there(model: Model, core: set[tuple[str, str | None]]):
    # of higher layers what is not in the core as well, which is a parameter of its own
    taken, whole = 0, len(list(annotated(model)))
    for entity, field, _ in annotated(model):
        if len(core) == whole or (entity.name, field) not in core:
            first = next(CHECK(with_words(model, entity, field, None)), None)

            assert first is not None, (entity.name, field)
            assert (first.entity, first.field) == (entity.name, field)
            taken += 1
    assert taken > 30


@pytest.mark.invariant("I9")
@pytest.mark.parametrize("name", ["core", *(pytest.param(each, marks=pytest.mark.slow) for each in ABOVE)])
def test_taking_any_word_away_is_found_by_the_lint_or_seen_in_the_snapshot(name: str):
    # each word of each annotation; by day of each combination of words once
    model, seen = shipped(name), set()
    by_day = name == "core"
    for entity, field, said in annotated(model):
        for word in said:
            combination = (field is None, word, tuple(sorted(said)))
            if by_day and combination in seen:
                continue
            seen.add(combination)
            less = {key: value for key, value in said.items() if key != word}
            if word not in BY_CHOICE:
                assert next(CHECK(with_words(model, entity, field, less)), None), (entity.name, field, word)
    assert len(seen) > 20


@pytest.mark.invariant("I9")
def test_words_that_the_lint_can_do_without_are_said_as_they_were():
    # after a change that is meant: XRM_UPDATE_SNAPSHOTS=1 pytest tests/dsgvo/test_shipped_packs.py, and read the diff
    lines = set()
    for name in (*PACKS, *PLUGINS):
        for entity, field, said in annotated(shipped(name)):
            place = entity.name if field is None else f"{entity.name}.{field}"
            words = {word: plain(said[word]) for word in sorted(said.keys() & BY_CHOICE)}
            if words:
                lines.add(f"{place} {json.dumps(words, ensure_ascii=False)}")
    content = "\n".join([*sorted(lines), ""])
    if os.environ.get("XRM_UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(content, "utf-8")

    assert SNAPSHOT.read_text("utf-8").splitlines() == content.splitlines()


def plain(value: Any) -> Any:
    """What JSON can hold."""
    if isinstance(value, MappingProxyType | dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value
