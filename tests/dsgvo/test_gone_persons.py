"""Somebody had deleted the record that was a person, and it has left the trash: what the change log has of it is found
by what named them, told, and erased (I1, I10).
"""

import datetime as dt
import json
from typing import Any

import pytest

from tests.dsgvo.test_access import ACCESS
from tests.dsgvo.test_erasures import OPEN, RUN
from tests.dsgvo.test_requests import IDENTIFY, REFUSED, done, known, opened
from tests.dsgvo.test_restrictions import dump
from xrm_core.changes.reading import logged
from xrm_core.records.trash_retention import remove_old
from xrm_core.testing import Xrm

GRAPH = """query ($email: String!, $gone: Boolean!) { dsgvoSubjectGraph(email: $email, gone: $gone) {
  records { entity record own deleted } } }"""
EMAIL = "kanarie@vogel.example"
CANARY = "Kanarienvogel"


def contact(xrm: Xrm, email: str = EMAIL, name: str = CANARY) -> str:
    return str(xrm.create("contact", {"first_name": "Ada", "last_name": name, "email": email, "city": f"{name}stadt"}))


@pytest.fixture
def gone(xrm: Xrm) -> str:
    """Her record, and one of somebody else, both gone for good; a log of which nothing is in clear."""
    ids = [contact(xrm), contact(xrm, "other@vogel.example", "Andersens")]
    for id_ in ids:
        xrm.as_role("admin").query("mutation ($id: ID!) { deleteContact(id: $id) { id } }", id=id_)
    with xrm.database.begin() as connection:
        remove_old(connection, dt.datetime.now(dt.UTC) + dt.timedelta(days=1), 100)
    return ids[0]


def erased(xrm: Xrm, record: str) -> dict[str, Any]:
    dsb = xrm.as_role("dsb")
    plan = done(dsb, OPEN, entity="contact", record=record)
    done(dsb, RUN, run=plan["run"], planHash=plan["planHash"])
    xrm.work()
    return plan


def values_in_log(xrm: Xrm, id_: str) -> str:
    with xrm.database.read() as connection:
        return json.dumps([dict(each.fields) for each in logged(connection, record_id=id_, limit=None)])


@pytest.mark.invariant("I1", "I10")
def test_who_has_no_record_any_more_is_found_told_and_erased(xrm: Xrm, gone: str) -> None:
    agent = xrm.as_role("dsgvo_agent")
    # given a request by the address that the log has
    request = opened(agent, "access", address=EMAIL)
    assert agent.query(GRAPH, email=EMAIL, gone=False)["dsgvoSubjectGraph"]["records"] == []
    found = agent.query(GRAPH, email=EMAIL, gone=True)["dsgvoSubjectGraph"]["records"]
    assert found == [{"entity": "contact", "record": gone, "own": True, "deleted": True}]
    assert done(agent, IDENTIFY, request=request, grade="known_facts")["status"] == "in_work"
    assert "Somebody is known" in agent.refused(ACCESS, REFUSED, i={"request": request}).message

    # when it is said that it is them, then they are told what there is
    request = opened(agent, "access")
    known(agent, request, gone)
    content = json.loads(agent.query(ACCESS, i={"request": request})["dsgvoAccess"]["content"])
    [told] = [each for each in content["data"] if each["entity"] == "contact"]
    assert (told["id"], told["gone"]) == (gone, True)
    assert {each["name"]: each["value"] for each in told["fields"]}["last_name"] == CANARY
    assert "Andersens" not in json.dumps(content)
    page = agent.query(ACCESS, i={"request": request, "form": "html", "language": "de"})["dsgvoAccess"]["content"]
    assert "noch im Änderungsprotokoll" in page

    # and it is erased like the record of anybody
    assert CANARY in values_in_log(xrm, gone)
    plan = erased(xrm, gone)
    assert gone in {each["record"] for each in plan["records"]}
    assert CANARY not in values_in_log(xrm, gone)
    assert CANARY.encode() not in dump(xrm)
    assert agent.query(GRAPH, email=EMAIL, gone=True)["dsgvoSubjectGraph"]["records"] == []
    # once more there is nothing to do, and nothing of anybody else has gone
    plan = done(xrm.as_role("dsb"), OPEN, entity="contact", record=gone)
    again = done(xrm.as_role("dsb"), RUN, run=plan["run"], planHash=plan["planHash"])
    assert {each["count"] for each in again["steps"]} == {0}
    assert agent.query(GRAPH, email="other@vogel.example", gone=True)["dsgvoSubjectGraph"]["records"]


@pytest.mark.invariant("I1")
def test_who_has_come_again_is_erased_with_what_the_log_has_of_the_first_time(xrm: Xrm, gone: str) -> None:
    again = contact(xrm, EMAIL.upper(), "Neuling")

    plan = erased(xrm, again)

    assert {gone, again} <= {each["record"] for each in plan["records"]}
    assert CANARY not in values_in_log(xrm, gone)


@pytest.mark.invariant("I1")
def test_texts_of_others_that_name_who_is_gone_are_in_the_plan(xrm: Xrm, gone: str) -> None:
    # given a note that belongs to nobody
    note = xrm.create("activity", kind="note", subject="Notiz", description=f"Rückruf an Ada {CANARY}")

    plan = done(xrm.as_role("dsb"), OPEN, entity="contact", record=gone)

    [named] = [each for each in plan["records"] if each["record"] == note]
    assert [(each["name"], each["decision"]) for each in named["fields"]] == [("description", "review")]


def test_a_family_that_has_had_the_address_is_asked_about(xrm: Xrm, gone: str) -> None:
    # given somebody of another first name with the address of who is gone
    given = {"first_name": "Bela", "last_name": CANARY, "email": EMAIL}
    other = str(xrm.create("contact", given))

    # then nothing is erased without anybody asking
    dsb = xrm.as_role("dsb")
    document = OPEN.replace("defects { code }", "candidates { entity record code }")
    plan = done(dsb, document, entity="contact", record=other)
    assert gone not in {each["record"] for each in plan["records"]}
    assert {"entity": "contact", "record": gone, "code": "OTHER_NAME"} in plan["candidates"]
