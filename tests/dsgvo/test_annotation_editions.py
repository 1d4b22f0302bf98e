"""Annotations in editions: what a release or a plugin changes in them is told, and approved by somebody else."""

import copy
import json
from pathlib import Path
from typing import Any

from xrm_dsgvo.annotated.differing import changes, said_by

from tests.dsgvo.lint_kit import OWN_REGISTERS, PACK, model_of
from xrm_core.testing import Client, Xrm

STANDING = "{ dsgvoAnnotations { digest approvedEdition drift { entity field change words } } }"
PROPOSE = "mutation { dsgvoAnnotationPropose { annotationEdition edition drift { entity change } } }"
APPROVE = "mutation ($i: DsgvoAnnotationApproveInput!) { dsgvoAnnotationApprove(input: $i) { edition } }"


def standing(client: Client) -> dict[str, Any]:
    return dict(client.query(STANDING)["dsgvoAnnotations"])


def test_somebody_else_approves_what_was_looked_at(xrm: Xrm):
    dsb, admin, auditor = (xrm.as_role(name) for name in ("dsb", "admin", "auditor"))
    before = standing(auditor)
    assert before["approvedEdition"] is None
    assert {"entity": "contact", "field": "", "change": "added", "words": []} in before["drift"]

    proposed = dsb.query(PROPOSE)["dsgvoAnnotationPropose"]
    given = {"annotationEdition": proposed["annotationEdition"], "digest": before["digest"]}
    assert "Somebody else" in dsb.refused(APPROVE, "REFUSED_BY_PLUGIN", i=given).message
    admin.refused(APPROVE, "REFUSED_BY_PLUGIN", i=given | {"digest": "0" * 64})
    assert "data" not in auditor.post(APPROVE, i=given).json()
    assert admin.query(APPROVE, i=given)["dsgvoAnnotationApprove"] == {"edition": 1}

    after = standing(auditor)
    assert (after["approvedEdition"], after["drift"]) == (1, [])
    dsb.refused(PROPOSE, "REFUSED_BY_PLUGIN")
    admin.refused(APPROVE, "REFUSED_BY_PLUGIN", i=given)  # it is no draft any more
    forge = "mutation ($id: ID!) { deleteAnnotationEdition(id: $id) { id } }"
    admin.refused(forge, "REFUSED_BY_PLUGIN", id=given["annotationEdition"])


def test_each_word_that_changes_is_told(tmp_path: Path):
    registers = tmp_path / "registers.json"
    registers.write_text(json.dumps(OWN_REGISTERS), "utf-8")
    pack = copy.deepcopy(dict(PACK))
    pack["person"]["properties"]["nickname"]["x-dsgvo"]["restrict"] = "mask"
    pack["person"]["x-dsgvo"]["onErase"] = "delete"
    old, new = (said_by(model_of(each, str(registers))) for each in (PACK, pack))

    found = {(each.entity, each.field): (each.change, each.words) for each in changes(old, new)}

    assert found[("person", "nickname")] == ("changed", ["restrict"])
    assert set(found) <= {("person", "nickname"), ("person", "")}
    del new["person"]["fields"]["nickname"]
    gone = [each for each in changes(old, new) if each.field == "nickname"]
    assert [(each.change, each.words) for each in gone] == [("removed", [])]
    assert list(changes(old, old)) == []
