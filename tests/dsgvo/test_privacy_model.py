"""What the other parts read: the annotations as values, with the ways from persons to what is about them."""

import dataclasses
import json
from pathlib import Path

import pytest
from xrm_dsgvo.privacy import Erase, FieldPrivacy, Link, Match, Start, privacy_of

from tests.dsgvo.lint_kit import OWN_REGISTERS, PACK, model_of
from xrm_core.metadata.loader import load
from xrm_core.metadata.model import Model
from xrm_core.metadata.packs import pack_layers
from xrm_core.shipped import shipped_packs


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path: Path = tmp_path_factory.mktemp("registers") / "own.json"
    path.write_text(json.dumps(OWN_REGISTERS), "utf-8")
    return model_of(PACK, str(path))


def test_entities_and_fields_say_what_files_say(model: Model):
    found = privacy_of(model)

    assert [each.name for each in found.subjects()] == ["person"]
    assert found["invoice"].retention is not None
    assert found["invoice"].retention.start == Start("process_end", field="issued_on")
    assert found["person"].fields["last_name"].erase == Erase("constant", "—")
    assert found["case"].fields["body"].of == ("requester",)
    assert [(each.name, each.match) for each in found.matched()] == [("email", Match("email", "strong"))]
    assert {each.name for each in found["person"].personal()} >= {"last_name", "email", "photo", "notes"}
    assert {each.name for each in found["case"].links()} == {"requester", "created_by", "updated_by"}


def test_ways_lead_from_persons_to_what_is_about_them(model: Model):
    found = privacy_of(model)

    assert {(way.end, way.field) for way in found.edges_from("person")} == {
        ("case", "requester"),
        ("case_copy", "person"),
        ("invoice", "bill_to"),
    }
    assert found.edges_from("firm") == ()


def test_what_has_no_place_in_files_is_implied(model: Model):
    links = privacy_of(model)["case_copy"]

    assert (links.role, links.kinds, links.datenart, links.on_erase) == (
        *("about_subject", ("customer",), "aktivitaeten", "delete"),
    )
    assert links.fields["person"].link == Link("participant", "down", "cascade")
    assert links.fields["created_by"] == FieldPrivacy(
        "case_copy", "created_by", link=Link("author", "none", "keep"), implied=True
    )


def test_it_is_made_once_of_equal_models_and_cannot_be_changed(model: Model):
    found = privacy_of(model)

    assert privacy_of(Model(model.entities, model.fingerprint)) is found
    with pytest.raises(dataclasses.FrozenInstanceError):
        found["person"].role = "none"  # type: ignore[misc]
    with pytest.raises(TypeError):
        found.entities["other"] = found["person"]  # type: ignore[index]


def test_a_model_without_annotations_is_none():
    bare = load(pack_layers(shipped_packs()["core"]))
    stripped = dataclasses.replace(bare["contact"], annotations={})

    with pytest.raises(ValueError, match="how records of contact relate to persons"):
        privacy_of(Model({"contact": stripped}, "another"))
