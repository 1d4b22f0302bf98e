"""The record of processing activities: what is in it (I26), its editions, and how drift is told."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.record.making import record_of
from xrm_dsgvo.registers import registers_of

from tests.cli.conftest import Xrm as Command
from tests.cli.conftest import surroundings
from tests.cli.conftest import xrm as command
from tests.docs.pages import REPOSITORY
from tests.dsgvo.conftest import KEY
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.model import Entity, Model
from xrm_core.metadata.packs import pack_layers
from xrm_core.shipped import shipped_packs
from xrm_core.testing import Client, Xrm

__all__ = ["command", "surroundings"]
ART30 = """
query ($format: DsgvoArt30Format, $language: DsgvoArt30Language) {
  dsgvoArt30(format: $format, language: $language) {
    content digest approvedEdition drift { activity part change what }
  }
}"""
PROPOSE = "mutation { dsgvoArt30Propose { processingRecord edition drift { activity part change what } } }"
APPROVE = "mutation ($id: ID!) { approveEditionProcessingRecord(id: $id) { status edition } }"


def art30(client: Client, **given: Any) -> dict[str, Any]:
    return dict(client.query(ART30, **given)["dsgvoArt30"])


def walked(model: Model) -> dict[str, tuple[set[str], set[str]]]:
    """Activity → categories and Löschklassen, from the annotations as they stand in the files."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    purposes = {
        key: said["purposes"]
        for key, said in json.loads(
            (REPOSITORY / "plugins/dsgvo/xrm_dsgvo/registers/activities.json").read_text("utf-8")
        ).items()
    }
    for entity in model:
        for activity in said_of(model, entity).get("activities", ()):
            categories, classes = found.setdefault(activity, (set(), set()))
            if "retention" in said_of(model, entity) and entity.between is None:
                classes.add(said_of(model, entity)["retention"]["class"])
            for category, narrowed, class_ in categories_of(model, entity):
                fits = [one for one in said_of(model, entity)["activities"] if meets(narrowed, purposes[one])]
                if not narrowed or activity in fits or not fits:
                    categories.add(category)
                    if class_:
                        classes.add(class_)
    return found


def said_of(model: Model, entity: Entity) -> Any:
    if entity.between is None:
        return entity.annotations.get("x-dsgvo", {})
    if "link" not in entity.annotations.get("x-dsgvo", {}):
        return {}
    owner = entity.fields[entity.between.source].relation
    assert owner is not None
    return model[owner.targets[0]].annotations.get("x-dsgvo", {})


def categories_of(model: Model, entity: Entity) -> Iterator[tuple[str, Any, str | None]]:
    for field in entity.fields.values():
        words = field.annotations.get("x-dsgvo", {})
        if "category" in words:
            yield words["category"], words.get("purposes", ()), words.get("retentionClass")
    ends = [entity.fields[name].relation for name in ("source", "target")] if entity.relationship else []
    roles = [
        model[name].annotations.get("x-dsgvo", {}).get("subject", {}).get("role")
        for end in ends
        if end is not None
        for name in end.targets
    ]
    if "is_subject" in roles:
        yield "xrm.relationship", (), None


def meets(narrowed: Any, purposes: Any) -> bool:
    return any(f"{a}.".startswith(f"{b}.") or f"{b}.".startswith(f"{a}.") for a in narrowed for b in purposes)


def shipped(pack: str) -> Model:
    """What comes with the platform, with the plugin upon it."""
    schemas = REPOSITORY / "plugins" / "dsgvo" / "xrm_dsgvo" / "schemas"
    return load([*pack_layers(shipped_packs()[pack]), LayerSource("dsgvo", "plugin", schemas)])


def told(record: dict[str, Any]) -> dict[str, tuple[set[str], set[str]]]:
    """The same as :func:`walked`, of a record."""
    return {
        each["key"]: ({one["key"] for one in each["categories"]}, {one["key"] for one in each["retention"]})
        for each in record["activities"]
    }


@pytest.mark.invariant("I26")
@pytest.mark.parametrize("pack", ["association", "machine_builder"])
def test_it_names_exactly_what_a_walk_over_the_annotations_finds(pack: str):
    model = shipped(pack)

    found = record_of(privacy_of(model), registers_of())

    assert told(found) == walked(model)
    assert len(told(found)) > 5
    special = {each["art9Basis"]: {one["special"] for one in each["categories"]} for each in found["activities"]}
    assert pack != "association" or "art9" in special["a"]


def test_it_is_answered_as_the_model_is(xrm: Xrm):
    assert told(json.loads(art30(xrm.as_role("auditor"))["content"])) == walked(xrm.platform.model)


def test_editions_are_approved_by_somebody_else_and_drift_is_told(xrm: Xrm):
    dsb, other = xrm.as_role("dsb"), xrm.as_role("admin")
    assert art30(dsb)["approvedEdition"] is None
    assert {each["change"] for each in art30(dsb)["drift"]} == {"added"}

    proposed = dsb.query(PROPOSE)["dsgvoArt30Propose"]
    assert dsb.refused(APPROVE, "REFUSED_BY_PLUGIN", id=proposed["processingRecord"])
    approved = other.query(APPROVE, id=proposed["processingRecord"])["approveEditionProcessingRecord"]
    assert approved == {"status": "approved", "edition": 1}
    assert art30(dsb)["drift"] == []
    dsb.refused(PROPOSE, "REFUSED_BY_PLUGIN")  # there is nothing new
    other.refused(
        "mutation ($id: ID!) { deleteProcessingRecord(id: $id) { id } }",
        "REFUSED_BY_PLUGIN",
        id=proposed["processingRecord"],
    )

    # a recipient comes, with a transfer and a connector; a measure comes
    mailer = xrm.create(
        "processor",
        key="mail_provider",
        name="Mailer",
        role="processor",
        country="US",
        activities={"keys": ["marketing.direktwerbung"]},
    )
    xrm.create("data_transfer", processor=mailer, country="US", instrument="adequacy", checked_on="2026-01-01")
    xrm.create("data_connector", processor=mailer, key="channel:mail")
    xrm.create(
        "technical_measure",
        key="M60.S10",
        name_de="Löschen",
        name_en="Deleting",
        goal="unlinkability",
        activities={"keys": ["vertrieb.marktbeobachtung"]},
    )
    drift = {(each["activity"], each["part"], each["change"], each["what"]) for each in art30(dsb)["drift"]}
    assert ("vertrieb.marktbeobachtung", "measures", "added", "M60.S10") in drift
    assert ("marketing.direktwerbung", "transfers", "added", "mail_provider US adequacy") in drift
    assert not {each for each in drift if each[0] == "vertrieb.kundenpflege" and each[1] == "measures"}
    draft = dsb.query(PROPOSE)["dsgvoArt30Propose"]
    xrm.create("technical_measure", key="M61", name_de="Y", name_en="Y", goal="integrity")
    other.refused(APPROVE, "REFUSED_BY_PLUGIN", id=draft["processingRecord"])  # not as it was proposed any more


def test_drift_is_a_step_of_a_ci(xrm: Xrm, command: Command, monkeypatch: pytest.MonkeyPatch):
    if xrm.database.dialect.name != "sqlite":
        return  # it reads what the queries above read; the files are loaded once
    for name, value in {"XRM_PLUGINS": "dsgvo", **KEY}.items():
        monkeypatch.setenv(name, value)
    where = ("--schemas", "core", "--database", xrm.database.url)

    differs = command("dsgvo", "drift", *where)
    assert differs.code == 2, differs.err
    assert "added    vertrieb.marktbeobachtung activity: vertrieb.marktbeobachtung" in differs.out
    edition = xrm.as_role("dsb").query(PROPOSE)["dsgvoArt30Propose"]["processingRecord"]
    xrm.as_role("admin").query(APPROVE, id=edition)
    assert command("dsgvo", "drift", *where).out == "Nothing differs.\n"

    # so are annotations that nobody has approved, and impact assessments that are missing
    said = command("dsgvo", "annotations", *where)
    assert (said.code, "added    contact\n" in said.out) == (2, True)
    before = command("dsgvo", "impact", *where)
    care = "missing vertrieb.kundenpflege: scoring, sensitive, vulnerable_persons\n"
    assert (before.code, before.out) == (2, care)
    activities = {"keys": ["verwaltung.benutzer"]}  # employees, and now abroad
    xrm.create("processor", key="abroad", name="Far", role="controller", country="US", activities=activities)
    impact = command("dsgvo", "impact", *where)
    assert (impact.code, impact.out) == (2, f"{care}missing verwaltung.benutzer: third_country, vulnerable_persons\n")


def test_as_a_processor_it_names_whose_data_are_processed_and_by_whom(xrm: Xrm):
    dsb, auditor = xrm.as_role("dsb"), xrm.as_role("auditor")
    keys = '{keys: ["vertrieb.kundenpflege"]}'
    given = f'name: "Harbour Ltd", contact: "Quay 1", services: "Hosting of its CRM", activities: {keys}'
    create = f"mutation {{ createProcessingMandate(input: {{{given}}}) {{ id }} }}"
    assert dsb.query(create)
    ended = create.replace("Harbour", "Ended").replace("contact:", 'validUntil: "2020-01-01", contact:')
    dsb.query(ended)
    activities = {"keys": ["vertrieb.kundenpflege"]}
    host = xrm.create("processor", key="host", name="Host", role="processor", country="US", activities=activities)
    xrm.create("data_transfer", processor=host, country="US", instrument="scc", checked_on="2026-01-01")
    query = """query ($f: DsgvoArt30Format) { dsgvoArt30(part: processor, format: $f, language: en) {
      content approvedEdition drift { what } } }"""

    found = auditor.query(query)["dsgvoArt30"]
    page = auditor.query(query, f="html")["dsgvoArt30"]["content"]

    [mandate] = json.loads(found["content"])["mandates"]
    assert (mandate["name"], mandate["services"]) == ("Harbour Ltd", "Hosting of its CRM")
    assert [each["key"] for each in mandate["subProcessors"]] == ["host"]
    assert mandate["transfers"] == [{"recipient": "host", "country": "US", "instrument": "scc"}]
    assert found["drift"] == []
    for text in ("under Article 30(2) GDPR", "Harbour Ltd", "Host, processor, US", "standard contractual clauses"):
        assert text in page
    assert auditor.refused(query, "REFUSED_BY_PLUGIN", f="dpv").details["field"] == "format"
    assert base64.b64decode(auditor.query(query, f="pdf")["dsgvoArt30"]["content"]).startswith(b"%PDF-1.")


def test_it_is_read_in_german_and_english_and_by_programs(xrm: Xrm):
    auditor = xrm.as_role("auditor")

    page = art30(auditor, format="html")["content"]
    assert "Verzeichnis von Verarbeitungstätigkeiten" in page
    assert "Stammdaten nach Ende der Beziehung: 3 Jahre ab Ende des Kalenderjahrs (§§ 195, 199 BGB)" in page
    assert "<script" not in page
    assert "Record of processing activities" in art30(auditor, format="html", language="en")["content"]
    graph = json.loads(art30(auditor, format="dpv")["content"])["@graph"]
    care = next(each for each in graph if each["dct:identifier"] == "vertrieb.kundenpflege")
    assert {"@id": "eu-gdpr:A6-1-b"} in care["dpv:hasLegalBasis"]
    assert base64.b64decode(art30(auditor, format="pdf")["content"]).startswith(b"%PDF-1.")
    refused = xrm.as_role("guest").post(ART30).json()
    assert "data" not in refused
