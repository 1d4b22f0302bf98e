"""Files of records about somebody else are searched for a person: told in answers after a review, and in plans."""

import datetime as dt
import gzip
import json
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text, update
from xrm_dsgvo.contents.office import OLE
from xrm_dsgvo.file_search import searching

from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_access import ACCESS, REVIEW
from tests.dsgvo.test_erasures import RUN
from tests.dsgvo.test_requests import REFUSED, done, known, opened
from tests.dsgvo.written_files import office, pdf
from xrm_core.api import move_to_vault
from xrm_core.permissions.caller import System
from xrm_core.records.context import Context
from xrm_core.records.trash_retention import remove_old
from xrm_core.storage.file_store import FileState
from xrm_core.storage.file_tables import FILE
from xrm_core.testing import Client, Setup, Xrm

SEARCH = "mutation ($i: DsgvoFilesSearchInput!) { dsgvoFilesSearch(input: $i) { search status } }"
PLAN = """mutation ($i: DsgvoErasureOpenInput!) { dsgvoErasureOpen(input: $i) { run planHash needsReview filesSearchedOn
  defects { code } records { entity record action fields { name decision code strategy } } } }"""
ADA = {"firstName": "Ada", "lastName": "Weiß", "email": "ada@weiss.example"}
LETTER = "application/vnd.oasis.opendocument.text"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
NOTHING = {"x-dsgvo": {"personal": False}}
FILES = {
    "dossier": {
        "x-entity": "dossier",
        "type": "object",
        "x-dsgvo": {"v": 1, "subject": {"role": "none"}},
        "properties": {
            "name": {"type": "string", "maxLength": 40, **NOTHING},
            "secret": {
                "x-type": "file",
                "x-sealed": {"class": "papers"},
                "x-dsgvo": {"personal": False, "why": "Papers of suppliers."},
            },
            "memo": {
                "type": "string",
                "maxLength": 2000,
                "x-sealed": {"class": "papers"},
                "x-dsgvo": {"personal": False, "why": "Notes about suppliers."},
            },
            "paper": {"x-type": "file", "x-dsgvo": {"personal": False, "why": "Papers of suppliers."}},
        },
    }
}


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    settings = {"secret_key": "0123456789abcdef" * 3}
    policies = [f"scribe,dsgvo.{name},run,*,,allow" for name in ("request_open", "request_identify", "access")]
    scribe = {"roles": {"scribe": {}}}
    return Setup(plugins=["dsgvo"], environment=KEY, files=FILES, settings=settings, roles=scribe, policies=policies)


def stored(client: Client, name: str, kind: str, content: bytes) -> str:
    answer = client.request("POST", f"/files?name={name}", content=content, headers={"Content-Type": kind})
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["id"])


def dossiers(xrm: Xrm, files: Mapping[str, tuple[str, bytes]]) -> dict[str, str]:
    """By the name of its file the id of a record that has it."""
    admin = xrm.as_role("admin")
    made = "mutation ($i: CreateDossierInput!) { createDossier(input: $i) { id } }"
    return {
        name: str(admin.query(made, i={"name": name, "paperId": stored(admin, name, *file)})["createDossier"]["id"])
        for name, file in files.items()
    }


def ada(xrm: Xrm) -> str:
    made = "mutation ($i: CreateContactInput!) { createContact(input: $i) { id } }"
    return str(xrm.as_role("admin").query(made, i=ADA)["createContact"]["id"])


def searched(xrm: Xrm, **given: Any) -> None:
    assert done(xrm.as_role("dsgvo_agent"), SEARCH, **given)["status"] == "running"
    xrm.work()


MANY = {
    "note.txt": ("text/plain", "Anruf von Ada Weiss, will zurückgerufen werden".encode("cp1252")),
    "list.csv": ("text/csv", b"name;mail\nWeiss;ADA@weiss.example\n"),
    "letter.odt": (LETTER, office({"content.xml": "<o><p>Ada <b>Wei</b>ß</p></o>"})),
    "letter.docx": (WORD, office({"word/document.xml": "<d><p><t>Wei</t><t>ß, Ada</t></p></d>"})),
    "offer.pdf": ("application/pdf", pdf("An Frau Ada Weiß")),
    "mail.eml": ("message/rfc822", b"From: x@y.example\nTo: ada@weiss.example\nSubject: Hi\n\nHello\n"),
    "other.txt": ("text/plain", b"Adam Weissmann"),
    "scan.png": ("image/png", b"\x89PNG\r\n\x1a\n" + b"0" * 20),
    "scan.pdf": ("application/pdf", pdf("")),
    "wild.pdf": ("application/pdf", b"%PDF-1.7 no more than that"),
    "data.gz": ("application/gzip", b"\x1f\x8b\x08 something"),
    "all.zip": ("application/zip", office({"in/letter.txt": "An Frau Ada Weiß"})),
    "log.txt.gz": ("application/gzip", gzip.compress(b"to ada@weiss.example")),
    "old.doc": ("application/msword", OLE),
}


def test_what_names_the_person_is_told_after_a_review_and_what_was_not_searched_is_said(xrm: Xrm):
    # given files of somebody else, and a request of Ada
    records, contact, agent = dossiers(xrm, MANY), ada(xrm), xrm.as_role("dsgvo_agent")
    trashed = records["list.csv"]
    xrm.as_role("admin").query("mutation ($id: ID!) { deleteDossier(id: $id) { id } }", id=trashed)
    request = opened(agent, "access")
    known(agent, request, contact)
    before = agent.query(ACCESS, i={"request": request})["dsgvoAccess"]

    # when
    done(agent, SEARCH, request=request)
    running = agent.query(ACCESS, i={"request": request})["dsgvoAccess"]
    xrm.work()
    made = agent.query(ACCESS, i={"request": request})["dsgvoAccess"]

    # then
    assert ("OTHER_FILES", "dossier") in {(each["code"], each["entity"]) for each in before["leftOut"]}
    assert "FILES_RUNNING" in {each["code"] for each in running["leftOut"]}
    wanted = {"note.txt", "list.csv", "letter.odt", "letter.docx", "offer.pdf", "mail.eml", "all.zip", "log.txt.gz"}
    assert {(each["record"], each["text"]) for each in made["toReview"]} == {(records[name], name) for name in wanted}
    left = {each["code"]: each["count"] for each in made["leftOut"] if each["store"] == "other_files"}
    assert left == {"FILE_PICTURE": 2, "FILE_BROKEN": 2, "FILE_FORMAT": 1}
    assert "Adam" not in made["content"]

    # when somebody has looked: all but the note are shown
    texts = [
        {**{name: each[name] for name in ("entity", "record", "field")}, "show": each["text"] != "note.txt"}
        for each in made["toReview"]
    ]
    done(agent, REVIEW, request=request, texts=texts)
    content = json.loads(agent.query(ACCESS, i={"request": request})["dsgvoAccess"]["content"])
    listed = agent.request("GET", f"/plugins/dsgvo/answers/{request}/files").json()

    # then they are told, and go along
    assert {each["file"]["name"] for each in content["mentions"]} == wanted - {"note.txt"}
    assert content["manifest"]["open"] == 0
    [offer] = [each for each in listed if each["name"] == "offer.pdf"]
    assert xrm.http.get(offer["url"]).content == MANY["offer.pdf"][1]
    page = agent.query(ACCESS, i={"request": request, "form": "html", "language": "de"})["dsgvoAccess"]["content"]
    assert "durchsuchte Dateien anderer: 14" in page
    assert "offer.pdf" in page


def test_a_plan_has_them_and_erases_those_of_which_somebody_says_so(xrm: Xrm):
    # given two files that name Ada, both of somebody else
    records, contact = dossiers(xrm, {name: MANY[name] for name in ("note.txt", "offer.pdf")}), ada(xrm)
    dsb, admin = xrm.as_role("dsb"), xrm.as_role("admin")
    searched(xrm, entity="contact", record=contact)

    # when
    open_ = {"entity": "contact", "record": contact}
    plan = dsb.query(PLAN, i=open_)["dsgvoErasureOpen"]

    # then nothing of them goes before somebody has decided
    found = {each["record"]: each for each in plan["records"] if each["entity"] == "dossier"}
    assert found.keys() == set(records.values())
    assert plan["needsReview"]
    assert plan["filesSearchedOn"]
    [field] = found[records["note.txt"]]["fields"]
    assert field == {"name": "paper", "decision": "review", "code": "MENTION", "strategy": "delete_file"}
    dsb.refused(RUN, REFUSED, i={"run": plan["run"], "planHash": plan["planHash"]})

    # when the note goes, and the offer stays
    decided = [
        {"entity": "dossier", "record": id_, "field": "paper", "erase": name == "note.txt"}
        for name, id_ in records.items()
    ]
    plan = xrm.as_role("dsgvo_agent").query(PLAN, i={**open_, "reviewed": decided})["dsgvoErasureOpen"]
    ended = dsb.query(RUN, i={"run": plan["run"], "planHash": plan["planHash"]})["dsgvoErasureRun"]
    xrm.work()

    # then
    assert ended["status"] == "complete_with_retention"
    there = admin.query("{ dossiers { nodes { name paper { id } } } searches: fileSearches { nodes { id } } }")
    assert {each["name"]: each["paper"] is not None for each in there["dossiers"]["nodes"]} == {
        "note.txt": False,
        "offer.pdf": True,
    }
    assert there["searches"]["nodes"] == []


def test_who_has_asked_has_to_be_known_and_no_plan_is_opened_while_it_runs(xrm: Xrm):
    contact, agent = ada(xrm), xrm.as_role("dsgvo_agent")
    request = opened(agent, "access", name="Somebody")

    agent.refused(SEARCH, REFUSED, i={"request": request})
    agent.refused(SEARCH, REFUSED, i={"entity": "contact", "record": "018f0000-0000-7000-8000-000000000000"})
    first = done(agent, SEARCH, entity="contact", record=contact)
    assert done(agent, SEARCH, entity="contact", record=contact)["search"] == first["search"]
    refusal = xrm.as_role("dsb").refused(PLAN, REFUSED, i={"entity": "contact", "record": contact})
    assert "under way" in refusal.message


def test_files_are_searched_for_who_is_gone_for_good_and_not_for_who_is_named_by_nothing(xrm: Xrm):
    # given somebody of whom only the change log has a record, somebody without a name that is theirs alone, and a note
    records, contact, admin = dossiers(xrm, {"note.txt": MANY["note.txt"]}), ada(xrm), xrm.as_role("admin")
    admin.query("mutation ($id: ID!) { deleteContact(id: $id) { id } }", id=contact)
    with xrm.database.begin() as connection:
        remove_old(connection, dt.datetime.now(dt.UTC) + dt.timedelta(days=1), 100)
    agent = xrm.as_role("dsgvo_agent")
    request = opened(agent, "access")
    known(agent, request, contact)
    other = opened(agent, "access")
    known(agent, other, str(xrm.create("contact", last_name="Ny")))

    # when both are searched for
    for each in (request, other):
        done(agent, SEARCH, request=each)
    xrm.work(fails=True)

    # then the note names the one, and of the other nobody says that anything was searched
    found = agent.query(ACCESS, i={"request": request})["dsgvoAccess"]
    assert [each["record"] for each in found["toReview"]] == [records["note.txt"]]
    found = agent.query(ACCESS, i={"request": other})["dsgvoAccess"]
    assert ("OTHER_FILES", "dossier") in {(each["code"], each["entity"]) for each in found["leftOut"]}
    searches = admin.query("{ fileSearches(orderBy: [{id: ASC}]) { nodes { status } } }")["fileSearches"]["nodes"]
    assert [each["status"] for each in searches] == ["done", "failed"]


def test_what_names_somebody_in_very_many_files_is_not_theirs_alone(xrm: Xrm, monkeypatch: pytest.MonkeyPatch):
    # given two files that name Ada, where one is many
    monkeypatch.setattr(searching, "MOST_HITS", 1)
    dossiers(xrm, {name: MANY[name] for name in ("note.txt", "mail.eml")})
    contact, agent = ada(xrm), xrm.as_role("dsgvo_agent")

    # when
    done(agent, SEARCH, entity="contact", record=contact)
    [failed] = xrm.work(fails=True).failures

    # then it ends without naming anybody, and a plan says that no files were searched
    assert "More than 1 files" in str(failed.error)
    assert "Ada" not in str(failed.error)
    plan = xrm.as_role("dsb").query(PLAN, i={"entity": "contact", "record": contact})["dsgvoErasureOpen"]
    assert plan["filesSearchedOn"] is None


def test_former_versions_sealed_files_and_those_in_the_vault_are_searched_and_quarantined_ones_are_not(xrm: Xrm):
    # given the same letter in all these places
    admin, contact, words = xrm.as_role("admin"), ada(xrm), "Für Ada Weiß".encode()
    former = stored(admin, "former.txt", "text/plain", words)
    version = stored(admin, f"new.txt&versionOf={former}", "text/plain", b"Empty by now")
    made = "mutation ($i: CreateDossierInput!) { createDossier(input: $i) { id } }"

    def dossier(**more: str) -> str:
        return str(admin.query(made, i=more)["createDossier"]["id"])

    wanted = {dossier(paperId=version), dossier(secretId=stored(admin, "sealed.txt", "text/plain", words))}
    lying = dossier(paperId=stored(admin, "vault.txt", "text/plain", words))
    bad = stored(admin, "bad.txt", "text/plain", words)
    dossier(paperId=bad)
    with xrm.database.begin() as connection:
        context = Context(
            xrm.platform.records, connection, System(xrm.platform.records.full_access, "test"), ("test", "test")
        )
        move_to_vault(context, lying, [("dossier", lying)])
        connection.execute(update(FILE).where(FILE.c.id == bad).values(state=FileState.QUARANTINED))
    agent = xrm.as_role("dsgvo_agent")
    request = opened(agent, "access")
    known(agent, request, contact)

    # when
    searched(xrm, request=request)
    found = agent.query(ACCESS, i={"request": request})["dsgvoAccess"]

    # then
    assert {each["record"] for each in found["toReview"]} == {*wanted, lying}
    assert {each["code"] for each in found["leftOut"] if each["store"] == "other_files"} == {"FILE_QUARANTINED"}


def test_days_are_those_where_the_controller_is(xrm: Xrm):
    # given half past midnight there, which is the year before in UTC
    xrm.clock.set("2026-12-31T23:30Z")
    contact, agent = ada(xrm), xrm.as_role("dsgvo_agent")
    note = xrm.create("activity", kind="note", subject="Notiz", contact=contact)
    request = opened(agent, "access")
    known(agent, request, contact)
    done(agent, SEARCH, request=request)
    xrm.work()

    content = json.loads(agent.query(ACCESS, i={"request": request})["dsgvoAccess"]["content"])
    plan = xrm.as_role("dsb").query(PLAN, i={"entity": "contact", "record": contact})["dsgvoErasureOpen"]

    assert content["meta"]["madeOn"] == plan["filesSearchedOn"] == "2027-01-01"
    # and by it periods of three years end with their year
    [told] = [each["retention"] for each in content["data"] if each["id"] == note]
    assert (told["class"], told["until"]) == ("LK-3J-VORGANG", "2030-12-31")


def clear(xrm: Xrm, id_: str) -> Any:
    """A memo, as it is in truth."""
    with xrm.database.begin() as connection:
        context = Context(
            xrm.platform.records, connection, System(xrm.platform.records.full_access, "test"), ("test", "test")
        )
        return context.in_clear("dossier", context.read("dossier", id_) or {})["memo"]


def test_sealed_texts_of_others_are_searched_told_to_who_may_open_them_and_blackened(xrm: Xrm):
    # given two sealed notes about somebody else, one of which names Ada, and one that does in the trash
    admin, contact, agent, dsb = xrm.as_role("admin"), ada(xrm), xrm.as_role("dsgvo_agent"), xrm.as_role("dsb")
    made = "mutation ($i: CreateDossierInput!) { createDossier(input: $i) { id } }"
    texts = ("Frau ADA WEISS rief an.", "Adam Weissmann rief an.", "ada@weiss.example fragt.")
    naming, other, trashed = [str(admin.query(made, i={"memo": each})["createDossier"]["id"]) for each in texts]
    admin.query("mutation ($id: ID!) { deleteDossier(id: $id) { id } }", id=trashed)
    request = opened(agent, "access")
    known(agent, request, contact)
    before = agent.query(ACCESS, i={"request": request})["dsgvoAccess"]

    # when
    searched(xrm, request=request)
    found = agent.query(ACCESS, i={"request": request})["dsgvoAccess"]

    # then who may not open sealed values is shown none of them, and their answer does not go out
    assert before["toReview"] == []
    closed = xrm.as_role("scribe").query(ACCESS, i={"request": request})["dsgvoAccess"]
    assert closed["toReview"] == []
    assert ("SEALED", "memo") in {(each["code"], each["field"]) for each in closed["leftOut"]}
    # and who may has them to look at
    assert {(each["record"], each["field"]) for each in found["toReview"]} == {(naming, "memo"), (trashed, "memo")}
    shown = [{"entity": "dossier", "record": id_, "field": "memo", "show": id_ == naming} for id_ in (naming, trashed)]
    done(agent, REVIEW, request=request, texts=shown)
    content = json.loads(agent.query(ACCESS, i={"request": request})["dsgvoAccess"]["content"])
    assert [each["value"] for each in content["mentions"]] == [texts[0]]

    # and what names her goes black in what somebody says, and is sealed as before
    open_ = {"entity": "contact", "record": contact}
    decided = [{"entity": "dossier", "record": id_, "field": "memo", "erase": True} for id_ in (naming, trashed)]
    plan = dsb.query(PLAN, i=open_)["dsgvoErasureOpen"]
    planned = {each["record"]: each["fields"] for each in plan["records"] if each["entity"] == "dossier"}
    assert planned[naming] == [{"name": "memo", "decision": "review", "code": "MENTION", "strategy": "redact_text"}]
    assert planned.keys() == {naming, trashed}
    later = dsb.query(PLAN, i={**open_, "byJob": True})["dsgvoErasureOpen"]
    xrm.work()
    of_job = dsb.query("query ($run: String!) { dsgvoErasurePlan(run: $run) { planHash } }", run=later["run"])
    assert of_job["dsgvoErasurePlan"]["planHash"] == plan["planHash"]  # as a job makes it
    plan = agent.query(PLAN, i={**open_, "reviewed": decided})["dsgvoErasureOpen"]
    ran = dsb.query(RUN, i={"run": plan["run"], "planHash": plan["planHash"]})["dsgvoErasureRun"]
    xrm.work()
    assert ran["status"].startswith("complete")
    assert (clear(xrm, naming), clear(xrm, other)) == ("Frau ███ ███ rief an.", texts[1])
    with xrm.database.read() as connection:
        assert not any("rief" in str(each) for each in connection.scalars(text("SELECT memo FROM dossier")))
    back = admin.query("mutation ($id: ID!) { restoreDossier(id: $id) { id } }", id=trashed)["restoreDossier"]
    assert clear(xrm, str(back["id"])) is None


def test_duplicates_that_somebody_has_confirmed_count_in_the_search(xrm: Xrm):
    # given a record that may be Ada's, and a file that names its address
    contact, agent = ada(xrm), xrm.as_role("dsgvo_agent")
    made = "mutation ($i: CreateContactInput!) { createContact(input: $i) { id } }"
    other = {"firstName": "Ada", "lastName": "Weiß", "email": "lovelace@weiss.example"}
    twin = str(xrm.as_role("admin").query(made, i=other)["createContact"]["id"])
    records = dossiers(xrm, {"mail.txt": ("text/plain", b"to lovelace@weiss.example")})
    same = [{"entity": "contact", "record": twin}]
    open_ = {"entity": "contact", "record": contact, "confirmed": same}

    # when it was searched without it, then a plan with it says that it was not for all
    searched(xrm, entity="contact", record=contact)
    plan = agent.query(PLAN, i=open_)["dsgvoErasureOpen"]
    assert "FILES_NOT_FOR_ALL" in {each["code"] for each in plan["defects"]}
    assert not [each for each in plan["records"] if each["entity"] == "dossier"]

    # when it is confirmed for the search, then the file is found
    searched(xrm, entity="contact", record=contact, confirmed=same)
    plan = agent.query(PLAN, i=open_)["dsgvoErasureOpen"]
    assert "FILES_NOT_FOR_ALL" not in {each["code"] for each in plan["defects"]}
    assert [each["record"] for each in plan["records"] if each["entity"] == "dossier"] == [records["mail.txt"]]

    # and what is no such record is refused, as is another search while one is under way that does not know it
    unknown = [{"entity": "contact", "record": "018f0000-0000-7000-8000-000000000000"}]
    agent.refused(SEARCH, REFUSED, i={"entity": "contact", "record": contact, "confirmed": unknown})
    done(agent, SEARCH, entity="contact", record=contact)
    refusal = agent.refused(SEARCH, REFUSED, i={"entity": "contact", "record": contact, "confirmed": same})
    assert "under way" in refusal.message
