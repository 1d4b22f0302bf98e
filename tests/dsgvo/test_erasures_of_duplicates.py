"""An erasure reaches the duplicates of a person (token C of I1), in the trash as well, and nobody else."""

import datetime as dt
from typing import Any

import pytest

from tests.dsgvo.canaries import tokens_in
from tests.dsgvo.test_access import SETUP
from tests.dsgvo.test_restrictions import dump
from xrm_core.records.trash_retention import remove_old
from xrm_core.testing import Client, Setup, Xrm

OPEN = """mutation ($i: DsgvoErasureOpenInput!) { dsgvoErasureOpen(input: $i) { run planHash
  records { entity record action fields { name decision } } candidates { entity record code } } }"""
RUN = "mutation ($i: DsgvoErasureRunInput!) { dsgvoErasureRun(input: $i) { status } }"


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return SETUP


def opened(agent: Client, contact: str, **more: Any) -> dict[str, Any]:
    given = {"entity": "contact", "record": contact, **more}
    return dict(agent.query(OPEN, i=given)["dsgvoErasureOpen"])


def decided(agent: Client, contact: str, **more: Any) -> dict[str, Any]:
    """A plan in which all texts that are to be reviewed go."""
    reviewed = [
        {"entity": record["entity"], "record": record["record"], "field": each["name"], "erase": True}
        for record in opened(agent, contact, **more)["records"]
        for each in record["fields"]
        if each["decision"] == "review"
    ]
    return opened(agent, contact, reviewed=reviewed, **more)


def test_a_duplicate_goes_along_also_out_of_the_trash(xrm: Xrm):
    # given that C is a duplicate of A, one more of them is in the trash, and somebody has the same name
    a, b, c = xrm.begun
    admin, agent, dsb = xrm.as_role("admin"), xrm.as_role("dsgvo_agent"), xrm.as_role("dsb")
    names = {"first_name": a.tokens["contact", "first_name"], "last_name": a.tokens["contact", "last_name"]}
    trashed = xrm.create("contact", **{**names, "last_name": "Papierkanarie"}, email=a.tokens["contact", "email"])
    admin.query("mutation ($id: ID!) { deleteContact(id: $id) { id } }", id=trashed)
    namesake = xrm.create("contact", **names)
    before = set(tokens_in(dump(xrm), [b]))

    # when
    plan = decided(agent, a.records["contact"])

    # then all three are in the plan, and who has but the name is a candidate
    planned = {each["record"] for each in plan["records"] if each["entity"] == "contact"}
    assert planned >= {a.records["contact"], c.records["contact"], trashed}
    assert namesake not in planned
    assert {"entity": "contact", "record": namesake, "code": "WEAK"} in plan["candidates"]

    # when
    given = {"run": plan["run"], "planHash": plan["planHash"]}
    dsb.query(RUN, i=given)

    # then nothing of the three is left, and all of the others
    left = dump(xrm)
    assert not {place for _, *place in tokens_in(left, [c]) if place[0] == "contact" and place[1].endswith("mail")}
    assert b"Papierkanarie" not in left
    assert set(tokens_in(left, [b])) == before
    assert names["last_name"].encode() in left  # of the namesake


def test_who_is_said_to_be_somebody_else_stays_and_who_is_confirmed_goes(xrm: Xrm):
    a, _, c = xrm.begun
    agent = xrm.as_role("dsgvo_agent")
    names = {"first_name": a.tokens["contact", "first_name"], "last_name": a.tokens["contact", "last_name"]}
    namesake = xrm.create("contact", **names)
    more = {
        "notTheirs": [{"entity": "contact", "record": c.records["contact"]}],
        "confirmed": [{"entity": "contact", "record": namesake}],
    }

    planned = {each["record"] for each in opened(agent, a.records["contact"], **more)["records"]}

    assert {a.records["contact"], namesake} <= planned
    assert c.records["contact"] not in planned


@pytest.mark.invariant("I1")
@pytest.mark.parametrize("then", ["trash", "purged", "restored"])
def test_what_became_part_of_the_persons_record_goes_along_unless_it_is_back(xrm: Xrm, then: str):
    # given a contact that somebody has merged into another, though they agree in nothing, and what became of it
    admin, agent, dsb = xrm.as_role("admin"), xrm.as_role("dsgvo_agent"), xrm.as_role("dsb")
    former = xrm.create("contact", first_name="M", last_name="Mergekanarie", email="merge@kanarie.example")
    stays = xrm.create("contact", first_name="N", last_name="Nachtigall")
    merge = "mutation ($into: ID!, $from: [ID!]!) { mergeContacts(into: $into, from: $from) { record { id } } }"
    admin.query(merge, into=stays, **{"from": [former]})
    if then == "purged":
        with xrm.database.begin() as connection:
            remove_old(connection, dt.datetime.now(dt.UTC) + dt.timedelta(days=1), 10)
    if then == "restored":
        admin.query("mutation ($id: ID!) { restoreContact(id: $id) { id } }", id=former)
    assert b"Mergekanarie" in dump(xrm)

    # when
    plan = decided(agent, stays)
    dsb.query(RUN, i={"run": plan["run"], "planHash": plan["planHash"]})

    # then
    assert (former in {each["record"] for each in plan["records"]}) is (then != "restored")
    left = dump(xrm)
    assert (b"Mergekanarie" in left, b"merge@kanarie.example" in left) == ((then == "restored"),) * 2
    assert b"Nachtigall" not in left
