"""A company is nobody: rights of the GDPR belong to records that ``subject.when`` says to be natural persons."""

from typing import Any

import pytest

from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_discovery import GRAPH, found, graph
from tests.dsgvo.test_file_search import SEARCH
from tests.dsgvo.test_informing import OWE
from xrm_core.testing import Setup, Xrm

OPEN = "mutation ($i: DsgvoErasureOpenInput!) { dsgvoErasureOpen(input: $i) { run records { entity record } } }"
RESTRICT = "mutation ($i: DsgvoRestrictionOpenInput!) { dsgvoRestrictionOpen(input: $i) { restriction } }"
OBJECT = "mutation ($i: DsgvoObjectionRecordInput!) { dsgvoObjectionRecord(input: $i) { status } }"
ASK = "mutation ($i: DsgvoRequestOpenInput!) { dsgvoRequestOpen(input: $i) { request } }"
IDENTIFY = "mutation ($i: DsgvoRequestIdentifyInput!) { dsgvoRequestIdentify(input: $i) { status } }"
DIED = "mutation ($i: DsgvoDeathRecordInput!) { dsgvoDeathRecord(input: $i) { dataSubject deceased addresses } }"
REFUSED = "REFUSED_BY_PLUGIN"


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo"], environment=KEY)


def refused(xrm: Xrm, document: str, **given: Any) -> str:
    return str(xrm.as_role("dsb").refused(document, REFUSED, i=given).message)


def test_no_right_of_a_person_is_a_company_s_and_it_is_said_why(xrm: Xrm):
    # given a company, of which somebody has objected to advertising
    company = xrm.create("customer", name="Kern GmbH", legal_form="GmbH", email="kern@kern.example")
    this = person = {"entity": "customer", "record": company}
    dsb = xrm.as_role("dsb")
    assert dsb.query(OBJECT, i={"person": person, "scope": "direct_marketing"})["dsgvoObjectionRecord"]

    # when somebody wants it erased, restricted, found, known as who has asked, or its objection weighed
    opened = {"kind": "erasure", "receivedOn": "2026-01-02", "via": "mail", "name": "Kern GmbH"}
    request = dsb.query(ASK, i=opened)["dsgvoRequestOpen"]["request"]
    subject = xrm.as_role("admin").query("{ dataSubjects { nodes { id } } }")["dataSubjects"]["nodes"][0]["id"]
    ground = {"ground": "accuracy", "because": "It says so."}
    told = [
        refused(xrm, OPEN, **this),
        refused(xrm, RESTRICT, person=person, **ground),
        refused(xrm, RESTRICT, person={"dataSubject": subject}, **ground),
        refused(xrm, IDENTIFY, request=request, grade="known_facts", **this),
        refused(xrm, OBJECT, person=person, scope="specific", grounds="Why not."),
        str(dsb.refused(GRAPH, REFUSED, **this).message),
    ]

    # then each says that it is none, by which field, and what to do; no value of it
    assert all("legal_form" in each and "customer" in each and "Kern" not in each for each in told), told
    # and nothing leads to it as a person either
    assert ("customer", company) not in found(graph(xrm, entity="data_subject", record=subject))


def test_a_sole_trader_is_a_person_and_so_is_who_becomes_one(xrm: Xrm):
    trader = xrm.create("customer", name="Ada Kern", legal_form="e. K.", email="ada@kern.example")
    later = xrm.create("customer", name="Bert Kern")
    this = {"entity": "customer", "record": later}
    assert "legal_form" in refused(xrm, OPEN, **this)

    xrm.as_role("admin").query(
        'mutation ($id: ID!) { updateCustomer(id: $id, input: {legalForm: "Freiberufler"}) { id } }', id=later
    )

    for id_ in (trader, later):
        planned = xrm.as_role("dsb").query(OPEN, i={"entity": "customer", "record": id_})["dsgvoErasureOpen"]
        assert {"entity": "customer", "record": id_} in planned["records"]


def test_what_is_about_somebody_is_nobody_itself(xrm: Xrm):
    # given a note, which is about persons, and an id of it in place of that of a person
    note = {"entity": "activity", "record": xrm.create("activity", kind="note", subject="Called")}

    # when
    told = [
        refused(xrm, DIED, person=note, source="letter"),
        refused(xrm, RESTRICT, person=note, ground="accuracy", because="Disputed."),
        refused(xrm, OBJECT, person=note, scope="direct_marketing"),
        refused(xrm, OWE, person=note, source="bought", collectedOn="2026-01-02"),
        refused(xrm, SEARCH, **note),
    ]

    # then nobody is made of it, and it stays where it is
    assert set(told) == {"That is no person."}
    there = xrm.as_role("admin").query("{ dataSubjects { nodes { id } } activities { nodes { subject } } }")
    assert there == {"dataSubjects": {"nodes": []}, "activities": {"nodes": [{"subject": "Called"}]}}


def test_nobody_is_owed_a_notice_as_a_company(xrm: Xrm):
    company = xrm.create("customer", name="Kern GmbH", legal_form="GmbH")
    person = {"entity": "customer", "record": company}

    assert "legal_form" in refused(xrm, OWE, person=person, source="bought", collectedOn="2026-01-02")


def test_a_person_may_be_named_as_the_record_that_the_platform_keeps_of_them(xrm: Xrm):
    contact = {"entity": "contact", "record": xrm.create("contact", last_name="Kern")}
    first = xrm.as_role("dsb").query(DIED, i={"person": contact, "source": "letter"})["dsgvoDeathRecord"]["dataSubject"]

    again = {"entity": "data_subject", "record": first}
    found = xrm.as_role("dsb").query(DIED, i={"person": again, "source": "letter"})["dsgvoDeathRecord"]["dataSubject"]

    assert found == first
