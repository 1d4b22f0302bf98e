"""What other plugins write since a person is erased goes with them: points of leads, which are reckoned anew (I1)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from xrm_dsgvo import own
from xrm_dsgvo.erasure import running
from xrm_dsgvo.erasure.steps import STEPS, Step, Work

from tests.dsgvo.canaries import Person
from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_erasures import HOLD, OPEN, RUN
from tests.dsgvo.test_erasures import World as Erasing
from xrm_core.testing import Setup, Xrm

LEAD = """query ($id: ID!) { lead(id: $id) { lastName email country score status
  scores { nodes { points } } events { nodes { id } } } }"""
PLAN = "query ($run: String!) { dsgvoErasurePlan(run: $run) { status failures { code } } }"


def begin(xrm: Xrm) -> str:
    """A lead with points for what it is, for what it has done, and for what it lacks once it is erased."""
    rules: list[tuple[str, dict[str, Any], str]] = [
        ("German", {"country": {"eq": "DE"}}, "attributes"),
        ("No address", {"email": {"isNull": True}}, "attributes"),
        ("Active", {}, "behaviour"),
    ]
    for name, condition, about in rules:
        xrm.create("scoring_rule", name=name, points=10, condition=condition, about=about)
    lead = xrm.create("lead", last_name="Kanarie", email="eva@kanarie.example", country="DE")
    for at in ("2026-01-02T03:04:05Z", "2026-02-03T04:05:06Z"):
        xrm.create("lead_event", lead=lead, kind="call", subject="Kanarie called", at=at)
    xrm.work()  # new rules have all leads looked at again, once
    return lead


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo", "sales"], pack="core", environment=KEY, begin=begin)


@dataclass
class World:
    xrm: Xrm
    lead: str

    def opened(self, entity: str = "lead", record: str = "") -> dict[str, Any]:
        """A plan in which all texts go."""
        admin, given = self.xrm.as_role("admin"), {"entity": entity, "record": record or self.lead}
        reviewed = [
            {"entity": record["entity"], "record": record["record"], "field": each["name"], "erase": True}
            for record in admin.query(OPEN, i=given)["dsgvoErasureOpen"]["records"]
            for each in record["fields"]
            if each["decision"] == "review"
        ]
        return dict(admin.query(OPEN, i={**given, "reviewed": reviewed})["dsgvoErasureOpen"])

    def read(self) -> dict[str, Any]:
        return dict(self.xrm.as_role("admin").query(LEAD, id=self.lead)["lead"])

    def refused(self, opened: dict[str, Any], step: Callable[[Work], int], patch: pytest.MonkeyPatch) -> str:
        """Why a run is refused in which something else is done after each pass; nothing has changed by it."""
        before = self.read()
        patch.setattr(running, "STEPS", (*STEPS, Step("else", step)))
        refusal = self.xrm.as_role("dsb").refused(RUN, "REFUSED_BY_PLUGIN", i=given_of(opened))
        assert self.read() == before
        return refusal.message


@pytest.fixture
def world(xrm: Xrm) -> World:
    return World(xrm, xrm.begun)


def given_of(opened: dict[str, Any]) -> dict[str, Any]:
    return {name: opened[name] for name in ("run", "planHash")}


@pytest.mark.invariant("I1", "I7")
@pytest.mark.parametrize("at_once", [200, 0])
def test_a_lead_that_has_points_is_erased_with_those_that_it_gets_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setitem(vars(world.xrm.platform.plugins.settings_of("dsgvo")), "erasure_at_once", at_once)
    before, opened = world.read(), world.opened()
    assert [len(before[name]["nodes"]) for name in ("scores", "events")] == [2, 2]

    # when it is erased, at once or by a job
    dsb = world.xrm.as_role("dsb")
    dsb.query(RUN, i=given_of(opened))
    world.xrm.work()

    # then nothing of it is left, neither points of before nor such as it got for having no address
    stands = dsb.query(PLAN, run=opened["run"])["dsgvoErasurePlan"]
    assert stands == {"status": "complete", "failures": []}
    after = world.read()
    assert (after["lastName"], after["email"]) == ("—", None)
    assert [after[name]["nodes"] for name in ("scores", "events")] == [[], []]
    # and nothing is left to do
    again = dsb.query(RUN, i=given_of(world.opened()))["dsgvoErasureRun"]
    assert {each["count"] for each in again["steps"]} <= {0}
    # nor does it get points for what is left, when all open leads are looked at again
    world.xrm.create("scoring_rule", name="All", points=5, condition={"country": {"eq": "DE"}}, about="attributes")
    world.xrm.work()
    assert (world.read()["scores"]["nodes"], world.read()["score"], world.read()["country"]) == ([], 0, "DE")


def test_what_is_written_anew_each_time_refuses_the_erasure_as_a_whole(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[Work] = []

    def restless(work: Work) -> int:
        done.append(work)
        return 1

    assert "not complete (1 values" in world.refused(world.opened(), restless, monkeypatch)
    assert len(done) == 1 + running.MOST_LOOKS


def test_a_text_that_is_written_meanwhile_goes_not_without_somebody_who_decides(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = world.xrm.create("contact", first_name="Eva", last_name="Kern")

    def writes(work: Work) -> int:
        own.create(work.context, "activity", {"kind": "note", "subject": "Eva and Bo", "contact": contact})
        return 1

    assert "(activity.subject)" in world.refused(world.opened("contact", contact), writes, monkeypatch)


@pytest.mark.invariant("I20")
def test_what_the_plan_keeps_goes_not_by_what_has_come_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a hold upon what the lead has done, which ends while the lead is erased
    [event, _] = world.read()["events"]["nodes"]
    given = {"matter": "AZ 12/26", "basis": "Art. 17(3)(e) DSGVO", "entity": "lead_event", "record": event["id"]}
    hold = world.xrm.as_role("admin").query(HOLD, i=given)["dsgvoHoldSet"]["hold"]

    def releases(work: Work) -> int:
        own.change(work.context, "legal_hold", hold, {"status": "released"})
        return 1

    assert "(lead_event) would lose" in world.refused(world.opened(), releases, monkeypatch)


@pytest.mark.invariant("I20")
def test_a_hold_that_comes_while_it_is_erased_takes_it_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    contact = world.xrm.create("contact", first_name="Eva", last_name="Kern")
    hold = {"matter": "AZ 12/26", "basis": "x", "entity_name": "contact", "record_id": contact, "status": "active"}

    def holds(work: Work) -> int:
        if not work.context.find("legal_hold", {}):
            own.create(work.context, "legal_hold", hold)
        return 0

    assert "hold" in world.refused(world.opened("contact", contact), holds, monkeypatch)


@pytest.mark.invariant("I1")
def test_who_is_erased_gets_no_notice_at_the_former_address(world: World) -> None:
    # given a user who is told of another address at the one before
    user = world.xrm.create("user", first_name="Eva", last_name="Kern", email="first@kanarie.example")
    erasing = Erasing(world.xrm, world.xrm.as_role("admin"), *[Person("A"), Person("B")])
    erasing.update("user", user, {"email": "second@kanarie.example"})
    assert erasing.dump().count(b"first@kanarie.example") > 0

    world.xrm.as_role("dsb").query(RUN, i=given_of(world.opened("user", user)))

    assert b"@kanarie.example" not in erasing.dump().replace(b"eva@kanarie.example", b"")


def test_what_activities_say_of_a_lead_goes_though_nothing_else_leads_to_it(world: World) -> None:
    # Given a call that names a lead, and only that
    call = world.xrm.create(
        "activity", kind="call", subject="Kanarie rang", description="Kanarie wants two", lead=world.lead
    )
    # When the lead is erased
    world.xrm.as_role("dsb").query(RUN, i=given_of(world.opened()))
    # Then the call names it no more
    asked = "query ($id: ID!) { activity(id: $id) { subject description } }"
    found = world.xrm.as_role("admin").query(asked, id=call)["activity"]
    assert "Kanarie" not in str(found)
