"""Sealed values are told to the person, by who may open them; nobody gets them by the right to make answers alone."""

import json
from typing import Any

import pytest

from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_access import ACCESS
from tests.dsgvo.test_requests import ANSWER, DECIDE, done, known, opened, refused
from tests.dsgvo.test_restrictions import ANNOUNCE, LIFT
from tests.dsgvo.test_restrictions import OPEN as RESTRICT
from xrm_core.testing import Client, Setup, Xrm

CHANGE = 'mutation ($id: ID!) { updateContact(id: $id, input: {lastName: "Haßlach"}) { id } }'
SECRET = "Zöliakie seit 1999"
HEALTH = {
    "type": "string",
    "maxLength": 40,
    "x-sealed": {"class": "art9"},
    "x-labels": {"de": "Unverträglichkeit", "en": "Intolerance"},
    "x-dsgvo": {
        "category": "user.health_and_medical",
        "special": "art9",
        "origin": "provided",
        "purposes": ["analytics.reporting"],
        "encrypt": {"key": "subject"},
        "erase": {"strategy": "null"},
    },
}
FILES = {
    "member.health": {
        "x-extends": "member",
        "properties": {"intolerance": HEALTH},
    }
}


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    sealed = {"roles": {"scribe": {}}}
    actions = ("request_open", "request_identify", "request_answer", "access")
    policies = [f"scribe,dsgvo.{name},run,*,,allow" for name in actions]
    return Setup(plugins=["dsgvo"], pack="association", environment=KEY, files=FILES, roles=sealed, policies=policies)


def told(client: Client, request: str) -> tuple[dict[str, Any], set[str]]:
    made = done(client, ACCESS, request=request)
    return made, {each["code"] for each in made["leftOut"] if each["field"] == "intolerance"}


def test_a_sealed_value_is_told_by_who_may_open_it(xrm: Xrm):
    agent, dsb, trusted = xrm.as_role("scribe"), xrm.as_role("dsb"), xrm.as_role("dsgvo_agent")
    contact = xrm.create("contact", {"first_name": "Ada", "last_name": "Weiß"})
    member = xrm.create("member", {"contact": contact, "intolerance": SECRET})
    request = opened(agent, "access")
    known(agent, request, contact)
    done(dsb, DECIDE, request=request, decision="granted")

    made, left_out = told(agent, request)
    assert SECRET not in made["content"]
    assert left_out == {"SEALED"}
    assert "not made" in refused(agent, ANSWER, request=request, via="letter")

    made, left_out = told(trusted, request)
    values = [f["value"] for each in json.loads(made["content"])["data"] for f in each["fields"]]
    assert SECRET in values
    assert left_out == set()
    # that somebody got it is logged, and the answer goes out
    reads = xrm.as_role("admin").query("query ($r: ID!) { readLog(record: $r) { userId fields } }", r=member)["readLog"]
    assert [each["userId"] for each in reads] == [trusted.user_id]
    assert "intolerance" in reads[0]["fields"]
    assert done(agent, ANSWER, request=request, via="letter")["status"] == "answered"


def test_who_administers_everything_gets_nothing_out_of_the_vault(xrm: Xrm):
    admin, dsb, agent = (xrm.as_role(name) for name in ("admin", "dsb", "dsgvo_agent"))
    contact = xrm.create("contact", {"first_name": "Ada", "last_name": "Haßlacher"})
    admin.query(CHANGE, id=contact)  # a former value, too
    request = opened(admin, "access")
    known(admin, request, contact)
    given = {"person": {"entity": "contact", "record": contact}, "ground": "accuracy", "because": "Contested."}
    restriction = done(dsb, RESTRICT, **given)["restriction"]
    done(dsb, ANNOUNCE, restriction=restriction, via="letter")

    made = done(admin, ACCESS, request=request)

    assert "Haßlacher" not in made["content"]
    assert "Haßlach" not in made["content"]  # nor former values
    assert {("SEALED", "vault"), ("SEALED_FORMER", "change_log")} <= {(e["code"], e["store"]) for e in made["leftOut"]}
    assert "Haßlach" in done(agent, ACCESS, request=request)["content"]
    # and brings nothing back into the tables
    assert "may open it" in refused(admin, LIFT, restriction=restriction, because="x")
    assert done(dsb, LIFT, restriction=restriction, because="It is right.")["status"] == "lifted"
