"""What was worked out of erased values goes, on any record, unless it is worked out anew."""

from typing import Any

import pytest
import xrm_dsgvo

from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_erasures import HOLD, OPEN, RUN
from tests.dsgvo.test_restrictions import dump
from xrm_core.api import On, RecordChange, hookimpl
from xrm_core.testing import Setup, Xrm

RANK, BEST = 2_047_114_711, 2_047_114_713
CATEGORY = {"category": "user.demographic.profile", "origin": "derived"}
RECOMPUTE = {"erase": {"strategy": "recompute"}}


def field(*made_of: str, kind: str = "integer", of: str | None = None, **more: Any) -> dict[str, Any]:
    whose = {"of": of} if of else {}
    return {"type": kind, "x-dsgvo": {**CATEGORY, **whose, "derivedFrom": list(made_of), **RECOMPUTE}, **more}


FILES = {
    "contact.rated": {
        "x-extends": "contact",
        "properties": {
            "rank": field("job_title"),
            "length": field("job_title"),
            "mood": field("job_title", default=3),
            "boss": field("reports_to.job_title"),
        },
    },
    "project.rated": {
        "x-extends": "project",
        "properties": {
            "team_rank": field("members.job_title", of="customer"),
            "team_note": field("members.*", of="customer", default=1),
        },
    },
    "customer.rated": {
        "x-extends": "customer",
        "properties": {"best_rank": field("contacts.job_title"), "letters": field("contacts.*")},
    },
}


class Counting:
    """A plugin that works out how long job titles are, of contacts and of customers, and nothing else."""

    @hookimpl
    def register_record_hooks(self) -> list[On]:
        return [On("contact", ("create", "update", "delete"), before=self._counted)]

    def _counted(self, change: RecordChange) -> dict[str, Any] | None:
        customer = change.before.get("organisation") or change.after.get("organisation")
        if customer:
            change.then(lambda context, _: self._sum(context, str(customer["customer"])))
        if change.operation == "delete":
            return None
        return {"length": len(change.after.get("job_title") or "")}

    def _sum(self, context: Any, customer: str) -> None:
        theirs = context.find("contact", {"organisation": {"customer": {"id": {"eq": customer}}}})
        letters = {"letters": sum(len(each["job_title"] or "") for each in theirs)}
        context.records.update(context.connection, context.system, "customer", customer, letters)


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(plugins={"dsgvo": xrm_dsgvo, "count": Counting()}, files=FILES, environment=KEY)


def erase(xrm: Xrm, contact: str) -> dict[str, Any]:
    opened = xrm.as_role("dsgvo_agent").query(OPEN, i={"entity": "contact", "record": contact})["dsgvoErasureOpen"]
    given = {"run": opened["run"], "planHash": opened["planHash"]}
    return dict(xrm.as_role("dsb").query(RUN, i=given)["dsgvoErasureRun"])


def stored(xrm: Xrm, entity: str, id_: str, names: str) -> dict[str, Any]:
    return dict(xrm.as_role("admin").query(f"query ($id: ID!) {{ {entity}(id: $id) {{ {names} }} }}", id=id_)[entity])


def begun(xrm: Xrm) -> tuple[str, str, str]:
    """A company with two persons, and what somebody has worked out of the job of one."""
    firm = xrm.create("customer", name="Kern GmbH", legal_form="GmbH", best_rank=BEST)
    ada = xrm.create("contact", last_name="Kern", job_title="Chief", organisation={"customer": firm}, rank=RANK, mood=9)
    other = {"job_title": "Clerk of all", "organisation": {"customer": firm}, "reports_to": ada, "boss": 5}
    return firm, ada, xrm.create("contact", other, last_name="Vogel")


def test_what_nobody_works_out_anew_is_emptied_and_the_rest_is_right(xrm: Xrm):
    firm, ada, other = begun(xrm)
    assert stored(xrm, "customer", firm, "bestRank letters") == {"bestRank": BEST, "letters": 17}

    done = erase(xrm, ada)

    # then what was worked out of the person alone is nothing, or what it begins with, and of the plugin's what is left
    assert done["status"] == "complete"
    assert stored(xrm, "contact", ada, "rank mood length") == {"rank": None, "mood": 3, "length": 0}
    # of the company, which stays, too
    assert stored(xrm, "customer", firm, "name bestRank letters") == {
        "name": "Kern GmbH",
        "bestRank": None,
        "letters": 12,
    }
    # and of who worked for them
    assert stored(xrm, "contact", other, "boss length") == {"boss": None, "length": 12}
    # nor does the change log have it
    left = dump(xrm)
    assert not [each for each in (RANK, BEST) if str(each).encode() in left]


def test_what_a_hold_is_upon_keeps_what_was_worked_out_and_somebody_elses_is_left_alone(xrm: Xrm):
    firm, ada, _ = begun(xrm)
    other = xrm.create("customer", name="Vogel GmbH", best_rank=5)
    held = {"matter": "A-1", "basis": "§ 257 HGB", "entity": "customer", "record": firm}
    xrm.as_role("dsb").query(HOLD, i=held)

    erase(xrm, ada)

    assert stored(xrm, "customer", firm, "bestRank") == {"bestRank": BEST}
    assert stored(xrm, "customer", other, "bestRank") == {"bestRank": 5}


TEAM = "mutation ($i: CreateProjectMemberInput!) { createProjectMember(input: $i) { id } }"
LEAVE = "mutation ($id: ID!) { deleteProjectMember(id: $id) { id } }"


def test_what_was_worked_out_over_a_list_of_many_to_many_goes_for_those_in_it(xrm: Xrm):
    # given a project with two persons, one with another, and one that somebody has left
    _, ada, other = begun(xrm)
    admin = xrm.as_role("admin")
    both, others, left = (
        xrm.create("project", name=name, team_rank=number, team_note=number)
        for name, number in (("both", RANK), ("others", 7), ("left", 8))
    )
    for project, contact in ((both, ada), (both, other), (others, other), (left, ada)):
        id_ = admin.query(TEAM, i={"projectId": project, "contactId": contact})["createProjectMember"]["id"]
        if project == left:
            admin.query(LEAVE, id=id_)

    # when one of the two is erased
    done = erase(xrm, ada)

    # then it goes where they were, also from the log, and nowhere else
    assert done["status"] == "complete"
    assert stored(xrm, "project", both, "teamRank teamNote") == {"teamRank": None, "teamNote": 1}
    assert stored(xrm, "project", others, "teamRank teamNote") == {"teamRank": 7, "teamNote": 7}
    assert stored(xrm, "project", left, "teamRank") == {"teamRank": 8}
    assert str(RANK).encode() not in dump(xrm)
