"""A person who is named in texts of others: a plan of their erasure says where, and somebody decides of each text."""

from typing import Any

import pytest

from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_erasures import HOLD, OPEN, RUN
from tests.dsgvo.test_restrictions import dump
from xrm_core.testing import Setup, Xrm

TEXTS = {
    "spelt": "Rückruf an Gerd Muellerstein-Gross wegen der Presse, danach Frau Vogel.",
    "phone": "Auch unter (0171) 5550-1234 zu erreichen.",
    "mail": "Mail an GERD.GROSS@vogel.example, Kopie an b@kern.example.",
}
CLEAN = "Nichts von irgendwem, nur Gerd aus dem Lager."


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo"], environment=KEY)


def gerd(xrm: Xrm) -> str:
    names = {"first_name": "Gerd", "last_name": "Müllerstein-Groß"}
    return str(xrm.create("contact", names, email="gerd.gross@vogel.example", mobile="+4917155501234"))


def written(xrm: Xrm, **texts: str) -> dict[str, str]:
    """Activities that belong to nobody, with a text each."""
    return {
        name: xrm.create("activity", kind="note", subject="Notiz", description=text) for name, text in texts.items()
    }


def opened(xrm: Xrm, contact: str, *reviewed: dict[str, Any], **more: Any) -> dict[str, Any]:
    given = {"entity": "contact", "record": contact, "reviewed": list(reviewed), **more}
    return dict(xrm.as_role("dsgvo_agent").query(OPEN, i=given)["dsgvoErasureOpen"])


def named(plan: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Decision and code of each text of an activity."""
    return {
        each["record"]: (field["decision"], field["code"])
        for each in plan["records"]
        for field in each["fields"]
        if each["entity"] == "activity" and field["code"] in ("MENTION", "REVIEWED", "LEGAL_HOLD")
    }


def decided(record: str, *, erase: bool) -> dict[str, Any]:
    return {"entity": "activity", "record": record, "field": "description", "erase": erase}


def run(xrm: Xrm, plan: dict[str, Any]) -> dict[str, Any]:
    given = {"run": plan["run"], "planHash": plan["planHash"]}
    return dict(xrm.as_role("dsb").query(RUN, i=given)["dsgvoErasureRun"])


def notes(xrm: Xrm, record: str) -> str | None:
    document = "query ($id: ID!) { activity(id: $id) { description } }"
    text: str | None = xrm.as_role("admin").query(document, id=record)["activity"]["description"]
    return text


def test_texts_of_others_are_proposed_and_only_what_somebody_confirms_goes_black(xrm: Xrm):
    # given a person who is named in three texts of others, spelt in other ways, and not in a fourth
    contact = gerd(xrm)
    ids = written(xrm, **TEXTS, clean=CLEAN)

    # when their erasure is planned, then each of the three is to be looked at, and nothing is run before
    plan = opened(xrm, contact)
    assert plan["needsReview"]
    assert named(plan) == {ids[name]: ("review", "MENTION") for name in TEXTS}
    given = {"run": plan["run"], "planHash": plan["planHash"]}
    assert "texts" in xrm.as_role("dsb").refused(RUN, "REFUSED_BY_PLUGIN", i=given).message

    # when two are confirmed
    reviewed = [decided(ids[name], erase=name != "mail") for name in TEXTS]
    plan = opened(xrm, contact, *reviewed)
    assert named(plan)[ids["mail"]] == ("keep", "REVIEWED")
    done = run(xrm, plan)

    # then what names the person is black in these, others stand in them still, and the third is as it was
    assert done["status"].startswith("complete")
    spelt, phone = notes(xrm, ids["spelt"]) or "", notes(xrm, ids["phone"]) or ""
    assert "Mueller" not in spelt
    assert ("Frau Vogel" in spelt, "█" in spelt) == (True, True)
    assert "5550" not in phone
    assert phone.startswith("Auch unter ")
    assert notes(xrm, ids["mail"]) == TEXTS["mail"]
    assert notes(xrm, ids["clean"]) == CLEAN
    # nor has the change log what stood there
    assert b"5550-1234" not in dump(xrm)


def test_a_hold_upon_a_text_keeps_it_without_anybody_deciding(xrm: Xrm):
    contact = gerd(xrm)
    ids = written(xrm, **TEXTS)
    held = {"matter": "A-1", "basis": "§ 257 HGB", "entity": "activity", "record": ids["phone"]}
    xrm.as_role("dsb").query(HOLD, i=held)

    plan = opened(xrm, contact, *[decided(ids[name], erase=True) for name in TEXTS])
    assert named(plan)[ids["phone"]] == ("hold", "LEGAL_HOLD")
    run(xrm, plan)

    assert notes(xrm, ids["phone"]) == TEXTS["phone"]
    assert "█" in (notes(xrm, ids["mail"]) or "")


def test_after_an_objection_texts_of_others_are_none_of_it(xrm: Xrm):
    contact = gerd(xrm)
    written(xrm, **TEXTS)

    assert named(opened(xrm, contact, trigger="objection", ended=["marketing.direktwerbung"])) == {}


def test_a_text_that_too_many_share_is_no_mention_and_that_is_said(xrm: Xrm, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("xrm_dsgvo.erasure.mentioned.MOST", 2)
    contact = gerd(xrm)
    written(xrm, **TEXTS)

    plan = opened(xrm, contact)

    assert named(plan) == {}
    assert "MANY_MENTIONS" in {each["code"] for each in plan["defects"]}
