"""Who has looked at a person's data is told by days, and that somebody makes the answer is a look itself."""

import json

import pytest

from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_access import ACCESS
from tests.dsgvo.test_requests import done, known, opened
from xrm_core.testing import Setup, Xrm

LOGGED = {"x-extends": "contact", "x-log-reads": ["email"]}
READS = "query ($r: ID!) { readLog(record: $r, first: 20) { userId fields } }"


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo"], environment=KEY, files={"contact.logged": LOGGED})


def test_days_on_which_somebody_has_looked_are_told_without_names(xrm: Xrm):
    admin, agent = xrm.as_role("admin"), xrm.as_role("dsgvo_agent")
    contact = str(xrm.create("contact", {"last_name": "Weiß", "email": "ada@example.org"}))
    for _ in range(2):
        admin.query("query ($id: ID!) { contact(id: $id) { email } }", id=contact)
    request = opened(agent, "access")
    known(agent, request, contact)

    first = json.loads(done(agent, ACCESS, request=request)["content"])
    page = done(agent, ACCESS, request=request, form="html", language="en")["content"]

    [told] = [each for each in first["data"] if each["entity"] == "contact"]
    assert [each["times"] for each in told["reads"]] == [2]
    assert "Looked at on" in page
    assert admin.user_id not in json.dumps(first)
    # each answer that was made is a look by who has made it
    reads = admin.query(READS, r=contact)["readLog"]
    assert [each["userId"] for each in reads] == [agent.user_id] * 2 + [admin.user_id] * 2
    assert "email" in reads[0]["fields"]
