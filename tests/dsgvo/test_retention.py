"""What is due by its period goes each night, once, and what is needed, held or restricted stays (I19, I20)."""

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text
from xrm_dsgvo.erasure import reach
from xrm_dsgvo.retention import carrying, engine

from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_archive import LOOK
from tests.dsgvo.test_restrictions import ANNOUNCE, LIFT, OPEN, done
from tests.dsgvo.test_sealed import OPENED
from xrm_core.testing import Client, Setup, Xrm

HOLD = "mutation ($i: DsgvoHoldSetInput!) { dsgvoHoldSet(input: $i) { hold } }"
RELEASE = 'mutation ($h: String!) { dsgvoHoldRelease(input: {hold: $h, because: "Settled."}) { status } }'
REPORT = """mutation { dsgvoRetentionReport { day lines { entity retentionClass legalRef then due fieldsDue
  held restricted suspended needed review startMissing overdue } } }"""
DUE = "{ dsgvoDue { what record due } }"
PROTOCOL = """{ deletionEntries { nodes { entityName recordId datenart retentionClass legalRef beganOn keptUntil how
  fieldNames run { day status report } } } }"""


REMINDER = {
    "x-entity": "reminder",
    "type": "object",
    "required": ["contact"],
    "x-dsgvo": {
        "v": 1,
        "datenart": "aktivitaeten",
        "subject": {"role": "about_subject", "kinds": ["customer"]},
        "activities": ["vertrieb.kundenpflege"],
        "retention": {
            "class": "LK-3J-VORGANG",
            "start": {"type": "collection", "field": "created_at"},
            "then": "delete",
        },
        "onErase": "delete",
    },
    "properties": {
        "contact": {
            "x-relation": {"to": "contact", "inverse": "reminders", "on_delete": "cascade"},
            "x-dsgvo": {"link": {"role": "owner", "traverse": "down", "onErase": "cascade"}},
        },
        "wording": {
            "type": "string",
            "x-sealed": {"subject": "contact", "class": "reminders"},
            "x-dsgvo": {
                "category": "user.financial",
                "of": "contact",
                "origin": "provided",
                "erase": {"strategy": "null"},
                "encrypt": {"key": "subject"},
            },
        },
    },
}


@dataclass
class World:
    """An association; days are those of the controller."""

    xrm: Xrm
    admin: Client

    def night(self, day: str, *, fails: bool = False) -> None:
        """The nights until then have been; this one comes."""
        self.xrm.clock.set(f"{day}T03:00+01:00")
        self.xrm.work(fails=fails)

    def contact(self, name: str = "Ada", ended: str | None = None) -> str:
        values = {"first_name": "Kim", "last_name": name, "email": f"{name.lower()}@vogel.example"}
        id_ = self.xrm.create("contact", values)
        if ended:
            self.ends(id_, ended)
        return id_

    def ends(self, contact: str, day: str) -> None:
        of = {"entity_name": "contact", "record_id": contact}
        self.xrm.create("retention_event", {"event": "contact.relationship_ended", "happened_on": day, **of})

    def name(self, contact: str) -> str:
        found = self.xrm.get("contact", contact)
        assert found is not None
        return str(found["last_name"])

    def there(self, activities: list[str]) -> int:
        return sum(self.xrm.get("activity", each) is not None for each in activities)

    def report(self, entity: str, role: str = "dsb") -> dict[str, Any]:
        found = self.xrm.as_role(role).query(REPORT)["dsgvoRetentionReport"]["lines"]
        [line] = [each for each in found if each["entity"] == entity]
        return {name: value for name, value in line.items() if value}

    def runs(self, day: str) -> list[dict[str, Any]]:
        document = "query ($d: Date!) { retentionRuns(where: {day: {eq: $d}}) { nodes { status mode report } } }"
        return list(self.xrm.as_role("dsb").query(document, d=day)["retentionRuns"]["nodes"])

    def defects(self, day: str) -> list[dict[str, str]]:
        """Those of contacts."""
        return [each for each in self.runs(day)[0]["report"]["defects"] if each["entity"] == "contact"]

    def log(self) -> str:
        """What the change log has of values."""
        with self.xrm.database.read() as connection:
            return " ".join(str(row) for row in connection.execute(text("SELECT fields FROM xrm_change")))

    def protocol(self, role: str = "auditor") -> list[dict[str, Any]]:
        return list(self.xrm.as_role(role).query(PROTOCOL)["deletionEntries"]["nodes"])


def begin(xrm: Xrm) -> None:
    """Schedules are known from now on."""
    xrm.clock.set("2024-01-01T12:00Z")
    xrm.work()


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(
        plugins=["dsgvo"],
        pack="association",
        settings={"secret_key": "0123456789abcdef" * 3},
        begin=begin,
        files={"reminder": REMINDER},
        policies=["dsgvo_agent,reminder,read,*,,allow"],
        roles={"roles": {"dsgvo_agent": {}}},
        environment={**KEY, "XRM_DSGVO_RETENTION": "delete", "XRM_DSGVO_RETENTION_BATCH": "2"},
    )


@pytest.fixture
def world(xrm: Xrm) -> World:
    xrm.clock.set("2026-03-01T12:00Z")
    return World(xrm, xrm.as_role("admin"))


@pytest.mark.invariant("I19")
def test_at_the_end_of_the_year_what_is_due_goes_and_the_protocol_says_so_without_content(world: World):
    # given a person whose relationship has ended on a leap day, and three years from the end of that year
    world.xrm.clock.set("2024-02-01T12:00Z")
    ada, bo = world.contact("Ada", ended="2024-02-29"), world.contact("Bo")

    # when the last night of the period comes, nothing goes; in the next one the person does
    world.night("2027-12-31")
    assert world.name(ada) == "Ada"
    world.night("2028-01-01")

    assert (world.name(ada), world.name(bo)) == ("—", "Bo")
    [entry] = [each for each in world.protocol() if each["recordId"] == ada]
    assert (entry["how"], entry["retentionClass"], entry["legalRef"]) == (
        "anonymized",
        "LK-3J-BEZIEHUNG",
        "§§ 195, 199 BGB",
    )
    assert (entry["beganOn"], entry["keptUntil"], entry["run"]["day"]) == ("2024-02-29", "2027-12-31", "2028-01-01")
    assert "last_name" in entry["fieldNames"]
    assert "Ada" not in str(world.protocol())
    assert "ada@vogel" not in world.log()

    # and a further night does nothing of it again
    entries = world.protocol()
    world.night("2028-01-02")
    assert world.protocol() == entries


def test_records_of_a_process_are_deleted_with_their_history_and_the_person_stays(world: World):
    world.xrm.clock.set("2026-06-30T12:00Z")
    ada = world.contact()
    old = [world.xrm.create("activity", {"subject": f"Call {n}", "kind": "call", "contact": ada}) for n in range(5)]
    world.xrm.clock.set("2027-01-01T12:00Z")
    young = world.xrm.create("activity", {"subject": "Call 9", "kind": "call", "contact": ada})

    world.night("2030-01-01")

    assert world.there(old) == 0
    assert world.xrm.get("activity", young) is not None
    assert world.name(ada) == "Ada"
    assert {each["how"] for each in world.protocol()} == {"deleted"}
    assert {each["recordId"] for each in world.protocol()} == set(old)
    assert "Call 1" not in world.log()
    [run] = world.runs("2030-01-01")
    assert run["status"] == "complete"
    assert run["report"]["done"] == {"activity": {"deleted": 5}}


@pytest.mark.invariant("I19")
def test_whose_membership_or_invoice_is_kept_longer_stays(world: World):
    # given a contact who is said to have left, and is a member all the same
    ada = world.contact(ended="2026-02-01")
    member = world.xrm.create("member", {"contact": ada, "status": "active"})
    world.night("2030-01-01")
    assert world.name(ada) == "Ada"
    assert world.report("contact") == {
        "entity": "contact",
        "retentionClass": "LK-3J-BEZIEHUNG",
        "legalRef": "§§ 195, 199 BGB",
        "then": "anonymize",
        "needed": 1,
    }

    # when the membership has ended, too, and its period is over, both go in the same night
    with world.xrm.database.begin() as connection:
        records = world.xrm.platform.records
        system = world.xrm._system()
        records.update(connection, system, "member", member, {"left_on": "2030-05-01"})
    world.night("2033-12-31")
    assert world.name(ada) == "Ada"
    world.night("2034-01-01")
    assert world.name(ada) == "—"
    assert {each["entityName"] for each in world.protocol()} == {"contact", "member"}


@pytest.mark.invariant("I20")
def test_a_hold_keeps_it_and_the_next_run_after_its_release_catches_up(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reach, "_AT_ONCE", 1)  # however many records belong to somebody
    ada = world.contact(ended="2026-02-01")
    calls = [world.xrm.create("activity", {"subject": "Call", "kind": "call", "contact": ada}) for _ in range(2)]
    given = {"matter": "AZ 12/26", "basis": "Art. 17(3)(e) DSGVO", "entity": "contact", "record": ada}
    hold = world.admin.query(HOLD, i=given | {"reviewOn": "2030-01-20"})["dsgvoHoldSet"]["hold"]
    assert world.admin.query(DUE)["dsgvoDue"] == []

    world.night("2030-01-01")
    assert {"what": "hold_review", "record": hold, "due": "2030-01-20"} in world.admin.query(DUE)["dsgvoDue"]
    # it is there for what the hold is for, and for nothing else
    assert (world.name(ada), world.there(calls)) == ("—", 2)
    looked = done(
        world.xrm.as_role("dsb"), LOOK, entity="contact", records=[ada], purpose="legal_claims", because="A suit."
    )
    assert {"field": "last_name", "value": '"Ada"'} in looked["records"][0]["values"]
    assert world.protocol() == []
    assert world.report("contact")["held"] == 1
    assert world.report("activity")["held"] == 2

    world.admin.query(RELEASE, h=hold)
    assert world.report("contact", "auditor")["due"] == 1
    world.night("2030-01-02")
    assert (world.name(ada), world.there(calls)) == ("—", 0)
    assert world.admin.query("{ archiveEntries { totalCount } }") == {"archiveEntries": {"totalCount": 0}}


def test_what_is_restricted_is_kept_until_that_is_lifted(world: World):
    ada = world.contact(ended="2026-02-01")
    call = world.xrm.create("activity", {"subject": "Call", "kind": "call", "contact": ada})
    dsb = world.xrm.as_role("dsb")
    person = {"entity": "contact", "record": ada}
    standing = done(dsb, OPEN, person=person, ground="claims", because="A dispute.")

    world.night("2030-01-01")
    assert world.protocol() == []

    # when it is lifted, the next night catches up
    done(dsb, ANNOUNCE, restriction=standing["restriction"], via="letter")
    done(dsb, LIFT, restriction=standing["restriction"], because="Settled.")
    assert world.name(ada) == "Ada"
    world.night("2030-01-02")
    assert (world.name(ada), world.there([call])) == ("—", 0)


def test_of_what_is_sealed_with_the_key_of_a_person_who_stays_one_record_goes_and_the_others_stay_readable(
    world: World,
):
    ada = world.contact()
    old = world.xrm.create("reminder", {"contact": ada, "wording": "Pay the fee."})
    world.xrm.clock.set("2027-03-01T12:00Z")
    young = world.xrm.create("reminder", {"contact": ada, "wording": "Pay it now."})

    world.night("2030-01-01")

    assert world.xrm.get("reminder", old) is None
    [told] = world.xrm.as_role("dsb").query(OPENED, entity="reminder", record=young)["dsgvoSealedValues"]
    assert (told["text"], told["destroyed"]) == ("Pay it now.", False)


def test_a_start_that_nobody_has_told_is_a_defect_once_nothing_has_happened_for_a_whole_period(world: World):
    ada = world.contact()

    world.night("2029-12-31")
    assert world.defects("2029-12-31") == []
    world.night("2030-01-01")

    assert world.defects("2030-01-01") == [{"entity": "contact", "id": ada, "code": "START_MISSING"}]
    assert world.report("contact")["startMissing"] == 1
    assert world.name(ada) == "Ada"
    # once it is told, it counts
    world.ends(ada, "2025-01-31")
    assert "startMissing" not in world.report("contact")
    world.night("2030-01-02")
    assert world.name(ada) == "—"


@pytest.mark.invariant("I8")
def test_who_is_killed_between_batches_goes_on_and_nothing_is_done_twice(world: World, monkeypatch: pytest.MonkeyPatch):
    gone = [world.contact(f"Ada{n}", ended="2026-02-01") for n in range(5)]
    whole, batches = engine.work, []

    def dies(context: Any, batch: Any, said: Any, ids: Any, tally: Any) -> None:
        whole(context, batch, said, ids, tally)
        batches.extend([ids] if ids else [])
        if len(batches) == 2:
            raise RuntimeError("killed before the second batch is committed")

    monkeypatch.setattr(engine, "work", dies)
    world.night("2030-01-01", fails=True)
    assert [world.name(each) for each in gone].count("—") == 2
    monkeypatch.undo()

    world.xrm.clock.advance(hours=1)
    world.xrm.work()

    assert {world.name(each) for each in gone} == {"—"}
    assert sorted(each["recordId"] for each in world.protocol()) == sorted(gone)
    [run] = world.runs("2030-01-01")
    assert run["report"]["done"] == {"contact": {"anonymized": 5}}


def test_one_that_something_refuses_keeps_no_other(world: World, monkeypatch: pytest.MonkeyPatch):
    stays, goes = world.contact("Ada", ended="2026-02-01"), world.contact("Bo", ended="2026-02-01")
    whole = carrying.carry_out

    def refuses(context: Any, planned: Any, again: Any, key: Any, needles: Any) -> Any:
        whole(context, planned, again, key, needles)
        if key[1] == stays:
            context.records.delete(
                context.connection, context.system, "contact", "00000000-0000-0000-0000-000000000000"
            )

    monkeypatch.setattr(carrying, "carry_out", refuses)
    world.night("2030-01-01")

    assert (world.name(stays), world.name(goes)) == ("Ada", "—")
    assert world.runs("2030-01-01")[0]["report"]["stays"]["contact"] == {"refused": 1}
    assert [each["recordId"] for each in world.protocol()] == [goes]


def test_nobody_writes_the_protocol_and_who_may_read_it(world: World):
    world.contact(ended="2026-02-01")
    world.night("2030-01-01")

    assert len(world.protocol("auditor")) == len(world.protocol("dsb")) == 1
    [entry] = world.admin.query("{ deletionEntries { nodes { id } } }")["deletionEntries"]["nodes"]
    delete = "mutation ($id: ID!) { deleteDeletionEntry(id: $id) { id } }"
    world.admin.refused(delete, "REFUSED_BY_PLUGIN", id=entry["id"])
    for name in ("dsb", "auditor"):
        world.xrm.as_role(name).refused(delete, "BAD_QUERY", id=entry["id"])
    world.xrm.as_role("sales_rep").refused(PROTOCOL, "BAD_QUERY")
