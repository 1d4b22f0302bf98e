"""What a person is told on the way of their request: letters, proxies, and that no copy of a passport is left."""

import re
from base64 import b64decode
from typing import Any

import pytest

from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_requests import (
    ADA,
    DECIDE,
    DOUBT,
    EXTEND,
    IDENTIFY,
    done,
    opened,
    refused,
)
from xrm_core.testing import Setup, Xrm

LETTER = "mutation ($i: DsgvoRequestLetterInput!) { dsgvoRequestLetter(input: $i) { content digest } }"
KEPT = "query ($id: ID!) { dataSubjectRequest(id: $id) { letters authority copyGoneAt } }"


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    named = {"XRM_DSGVO_AUTHORITY": "BlnBDI, Berlin", "XRM_DSGVO_CONTROLLER": "Kern <GmbH>"}
    return Setup(plugins=["dsgvo"], environment={**KEY, **named})


def test_the_person_is_told_what_happens_and_what_they_can_do_about_it(xrm: Xrm):
    # given a request of somebody that was asked who they are, is extended, and refused
    agent, dsb = xrm.as_role("dsgvo_agent"), xrm.as_role("dsb")
    contact = str(xrm.create("contact", {"first_name": "Ada", "last_name": "Weiß", "email": ADA}))
    request = opened(agent, "erasure", name="Ada <Weiß>", address=ADA)

    def letter(which: str, **more: Any) -> str:
        made = done(agent, LETTER, request=request, letter=which, **{"form": "html", "language": "en", **more})
        return str(made["content"])

    for missing in ("identity", "extension", "decision", "recipients"):
        assert "not happened" in refused(agent, LETTER, request=request, letter=missing)
    received = letter("received")
    done(agent, DOUBT, request=request, reasons="The address is new to us.")
    asked = letter("identity", language="de")
    done(agent, IDENTIFY, request=request, grade="known_facts", entity="contact", record=contact)
    due = done(agent, EXTEND, request=request, reasons="There are many orders.")["due"]
    extended = letter("extension", language="de")
    reasons = {"ground": "law", "reasons": "Orders are kept for eight years."}
    done(dsb, DECIDE, request=request, decision="refused", **reasons)
    decided = letter("decision")
    pdf = b64decode(letter("decision", form="pdf", language="de"))

    # then each letter says what it is for, and is escaped
    assert "Ada &lt;Weiß&gt;" in received
    assert "Kern &lt;GmbH&gt;" in received
    assert "The address is new to us." in asked
    assert "Schwärzen Sie alles außer Name" in asked
    assert '<html lang="de">' in asked
    year, month, day = due.split("-")
    assert f"bis zum {day}.{month}.{year}." in extended
    for text in ("Article 77", "Article 79", "BlnBDI, Berlin", "A law excepts this case.", reasons["reasons"]):
        assert text in decided
    assert pdf.startswith(b"%PDF-")
    assert b"/StructTreeRoot" in pdf
    assert re.search(rb"pdfuaid", pdf)
    # and of the letters their digests are kept
    [kept] = agent.query(KEPT, id=request).values()
    made = kept["letters"]["made"]
    assert [each[0] for each in made] == ["received", "identity", "extension", "decision", "decision"]
    assert len({each[2] for each in made}) == 5
    assert "Weiß" not in str(kept)


def test_who_asks_for_somebody_else_has_an_authority(xrm: Xrm):
    agent = xrm.as_role("dsgvo_agent")
    contact = str(xrm.create("contact", {"first_name": "Ada", "last_name": "Weiß", "email": ADA}))
    request = opened(agent, "access", proxy="Rechtsanwältin Kern")
    given = {"request": request, "grade": "known_facts", "entity": "contact", "record": contact}

    assert "by what authority" in refused(agent, IDENTIFY, **given)
    done(agent, IDENTIFY, **given, authority="Letter of attorney, seen in the original")

    [kept] = agent.query(KEPT, id=request).values()
    assert kept["authority"] == "Letter of attorney, seen in the original"


def test_a_passport_counts_once_no_copy_of_it_is_left(xrm: Xrm):
    agent = xrm.as_role("dsgvo_agent")
    contact = str(xrm.create("contact", {"first_name": "Ada", "last_name": "Weiß", "email": ADA}))
    request = opened(agent, "access")
    given = {"request": request, "grade": "document", "entity": "contact", "record": contact}
    done(agent, DOUBT, request=request, reasons="Asked by telephone.")

    assert "Destroy each copy" in refused(agent, IDENTIFY, **given)
    done(agent, IDENTIFY, **given, copyDestroyed=True)

    [kept] = agent.query(KEPT, id=request).values()
    assert kept["copyGoneAt"]


@pytest.mark.parametrize("name", ["Ada Weiß", "Bo Weiß"])
def test_an_address_that_a_family_has_is_no_proof(xrm: Xrm, name: str):
    agent = xrm.as_role("dsgvo_agent")
    ada = str(xrm.create("contact", {"first_name": "Ada", "last_name": "Weiß", "email": ADA}))
    if name == "Ada Weiß":  # somebody else is reached there; else, somebody asks by another name
        xrm.create("contact", {"first_name": "Bo", "last_name": "Weiß", "email": ADA})
    request = opened(agent, "access", name=name, address=ADA)
    given = {"request": request, "grade": "known_address", "entity": "contact", "record": ada}

    assert "in another way" in refused(agent, IDENTIFY, **given)
    done(agent, IDENTIFY, **{**given, "grade": "known_facts"})
