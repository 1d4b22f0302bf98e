"""What the law alone keeps is out of its table, opened for a purpose, and ends with its period (I1, I5, I19)."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import inspect, text

from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_rectification import granted
from tests.dsgvo.test_requests import DECIDE, IDENTIFY, known, opened
from tests.dsgvo.test_restrictions import REFUSED, done
from xrm_core.testing import Client, Setup, Xrm

LOOK = """mutation ($i: DsgvoArchiveLookInput!) { dsgvoArchiveLook(input: $i) {
  records { record reason basis until values { field value } former { field value } } } }"""
ENTRIES = "{ archiveEntries { nodes { id entityName recordId reason basis until fieldNames } } }"
SUM = "{ invoicesAggregate { count sum { amount } } }"
INVOICE = """query ($id: ID!) { invoice(id: $id) {
  amount billTo postcode hotline note phone document { name url } contact { id } } }"""
UPDATE = "mutation ($id: ID!, $i: UpdateInvoiceInput!) { updateInvoice(id: $id, input: $i) { id } }"
OPEN = """mutation ($i: DsgvoErasureOpenInput!) { dsgvoErasureOpen(input: $i) { run planHash
  records { entity action fields { name decision } } } }"""
RUN = "mutation ($i: DsgvoErasureRunInput!) { dsgvoErasureRun(input: $i) { status steps { name count } } }"
SETTLE = "mutation ($i: DsgvoSuspensionSetInput!) { dsgvoSuspensionSet(input: $i) { suspension } }"
KEPT = {"strategy": "keep", "why": "A receipt stays as it was."}


def _personal(type_: dict[str, Any], category: str, **more: Any) -> dict[str, Any]:
    said = {"category": category, "of": "contact", "origin": "provided", "erase": KEPT, **more}
    return {**type_, "x-dsgvo": said}


ENTITY = {
    "x-entity": "invoice",
    "type": "object",
    "required": ["issued_on", "amount", "bill_to", "postcode", "hotline"],
    "x-dsgvo": {
        "v": 1,
        "datenart": "auftraege",
        "subject": {"role": "about_subject", "kinds": ["customer"]},
        "activities": ["buchhaltung.belege"],
        "retention": {
            "class": "LK-8J-BUCHUNGSBELEG",
            "start": {"type": "process_end", "field": "issued_on"},
            "purposeEnd": {"type": "process_end", "field": "paid_on"},
            "then": "delete",
        },
        "onErase": "delete",
    },
    "properties": {
        "issued_on": {"type": "string", "format": "date", "x-dsgvo": {"personal": False}},
        "paid_on": {"type": "string", "format": "date", "x-dsgvo": {"personal": False}},
        "contact": {
            "x-relation": {"to": "contact", "inverse": "invoices", "on_delete": "restrict"},
            "x-dsgvo": {"link": {"role": "owner", "traverse": "down", "onErase": "block"}},
        },
        "amount": _personal({"type": "number", "x-type": "decimal", "x-precision": 12, "x-scale": 2}, "user.financial"),
        "bill_to": _personal({"type": "string", "maxLength": 100}, "user.name", identifier="direct"),
        "postcode": _personal(
            {"type": "string", "maxLength": 5, "pattern": "^[0-9]{5}$", "default": "10115"}, "user.location"
        ),
        "hotline": _personal(
            {"type": "string", "x-type": "phone", "default": "+4930901820"}, "user.contact.phone_number"
        ),
        "note": _personal({"type": "string", "maxLength": 500}, "user.financial"),
        "phone": _personal(
            {"type": "string", "x-type": "phone"},
            "user.contact.phone_number",
            retentionClass="LK-6M-VORGANG",
            erase={"strategy": "null"},
        ),
        "document": _personal(
            {"type": "string", "x-type": "file"}, "user.financial", erase={"strategy": "delete_file"}
        ),
    },
}


@dataclass
class World:
    """A contact with an invoice."""

    xrm: Xrm
    admin: Client
    dsb: Client
    contact: str
    invoice: str

    def night(self, day: str) -> None:
        self.xrm.clock.set(f"{day}T03:00+01:00")
        self.xrm.work()

    def erase(self) -> dict[str, Any]:
        opened_ = done(self.dsb, OPEN, entity="contact", record=self.contact)
        return done(self.dsb, RUN, run=opened_["run"], planHash=opened_["planHash"])

    def read(self) -> dict[str, Any]:
        return dict(self.admin.query(INVOICE, id=self.invoice)["invoice"] or {})

    def entries(self) -> list[dict[str, Any]]:
        return list(self.xrm.as_role("auditor").query(ENTRIES)["archiveEntries"]["nodes"])

    def look(self, purpose: str = "legal_duty") -> dict[str, Any]:
        given = {"entity": "invoice", "records": [self.invoice], "purpose": purpose, "because": "The audit."}
        found = done(self.dsb, LOOK, **given)["records"]
        return {each["field"]: json.loads(each["value"]) for record in found for each in record["values"]}

    def somewhere(self, words: tuple[str, ...]) -> set[str]:
        """Which of some words stand in any table."""
        with self.xrm.database.read() as connection:
            names = inspect(connection).get_table_names()
            all_ = "\n".join(str(row) for name in names for row in connection.execute(text(f'SELECT * FROM "{name}"')))
        return {each for each in words if each in all_}


WORDS = ("Vogel & Cie", "Thanks for all", "1701234567")


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(
        plugins=["dsgvo"],
        pack="core",
        files={"invoice": ENTITY},
        settings={"secret_key": "0123456789abcdef" * 3},
        environment={**KEY, "XRM_DSGVO_RETENTION": "delete", "XRM_DSGVO_ERASURE_ALONE": "100"},
        begin=lambda xrm: (xrm.clock.set("2026-03-01T12:00Z"), xrm.work()),
    )


@pytest.fixture
def world(xrm: Xrm) -> World:
    xrm.clock.set("2026-03-01T12:00Z")
    admin = xrm.as_role("admin")
    contact = xrm.create("contact", first_name="Ada", last_name="Vogel", email="ada@vogel.example")
    sent = admin.request("POST", "/files?name=rechnung.txt", content=b"Bill", headers={"Content-Type": "text/plain"})
    reached = {"postcode": "76133", "hotline": "+491709876543"}
    said = {
        **reached,
        "bill_to": "Vogel & Cie",
        "note": "Thanks for all",
        "phone": "+491701234567",
        "document": sent.json()["id"],
    }
    invoice = xrm.create("invoice", issued_on="2026-01-15", amount="12.50", contact=contact, **said)
    return World(xrm, admin, xrm.as_role("dsb"), contact, invoice)


@pytest.mark.invariant("I1", "I5", "I7", "I19")
def test_what_the_law_keeps_is_in_no_table_and_the_books_add_up(world: World):
    before = world.admin.query(SUM)
    world.admin.query(UPDATE, id=world.invoice, i={"note": "Thanks for all your trust"})

    done_ = world.erase()

    # then texts, numbers and files are in no table, also not in the log, and sums are what they were
    assert done_["status"] == "complete_with_retention"
    assert world.somewhere(WORDS) == set()
    assert world.admin.query(SUM) == before
    there = world.read()
    assert there["billTo"].startswith("erased-")
    assert {there[name] for name in ("note", "phone", "document", "contact")} == {None}

    # what may not be empty has a value of its own kind in which nobody is
    assert (there["postcode"], there["hotline"]) == ("00000", "+493023125000")
    assert world.somewhere(("76133", "1709876543")) == set()

    # and it is said what is kept, by which norm, until when
    [law] = [each for each in world.entries() if "bill_to" in each["fieldNames"]]
    assert (law["entityName"], law["recordId"], law["reason"]) == ("invoice", world.invoice, "law")
    assert (law["until"], "§ 147 AO" in law["basis"]) == ("2034-12-31", True)

    # and who looks for the books has it, with what it was before
    found = world.look()
    assert (found["bill_to"], found["note"]) == ("Vogel & Cie", "Thanks for all your trust")
    assert (found["postcode"], found["hotline"]) == ("76133", "+491709876543")
    assert found["document"]["name"] == "rechnung.txt"

    # and a second erasure has nothing to do
    assert {each["count"] for each in world.erase()["steps"]} == {0}
    assert len([each for each in world.entries() if "bill_to" in each["fieldNames"]]) == 1


def test_it_is_looked_at_by_who_may_for_what_it_is_kept_for_and_that_is_noted(world: World):
    file = world.read()["document"]["url"].rpartition("/")[2]
    world.erase()
    path = f"/plugins/dsgvo/archive/invoice/{world.invoice}/files/{file}"
    why = {"purpose": "legal_duty", "because": "The file."}

    # when
    world.look()
    assert world.dsb.request("POST", path, json=why).content == b"Bill"

    # then
    uses = world.xrm.as_role("auditor").query("{ archiveUses { nodes { entityName recordId purpose because } } }")
    noted = {"entityName": "invoice", "recordId": world.invoice, "purpose": "legal_duty"}
    assert uses["archiveUses"]["nodes"] == [{**noted, "because": each} for each in ("The audit.", "The file.")]

    # and nobody else sees it, nor for something else, nor what is not there
    given = {"entity": "invoice", "records": [world.invoice], "purpose": "legal_duty", "because": "The audit."}
    for role in ("admin", "auditor", "dsgvo_agent"):
        assert world.xrm.as_role(role).request("POST", path, json=why).status_code in (403, 422)
        assert "errors" in world.xrm.as_role(role).post(LOOK, i=given).json()
    assert world.xrm.http.post(path, json=why).status_code == 401
    wrong: tuple[dict[str, Any], ...] = (
        {"because": " "},
        {"records": []},
        {"records": [world.contact]},
        {"entity": "nothing"},
        {"records": ["no id"]},
    )
    for each in wrong:
        world.dsb.refused(LOOK, REFUSED, i={**given, **each})
    for content in ({"purpose": "advertising", "because": "x"}, {"purpose": "legal_duty"}, []):
        assert world.dsb.request("POST", path, json=content).status_code == 422
    assert world.dsb.request("POST", path.replace(file, world.contact), json=why).status_code in (403, 422)
    assert "errors" in world.admin.post("mutation ($id: ID!) { deleteArchiveEntry(id: $id) { id } }", id=file).json()


@pytest.mark.invariant("I19")
def test_each_value_ends_with_its_own_period(world: World):
    # given an invoice of which one value is due, and which is in use
    other = world.xrm.create(
        "invoice", issued_on="2025-01-15", amount="1", contact=world.contact, bill_to="Wagner", phone="+491709999999"
    )
    world.night("2026-04-01")
    in_use = world.admin.query(INVOICE, id=other)["invoice"]
    assert (in_use["billTo"], in_use["phone"]) == ("Wagner", None)
    world.erase()

    # when the period of the phone number is over, it is gone, and the rest is not
    assert "phone" not in world.look()
    assert world.look()["note"] == "Thanks for all"

    # when the last day of the invoice is over
    world.night("2034-12-31")
    assert world.look()["note"] == "Thanks for all"
    world.night("2035-01-01")

    # then nothing is left, in the vault either
    assert (world.read(), world.entries()) == ({}, [])
    with world.xrm.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM xrm_vault")).scalar() == 0
        assert connection.execute(text("SELECT count(*) FROM xrm_file")).scalar() == 0


def test_what_has_lost_its_purpose_is_archived_by_night_and_told_to_the_person(world: World):
    world.admin.query(UPDATE, id=world.invoice, i={"paidOn": "2026-03-10"})
    world.night("2026-03-10")
    assert world.read()["billTo"] == "Vogel & Cie"

    # when its purpose has ended
    world.night("2026-03-11")

    # then only who has a legal duty sees it
    there = world.read()
    assert (there["billTo"][:7], there["note"], there["phone"]) == ("erased-", None, None)
    assert there["contact"] == {"id": world.contact}
    assert world.somewhere(WORDS) == set()
    assert {each["reason"] for each in world.entries()} == {"purpose_end"}
    # once: what stands there instead goes there by no other night
    entries = world.entries()
    world.night("2026-03-12")
    assert world.entries() == entries
    assert world.look()["note"] == "Thanks for all"

    # but the person is told of it, and has it corrected
    agent = world.xrm.as_role("dsgvo_agent")
    request = opened(agent, "access")
    known(agent, request, world.contact)
    answer = done(agent, "mutation ($i: DsgvoAccessInput!) { dsgvoAccess(input: $i) { content } }", request=request)
    assert {each for each in WORDS if each in json.dumps(answer, ensure_ascii=False)} == set(WORDS)
    wants = granted(world.xrm, world.contact)
    correction = {"entity": "invoice", "record": world.invoice, "field": "note", "value": "Thanks for everything"}
    rectify = "mutation ($i: DsgvoRectifyInput!) { dsgvoRectify(input: $i) { records } }"
    assert done(agent, rectify, request=wants, corrections=[correction]) == {"records": 1}
    assert (world.read()["note"], world.look()["note"]) == (None, "Thanks for everything")

    # and the phone number goes with its own period, the rest stays there
    world.night("2026-07-16")
    assert world.look().keys() >= {"note", "bill_to"}
    assert "phone" not in world.look()
    # and an erasure keeps what the law demands
    assert world.erase()["status"] == "complete_with_retention"
    assert world.look()["note"] == "Thanks for everything"
    assert world.read()["contact"] is None


def test_of_a_record_that_is_gone_it_ends_with_its_last_day(world: World):
    world.erase()
    world.admin.query("mutation ($id: ID!) { deleteInvoice(id: $id) { id } }", id=world.invoice)
    world.night("2030-01-01")  # the trash is emptied long before
    gone = world.admin.post("mutation ($id: ID!) { restoreInvoice(id: $id) { id } }", id=world.invoice).json()
    assert gone["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert [each["recordId"] for each in world.entries() if "note" in each["fieldNames"]] == [world.invoice]

    world.night("2035-01-01")

    assert world.entries() == []


def test_what_a_dispute_keeps_is_for_claims_alone(world: World):
    given = {"ground": "dispute", "because": "A suit.", "entity": "invoice", "record": world.invoice}
    done(world.dsb, SETTLE, **given, retentionClass="LK-3J-VORGANG")

    world.erase()

    assert {each["reason"] for each in world.entries()} == {"dispute"}
    looked = {"entity": "invoice", "records": [world.invoice], "because": "The court asks."}
    world.dsb.refused(LOOK, REFUSED, i={**looked, "purpose": "legal_duty"})
    assert world.look("legal_claims")["phone"] == "+491701234567"


ACCESS = """mutation ($i: DsgvoAccessInput!) { dsgvoAccess(input: $i) {
  content found toReview { entity record field text } leftOut { code store entity } } }"""
SUBJECT = "{ dataSubjects { nodes { id } } }"


@pytest.mark.invariant("I10")
def test_who_was_erased_is_told_what_the_law_keeps_and_nothing_of_it_is_opened(world: World):
    # given an erasure that the person has asked for
    agent = world.xrm.as_role("dsgvo_agent")
    wish = opened(agent, "erasure")
    known(agent, wish, world.contact)
    plan = done(world.dsb, OPEN, entity="contact", record=world.contact)
    done(world.dsb, DECIDE, request=wish, decision="granted", erasureRun=plan["run"])
    done(world.dsb, RUN, run=plan["run"], planHash=plan["planHash"])
    [subject] = world.dsb.query(SUBJECT)["dataSubjects"]["nodes"]

    # when they ask what is kept of them
    request = opened(agent, "access")
    known(agent, request, subject["id"], entity="data_subject")
    made = done(agent, ACCESS, request=request)
    content = json.loads(made["content"])

    # then they are told what their erasure has left, by which norm and until when, and what is not opened
    left = {each["datenart"]: each for each in content["art15"]["keptAfterErasure"]}
    assert (left["auftraege"]["until"], left["auftraege"]["count"]) == ("2034-12-31", 1)
    assert "§ 147 AO" in left["auftraege"]["basis"]
    [closed] = [each for each in content["manifest"]["leftOut"] if each["code"] == "BDSG34_ARCHIVE"]
    assert (closed["entity"], closed["store"], closed["count"]) == ("invoice", "archive", 0)
    assert "2034-12-31" in {each["until"] for each in closed["kept"]}
    assert not [each for each in WORDS if each in made["content"]]
    for language, words in (
        ("de", ("Was nach einer Löschung bleibt", "31.12.2034", "§ 34 Abs. 1 Nr. 2 Buchst. a BDSG", "§ 147 AO")),
        ("en", ("What stays after an erasure", "2034", "§ 34(1) no. 2(a) BDSG", "§ 147 AO")),
    ):
        page = done(agent, ACCESS, request=request, form="html", language=language)["content"]
        assert [each for each in words if each not in page] == []
    # and nobody has looked into the archive for it
    assert world.xrm.as_role("auditor").query("{ archiveUses { nodes { id } } }")["archiveUses"]["nodes"] == []

    # and who is known to nobody is not told that there is nothing
    stranger = opened(agent, "access", name="Nobody Whoever")
    done(agent, IDENTIFY, request=stranger, grade="known_facts")
    page = done(agent, ACCESS, request=stranger, form="html", language="en")["content"]
    assert "was not opened for this" in page
    assert "we process no data about you" not in page


@pytest.mark.invariant("I10")
def test_what_a_dispute_keeps_is_searched_and_told_once_somebody_has_looked(world: World):
    # given what a dispute keeps of somebody who was erased
    given = {"ground": "dispute", "because": "A suit.", "entity": "invoice", "record": world.invoice}
    done(world.dsb, SETTLE, **given, retentionClass="LK-3J-VORGANG")
    world.admin.query(UPDATE, id=world.invoice, i={"billTo": "Ada Vogel"})
    world.erase()
    agent = world.xrm.as_role("dsgvo_agent")

    # when somebody of another name asks, then nothing of it is shown
    other = opened(agent, "access", name="Bela Fremd")
    done(agent, IDENTIFY, request=other, grade="known_facts")
    made = done(agent, ACCESS, request=other)
    assert (made["toReview"], made["found"]) == ([], False)

    # when somebody of that name does, then their texts are to be looked at, and that is kept as a use
    request = opened(agent, "access", name="Ada Vogel")
    done(agent, IDENTIFY, request=request, grade="known_facts")
    made = done(agent, ACCESS, request=request)
    texts = {each["field"]: each for each in made["toReview"]}
    assert texts["bill_to"]["text"] == "Ada Vogel"
    assert texts["note"]["text"] == "Thanks for all"
    assert "Thanks for all" not in made["content"]
    uses = world.xrm.as_role("auditor").query("{ archiveUses { nodes { recordId purpose } } }")["archiveUses"]["nodes"]
    assert {(each["recordId"], each["purpose"]) for each in uses} == {(world.invoice, "subject_rights")}

    # and are told once it is said that it is them
    said = [{"entity": "invoice", "record": world.invoice, "field": name, "show": name != "phone"} for name in texts]
    done(
        agent,
        "mutation ($i: DsgvoRequestReviewInput!) { dsgvoRequestReview(input: $i) { status } }",
        request=request,
        texts=said,
        blacken=[],
    )
    made = done(agent, ACCESS, request=request)
    assert (made["toReview"], made["found"]) == ([], True)
    assert "Thanks for all" in made["content"]
    assert "+491701234567" not in made["content"]


ARCHIVED = """mutation ($i: DsgvoErasureOpenInput!) { dsgvoErasureOpen(input: $i) {
  records { entity record fields { name decision code } } } }"""


def test_files_that_a_dispute_keeps_are_searched_for_others_and_those_of_the_law_are_not(world: World):
    # given two receipts of Ada with files that name Bela, one of which a dispute keeps
    text_ = {"Content-Type": "text/plain"}
    sent = [world.admin.request("POST", "/files?name=b.txt", content=b"An Bela Fremd", headers=text_) for _ in "12"]
    first, second = (each.json()["id"] for each in sent)
    world.admin.query(UPDATE, id=world.invoice, i={"documentId": first})
    said = {"issued_on": "2026-01-16", "amount": "5.00", "contact": world.contact, "bill_to": "Ada", "document": second}
    law = str(world.xrm.create("invoice", said))
    given = {"ground": "dispute", "because": "A suit.", "entity": "invoice", "record": world.invoice}
    done(world.dsb, SETTLE, **given, retentionClass="LK-3J-VORGANG")
    world.erase()
    bela = str(world.xrm.create("contact", first_name="Bela", last_name="Fremd", email="bela@fremd.example"))
    assert {each["recordId"] for each in world.entries() if "document" in each["fieldNames"]} == {world.invoice, law}

    # when the files are searched for Bela
    search = "mutation ($i: DsgvoFilesSearchInput!) { dsgvoFilesSearch(input: $i) { status } }"
    agent = world.xrm.as_role("dsgvo_agent")
    done(agent, search, entity="contact", record=bela)
    world.xrm.work()
    plan = done(world.dsb, ARCHIVED, entity="contact", record=bela)

    # then that of the dispute is found, and stays where it is
    [found] = [each for each in plan["records"] if each["entity"] == "invoice"]
    assert found["record"] == world.invoice
    assert found["fields"] == [{"name": "document", "decision": "keep", "code": "ARCHIVED"}]
    request = opened(agent, "access")
    known(agent, request, bela)
    made = done(agent, ACCESS, request=request)
    there = [(each["record"], each["field"], each["text"]) for each in made["toReview"]]
    assert there == [(world.invoice, "document", "b.txt")]
