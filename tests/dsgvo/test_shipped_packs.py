"""All that comes with the platform is annotated; taking any annotation away is found (I9)."""

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType

import pytest
from xrm_dsgvo.lint import check_by
from xrm_dsgvo.registers import registers_of

from tests.docs.pages import REPOSITORY
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.model import Entity, Model
from xrm_core.metadata.packs import pack_layers
from xrm_core.shipped import shipped_packs

PACKS = {name: folder for name, folder in shipped_packs().items() if name != "machine_builder_sales"}
"""But the one that stands on the plugin sales: it is looked at with that, once that says what it keeps."""

CHECK = check_by(registers_of())


@pytest.fixture(scope="module", params=[*PACKS, "dsgvo", "sales"])
def model(request: pytest.FixtureRequest) -> Model:
    if request.param not in PACKS:
        plugin = LayerSource(
            request.param, "plugin", REPOSITORY / "plugins" / request.param / f"xrm_{request.param}" / "schemas"
        )
        return load([*pack_layers(PACKS["core"]), plugin])
    return load(pack_layers(PACKS[request.param]))


def without(entity: Entity, field: str | None) -> Entity:
    """An entity of which, or of one of whose fields, nobody says anything."""
    if field is None:
        return replace(entity, annotations=MappingProxyType({}))
    bare = replace(entity.fields[field], annotations=MappingProxyType({}))
    return replace(entity, fields=MappingProxyType({**entity.fields, field: bare}))


def mutants(model: Model) -> Iterator[tuple[str, str | None, Model]]:
    """The model without each of its annotations."""
    for entity in model:
        for field in [None, *entity.fields]:
            annotations = entity.annotations if field is None else entity.fields[field].annotations
            if annotations:
                yield entity.name, field, Model({**model.entities, entity.name: without(entity, field)})


def test_the_lint_has_nothing_against_it(model: Model):
    assert list(CHECK(model)) == []


def test_taking_any_annotation_away_is_found_there(model: Model):
    taken = 0
    for entity, field, mutant in mutants(model):
        first = next(CHECK(mutant), None)

        assert first is not None, (entity, field)
        assert (first.entity, first.field) == (entity, field)
        taken += 1
    assert taken > 150
