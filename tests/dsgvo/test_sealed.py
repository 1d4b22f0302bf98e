"""Sealed values of persons: found, told to the person, opened by who works on cases, and by nobody else."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_erasures import OPEN, RUN
from tests.dsgvo.test_requests import done, known, opened
from xrm_core.api import destroy_keys
from xrm_core.testing import Setup, Xrm

IBAN, SECRET = "DE02120300000000202051", "Ratenzahlung wegen Privatinsolvenz"
ACCESS = "mutation ($i: DsgvoAccessInput!) { dsgvoAccess(input: $i) { content leftOut { code field } } }"
GRAPH = "query ($iban: String) { dsgvoSubjectGraph(iban: $iban) { records { entity record } } }"
OPENED = """query ($entity: String!, $record: String!, $fields: [String!]) {
  dsgvoSealedValues(entity: $entity, record: $record, fields: $fields) { field text destroyed } }"""
FOUND = """query ($text: String!) {
  dsgvoSealedRecords(entity: "debtor", field: "iban", text: $text) { records } }"""


def _personal(category: str, **more: Any) -> dict[str, Any]:
    said = {"category": category, "origin": "provided", "erase": {"strategy": "null"}, "encrypt": {"key": "subject"}}
    return {"type": "string", "x-dsgvo": {**said, **more}}


DEBTOR = {
    "x-entity": "debtor",
    "type": "object",
    "x-dsgvo": {
        "v": 1,
        "datenart": "kontaktstammdaten",
        "subject": {"role": "is_subject", "kinds": ["customer"]},
        "activities": ["vertrieb.kundenpflege"],
        "retention": {
            "class": "LK-3J-BEZIEHUNG",
            "start": {"type": "relationship_end", "event": "contact.relationship_ended"},
            "then": "anonymize",
        },
        "onErase": "anonymize",
    },
    "properties": {
        "code": {"type": "string", "x-dsgvo": {"personal": False}},
        "iban": {
            **_personal(
                "user.financial.bank_account",
                identifier="direct",
                match={"normalizer": "iban", "strength": "strong"},
                encrypt={"key": "subject", "blind": [{"normalizer": "iban", "bits": 15}]},
            ),
            "x-sealed": {"class": "LK-3J-BEZIEHUNG", "blind": {"bits": 15, "form": "compact"}},
        },
        "remark": {**_personal("user.financial"), "x-sealed": {"class": "LK-3J-BEZIEHUNG"}},
        "note": {
            "type": "string",
            "x-dsgvo": {
                "category": "user.content.private",
                "origin": "observed",
                "freeText": True,
                "thirdParty": "none",
                "erase": {"strategy": "redact_text"},
            },
        },
    },
}


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(
        plugins=["dsgvo"],
        environment=KEY,
        files={"debtor": DEBTOR},
        policies=["dsgvo_agent,debtor,read,*,,allow"],
        roles={"roles": {"dsgvo_agent": {}}},
    )


def debtor(xrm: Xrm, iban: str = IBAN) -> str:
    return str(xrm.create("debtor", code="X-1", iban=iban, remark=SECRET))


def test_who_works_on_cases_opens_and_finds_and_nobody_else(xrm: Xrm) -> None:
    # given
    first, second = debtor(xrm), debtor(xrm, "DE91100000000123456789")
    values = [{"field": "iban", "text": IBAN}, {"field": "remark", "text": SECRET}]

    # then
    for role in ("dsgvo_agent", "dsb"):
        client = xrm.as_role(role)
        told = client.query(OPENED, entity="debtor", record=first)["dsgvoSealedValues"]
        assert told == [{**each, "destroyed": False} for each in values]
        [only] = client.query(OPENED, entity="debtor", record=second, fields=["remark"])["dsgvoSealedValues"]
        assert only["text"] == SECRET
        assert client.query(FOUND, text="DE02 1203 0000 0000 2020 51")["dsgvoSealedRecords"] == {"records": [first]}
        client.refused("{ debtors { nodes { iban } } }", "BAD_QUERY")
    for role in ("admin", "auditor", "sales_rep"):
        for document, variables in ((OPENED, {"entity": "debtor", "record": first}), (FOUND, {"text": IBAN})):
            answer = xrm.as_role(role).post(document, **variables)
            assert answer.json().get("data") is None
            assert SECRET not in answer.text
    xrm.as_role("dsb").refused(OPENED, "FORBIDDEN", entity="contact", record=first)
    xrm.as_role("dsb").refused(OPENED, None, entity="nothing", record=first)


def test_sealed_identifiers_join_duplicates(xrm: Xrm) -> None:
    # given
    first, second, other = debtor(xrm), debtor(xrm), debtor(xrm, "DE91100000000123456789")

    # when
    told = xrm.as_role("dsgvo_agent").query(GRAPH, iban="DE02 1203 0000 0000 2020 51")["dsgvoSubjectGraph"]

    # then
    found = {each["record"] for each in told["records"]}
    assert {first, second} <= found
    assert other not in found


def test_the_person_is_told_what_is_sealed_of_them(xrm: Xrm) -> None:
    # given
    id_, agent = debtor(xrm), xrm.as_role("dsgvo_agent")
    request = opened(agent, "access")
    known(agent, request, id_, entity="debtor")

    # when
    answer = done(agent, ACCESS, request=request)

    # then
    assert IBAN in answer["content"]
    assert SECRET in answer["content"]
    assert "xs1." not in answer["content"]


def test_after_the_keys_are_destroyed_it_is_said_so(xrm: Xrm) -> None:
    # given
    id_, dsb = debtor(xrm), xrm.as_role("dsb")
    with xrm.database.begin() as connection:
        destroy_keys(connection, id_)

    # when
    xrm.work()

    # then
    told = dsb.query(OPENED, entity="debtor", record=id_)["dsgvoSealedValues"]
    assert told == [{"field": name, "text": None, "destroyed": True} for name in ("iban", "remark")]
    assert dsb.query(FOUND, text=IBAN)["dsgvoSealedRecords"]["records"] == []
    assert xrm.as_role("dsgvo_agent").query(GRAPH, iban=IBAN)["dsgvoSubjectGraph"]["records"] == []


@pytest.mark.invariant("I24", "I25")
def test_an_erasure_takes_sealed_values_and_their_keys_along(xrm: Xrm) -> None:
    # given a person, whose values are in a copy that nobody reaches
    id_, other, dsb = debtor(xrm), debtor(xrm, "DE91100000000123456789"), xrm.as_role("dsb")
    xrm.as_role("admin").query(
        'mutation ($id: ID!) { updateDebtor(id: $id, input: {remark: "anders"}) { id } }', id=id_
    )
    with xrm.database.read() as connection:
        copy = connection.execute(text("SELECT iban, remark FROM debtor WHERE id = :id"), {"id": id_}).one()

    # when
    plan = dsb.query(OPEN, i={"entity": "debtor", "record": id_})["dsgvoErasureOpen"]
    done_ = dsb.query(RUN, i={"run": plan["run"], "planHash": plan["planHash"]})["dsgvoErasureRun"]

    # then nothing of it is in the tables
    assert done_["status"] == "complete"
    assert {each["name"]: each["count"] for each in done_["steps"]}["keys"] == 2
    with xrm.database.read() as connection:
        of = {str(row.id): row for row in connection.execute(text("SELECT id, iban, remark FROM debtor"))}
        logged = connection.scalars(text("SELECT fields FROM xrm_change WHERE entity = 'debtor'")).all()
    assert (of[id_].iban, of[id_].remark) == (None, None)
    assert str(of[other].iban).startswith("xs1.")
    assert "".join(logged).count("xs1.") == 2  # those of the other one

    # and after the commit the copy cannot be read either
    xrm.work()
    with xrm.database.begin() as connection:
        connection.execute(
            text("UPDATE debtor SET iban = :iban, remark = :remark WHERE id = :id"), {**copy._mapping, "id": id_}
        )
    told = dsb.query(OPENED, entity="debtor", record=id_)["dsgvoSealedValues"]
    assert [(each["text"], each["destroyed"]) for each in told] == [(None, True)] * 2
    assert dsb.query(FOUND, text="DE91100000000123456789")["dsgvoSealedRecords"]["records"] == [other]
    document = 'mutation ($id: ID!) { updateDebtor(id: $id, input: {remark: "neu"}) { id } }'
    xrm.as_role("admin").refused(document, "SEALED_KEY_DESTROYED", id=id_)


def test_a_text_that_stays_lacks_sealed_values_that_name_the_person_and_former_ones(xrm: Xrm) -> None:
    # given
    id_, dsb = debtor(xrm, "DE91100000000123456789"), xrm.as_role("dsb")
    document = "mutation ($id: ID!, $v: UpdateDebtorInput!) { updateDebtor(id: $id, input: $v) { id } }"
    note = "Von de02 1203 0000 0000 2020 51, früher DE91100000000123456789."
    xrm.as_role("admin").query(document, id=id_, v={"iban": IBAN, "note": note})

    # when
    plan = dsb.query(OPEN, i={"entity": "debtor", "record": id_})["dsgvoErasureOpen"]
    dsb.query(RUN, i={"run": plan["run"], "planHash": plan["planHash"]})

    # then
    found = xrm.as_role("admin").query("query ($id: ID!) { debtor(id: $id) { note } }", id=id_)
    assert found["debtor"]["note"] == "Von ███, früher ███."


def test_an_erasure_that_is_taken_back_leaves_the_keys(xrm: Xrm) -> None:
    # given
    id_, dsb = debtor(xrm), xrm.as_role("dsb")
    plan = dsb.query(OPEN, i={"entity": "debtor", "record": id_})["dsgvoErasureOpen"]

    # when
    dsb.post(RUN, i={"run": plan["run"], "planHash": "0" * 64})
    xrm.work()

    # then
    told = dsb.query(OPENED, entity="debtor", record=id_)["dsgvoSealedValues"]
    assert [each["text"] for each in told] == [IBAN, SECRET]
