"""Erasures, from the plan to what is left in the database (I1, I4, I7, I20, I23, I30), with canaries everywhere."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from sqlalchemy import inspect, text

from tests.dsgvo.canaries import Canaries, Person, tokens_in
from tests.dsgvo.conftest import KEY
from tests.dsgvo.consents import Consents, consents  # noqa: F401 - a fixture
from tests.dsgvo.test_canaries import OWN
from xrm_core import naming
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.sealing import seal_all
from xrm_core.changes.verifying import verify
from xrm_core.records.log_values import close
from xrm_core.testing import Client, Setup, Xrm

OPEN = """
mutation ($i: DsgvoErasureOpenInput!) { dsgvoErasureOpen(input: $i) { run planHash needsReview
  records { entity record action cut fields { name decision code strategy basis until } } defects { code } } }"""
RUN = """
mutation ($i: DsgvoErasureRunInput!) { dsgvoErasureRun(input: $i) { status backupClearOn
  steps { name count } kept { datenart decision basis until records } } }"""
READ = """
query ($run: String!) { dsgvoErasurePlan(run: $run) { status trigger planHash needsReview backupClearOn
  records { entity record action cut fields { name decision code strategy basis until } } defects { code }
  steps { name count } kept { datenart decision basis until records } } }"""
RESTRICTIONS = "{ restrictions { nodes { id ground status purposes } } }"
LOOK = """mutation ($i: DsgvoRestrictionLookInput!) { dsgvoRestrictionLook(input: $i) {
  records { entity record values { field value } } } }"""
HOLD = "mutation ($i: DsgvoHoldSetInput!) { dsgvoHoldSet(input: $i) { hold status } }"
RELEASE = 'mutation ($h: String!) { dsgvoHoldRelease(input: {hold: $h, because: "Settled."}) { status } }'


@dataclass
class World:
    """A is to be erased, B is somebody else."""

    xrm: Xrm
    admin: Client
    a: Person
    b: Person

    def open(self, person: Person, reviewed: Any = (), entity: str = "contact", **more: Any) -> dict[str, Any]:
        given = {"entity": entity, "record": person.records[entity], "reviewed": list(reviewed), **more}
        return dict(self.admin.query(OPEN, i=given)["dsgvoErasureOpen"])

    def decided(self, person: Person, entity: str = "contact") -> dict[str, Any]:
        """A plan in which all texts that are to be reviewed go."""
        reviewed = [
            {"entity": record["entity"], "record": record["record"], "field": each["name"], "erase": True}
            for record in self.open(person, entity=entity)["records"]
            for each in record["fields"]
            if each["decision"] == "review"
        ]
        return self.open(person, reviewed, entity)

    def run(self, opened: dict[str, Any], by: str = "dsb") -> dict[str, Any]:
        given = {"run": opened["run"], "planHash": opened["planHash"]}
        return dict(self.xrm.as_role(by).query(RUN, i=given)["dsgvoErasureRun"])

    def update(self, entity: str, id_: str, values: dict[str, Any]) -> None:
        kind = naming.pascal(entity)
        document = f"mutation ($id: ID!, $v: Update{kind}Input!) {{ update{kind}(id: $id, input: $v) {{ id }} }}"
        self.admin.query(document, id=id_, v={naming.camel(name): value for name, value in values.items()})

    def close_log(self) -> None:
        """Have no value in clear in the change log, as after some seconds."""
        seal_all(self.xrm.database, ChainKeys(""))
        close(self.xrm.database, self.xrm.platform.records)

    def dump(self) -> bytes:
        """All rows of all tables."""
        with self.xrm.database.read() as connection:
            names = inspect(connection).get_table_names()
            rows = [row for name in names for row in connection.execute(text(f'SELECT * FROM "{name}"'))]
        values = [bytes(each) if isinstance(each, memoryview) else each for row in rows for each in row]
        return b"\n".join(each if isinstance(each, bytes) else str(each).encode() for each in values)


def begin(xrm: Xrm) -> tuple[Person, Person]:
    canaries = Canaries(xrm, but=(*OWN, "legal_hold", "retention_event", "erasure_run"))
    return canaries.fill("A"), canaries.fill("B")


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo"], pack="association", environment=KEY, begin=begin)


@pytest.fixture
def world(xrm: Xrm) -> World:
    return World(xrm, xrm.as_role("admin"), *xrm.begun)


@pytest.mark.invariant("I1", "I4", "I7", "I30")
def test_nothing_of_a_person_is_left_but_what_is_said_to_stay_and_all_of_others_is(world: World):
    # given a person whose address and phone stand in a text that is about others, too, and once had another address
    text_ = f"Call A: {world.a.tokens['contact', 'mobile']}, {world.a.tokens['contact', 'email'].upper()}, or B."
    activity = world.a.records["activity"]
    world.update("activity", activity, {"subject": text_})
    world.update("contact", world.a.records["contact"], {"email": "later@vogel.example"})
    others = tokens_in(world.dump(), [world.b])

    # when the person is erased
    opened = world.decided(world.a)
    assert any(each["decision"] == "review" for each in fields_of(world.open(world.a)))
    done = world.run(opened)

    # then no value of any of their records is anywhere in the database, in whatever form (I1)
    assert {each["datenart"] for each in done["kept"]} <= {"widersprueche"}
    planned = {each["entity"] for each in opened["records"]}
    assert planned >= {"contact", "member", "donation", "fee", "activity", "event_registration"}
    blackened = {
        (each["entity"], f["name"])
        for each in opened["records"]
        for f in each["fields"]
        if f["strategy"] == "redact_text"
    }
    dump = world.dump()
    left = {(entity, name) for _, entity, name in tokens_in(dump, [world.a]) if entity in planned}
    assert left <= blackened
    assert b"later@vogel.example" not in dump
    # the text lost what names the person, and not the rest
    subject = world.admin.query("query ($id: ID!) { activity(id: $id) { subject contact { id } } }", id=activity)
    assert subject["activity"] == {"subject": "Call A: ███, ███, or B.", "contact": None}
    # and all of others is where it was (I4)
    assert tokens_in(dump, [world.b]) == others
    # the report says what was done, without content (I30)
    report = world.admin.query("{ erasureRuns { nodes { status report backupClearOn scope } } }")["erasureRuns"][
        "nodes"
    ]
    assert not tokens_in(json.dumps(report).encode(), [world.a])
    [done] = [each for each in report if each["status"] != "planned"]
    assert done["report"]["steps"]["history"] > 0

    # and a second erasure has nothing more to do (I7)
    again = world.run(world.decided(world.a))
    assert {each["count"] for each in again["steps"]} == {0}


@pytest.mark.invariant("I1")
def test_texts_that_stay_for_others_lack_what_names_the_person_and_one_word_decides_on_all_of_a_field(world: World):
    # given texts on which somebody has to decide, one of which names the person
    email = world.a.tokens["contact", "email"]
    activity = world.a.records["activity"]
    world.update("activity", activity, {"subject": f"Call A: {email}, or B."})
    texts = {
        (each["entity"], field["name"])
        for each in world.open(world.a)["records"]
        for field in each["fields"]
        if field["decision"] == "review"
    }

    # when all of them are to stay
    stay = [{"entity": entity, "field": field, "erase": False} for entity, field in texts]
    opened = world.open(world.a, stay)
    assert ("activity", "subject") in texts
    assert not opened["needsReview"]
    world.run(opened)

    # then they do, without the name, which is in no former version of them either
    read = world.admin.query("query ($id: ID!) { activity(id: $id) { subject } }", id=activity)
    assert read["activity"]["subject"] == "Call A: ███, or B."
    assert email.encode() not in world.dump()


def test_after_a_withdrawal_only_what_was_for_the_activities_that_have_ended_goes(world: World):
    # given a plan of what was for donations alone
    opened = world.open(world.a, trigger="withdrawal", ended=["verein.spenden", "buchhaltung.belege"])
    world.admin.refused(
        OPEN, "REFUSED_BY_PLUGIN", i={"entity": "contact", "record": world.a.records["contact"], "ended": ["nothing"]}
    )

    # then it has other records as they are, for the activities that go on
    codes = {
        (record["entity"], each["name"]): each["code"] for record in opened["records"] for each in record["fields"]
    }
    donation = {code for (entity, _), code in codes.items() if entity == "donation"}
    assert "OTHER_BASIS" not in donation
    assert "NOTHING_KEEPS_IT" in donation
    assert {codes["contact", name] for name in ("first_name", "last_name", "email")} == {"OTHER_BASIS"}
    assert not opened["needsReview"]


@pytest.mark.invariant("I23")
def test_the_log_verifies_before_and_after(world: World):
    world.xrm.work()
    world.run(world.decided(world.a))
    world.xrm.work()

    with world.xrm.database.read() as connection:
        assert verify(connection, ChainKeys("")).findings == ()


@pytest.mark.invariant("I6")
def test_what_the_law_demands_stays_without_a_way_to_the_person(world: World):
    donation = world.a.records["donation"]
    world.update("donation", donation, {"donated_on": f"{date.today().year}-01-15"})

    done = world.run(world.decided(world.a))

    assert done["status"] == "complete_with_retention"
    [kept] = [each for each in done["kept"] if each["datenart"] == "spenden"]
    assert (kept["decision"], kept["until"]) == ("restrict", f"{date.today().year + 10}-12-31")
    assert "§ 147 AO" in kept["basis"]
    found = world.admin.query(
        "query ($id: ID!) { donation(id: $id) { donor { ... on Contact { id fullName } } } }", id=donation
    )
    assert found["donation"]["donor"]["id"] != world.a.records["contact"]
    assert not tokens_in(json.dumps(found).encode(), [world.a])


def test_proofs_stay_without_the_address_and_an_address_of_two_stays_the_other_s(world: World, consents: Consents):  # noqa: F811
    a, b = ({"entity": "contact", "record": each.records["contact"]} for each in (world.a, world.b))
    consents.consent("ada@example.com", person=a)
    for person in (a, b):
        consents.consent("family@example.com", person=person)
    assert consents.object("ada@example.com", person=a)["status"] == "effective"

    done = world.run(world.decided(world.a))

    assert done["status"] == "complete_with_retention"
    assert {(each["datenart"], each["basis"]) for each in done["kept"] if each["decision"] == "keep"} >= {
        ("kontaktpunkte", "OTHERS"),
    }
    assert {each["datenart"] for each in done["kept"] if each["decision"] == "keep"} == {
        "einwilligungen",
        "kontaktpunkte",
        "widersprueche",
    }
    addresses = {each["value"] for each in consents.rows("contactPoints", "value")}
    assert {"family@example.com", None} <= addresses
    assert "ada@example.com" not in addresses
    assert len(consents.rows("consents", "id")) == 3
    assert consents.permit("ada@example.com") == "E_OBJECTION"
    assert consents.permit("family@example.com") != "E_ERASED"
    assert b"ada@example.com" not in world.dump()
    assert {each["status"] for each in consents.rows("dataSubjects", "status")} == {"erased", "active"}


@pytest.mark.invariant("I20")
def test_a_hold_keeps_all_of_a_person_for_what_it_is_for_alone_until_it_is_released(world: World):
    contact = world.a.records["contact"]
    given = {"matter": "AZ 12/26", "basis": "Art. 17(3)(e) DSGVO", "entity": "contact", "record": contact}
    hold = world.admin.query(HOLD, i=given)["dsgvoHoldSet"]["hold"]
    held = world.open(world.a)
    assert {each["action"] for each in held["records"]} == {"hold"}
    planned = {(each["entity"], one["name"]) for each in held["records"] for one in each["fields"]}

    # when it is run
    done = world.run(held)

    # then nothing is erased, and nobody finds it but for a legal claim
    assert (done["status"], {each["name"] for each in done["steps"]}) == ("complete_with_retention", {"restricted"})
    assert not {tuple(place) for _, *place in tokens_in(world.dump(), [world.a])} & planned
    dsb = world.xrm.as_role("dsb")
    [kept] = dsb.query(RESTRICTIONS)["restrictions"]["nodes"]
    assert (kept["ground"], kept["status"], kept["purposes"]) == ("hold", "active", ["legal_claims"])
    look = {"restriction": kept["id"], "because": "The court asks."}
    dsb.refused(LOOK, "REFUSED_BY_PLUGIN", i={**look, "purpose": "public_interest"})
    told = dsb.query(LOOK, i={**look, "purpose": "legal_claims"})
    assert ("A", "contact", "email") in tokens_in(json.dumps(told).encode(), [world.a])

    # when it is released
    assert world.admin.query(RELEASE, h=hold)["dsgvoHoldRelease"]["status"] == "released"

    # then somebody is reminded, and it goes
    due = {"what": "restriction_review", "record": kept["id"], "due": date.today().isoformat()}
    assert due in dsb.query("{ dsgvoDue { what record due } }")["dsgvoDue"]
    world.run(decided := world.decided(world.a))
    black = {
        (each["entity"], f["name"])
        for each in decided["records"]
        for f in each["fields"]
        if f["strategy"] == "redact_text"
    }
    assert not {tuple(place) for _, *place in tokens_in(world.dump(), [world.a])} & planned - black
    assert dsb.query(RESTRICTIONS)["restrictions"]["nodes"][0]["status"] == "lifted"
    dsb.refused(LOOK, "REFUSED_BY_PLUGIN", i={**look, "purpose": "legal_claims"})


def test_a_plan_is_run_as_it_was_seen_and_by_somebody_else_where_much_depends_on_it(world: World):
    undecided, opened = world.open(world.a), world.decided(world.a)
    dsb, agent, auditor = (world.xrm.as_role(name) for name in ("dsb", "dsgvo_agent", "auditor"))

    given = {"run": opened["run"], "planHash": opened["planHash"]}
    for client, what, field in (
        (dsb, {"run": undecided["run"], "planHash": undecided["planHash"]}, "reviewed"),
        (dsb, {**given, "planHash": "0" * 64}, "planHash"),
        (world.admin, given, "run"),
    ):
        refusal = client.refused(RUN, "REFUSED_BY_PLUGIN", i=what)
        assert refusal.details["field"] == field
    for client, document, what in ((agent, RUN, given), (auditor, RUN, given), (auditor, OPEN, {})):
        answer = client.post(document, i=what).json()
        assert {each["extensions"]["code"] for each in answer["errors"]} == {"BAD_QUERY"}
    world.admin.refused(OPEN, "REFUSED_BY_PLUGIN", i={"entity": "project", "record": world.a.records["project"]})

    # a new record of the person makes it another plan
    world.xrm.create("activity", {"subject": "New", "kind": "note", "contact": world.a.records["contact"]})
    assert dsb.refused(RUN, "REFUSED_BY_PLUGIN", i=given).details["field"] == "planHash"


def test_a_plan_is_read_again_as_it_was_opened_and_says_what_was_done_by_it(world: World):
    # given a plan, before and after it is run
    opened = world.decided(world.a)
    agent, auditor, rep = (world.xrm.as_role(name) for name in ("dsgvo_agent", "auditor", "sales_rep"))

    def read(client: Client) -> dict[str, Any]:
        return dict(client.query(READ, run=opened["run"])["dsgvoErasurePlan"])

    before = read(auditor)
    done = world.run(opened)
    after = read(agent)

    # then it is what was opened, until it is done, and what the run has answered
    plan = {key: opened[key] for key in ("planHash", "needsReview", "records", "defects")}
    nothing = {"status": "planned", "trigger": "request", "steps": [], "kept": [], "backupClearOn": None}
    assert before == plan | nothing
    assert {key: after[key] for key in done} == done
    # after that it says what became of which kinds of records, and of none which one it was
    assert {(each["entity"], each["action"]) for each in after["records"]} == {
        (each["entity"], each["action"]) for each in opened["records"]
    }
    assert {each["record"] for each in after["records"]} == {None}
    assert any(each["action"] == "delete" for each in after["records"])

    # and has no content, and is not for everybody
    assert not tokens_in(json.dumps(after).encode(), [world.a, world.b])
    rep.refused(READ, "BAD_QUERY", run=opened["run"])
    unknown = agent.refused(READ, "REFUSED_BY_PLUGIN", run=world.a.records["contact"])
    assert unknown.details["field"] == "run"


def fields_of(opened: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for record in opened["records"] for each in record["fields"]]
