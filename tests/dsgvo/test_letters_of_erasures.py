"""The decision letter on an erasure says what stays, by which norm and until when, and when backups are clear."""

import json
from datetime import date
from html import unescape
from typing import Any

from xrm_dsgvo.access.values import day_of

from tests.dsgvo.test_access import ACCESS
from tests.dsgvo.test_erasures import HOLD, World, world  # noqa: F401 - a fixture
from tests.dsgvo.test_erasures import xrm_setup as xrm_setup  # the same world
from tests.dsgvo.test_request_letters import LETTER
from tests.dsgvo.test_requests import DECIDE, IDENTIFY, OPEN, done


def test_what_stays_is_told_with_norm_and_end(world: World):  # noqa: F811
    # given a receipt that the law keeps, a fee upon which a hold is, and a request of the person
    donation, contact = world.a.records["donation"], world.a.records["contact"]
    world.update("donation", donation, {"donated_on": f"{date.today().year}-01-15"})
    held = {"matter": "A-1", "basis": "§ 257 HGB", "entity": "fee", "record": world.a.records["fee"]}
    hold = world.admin.query(HOLD, i=held)["dsgvoHoldSet"]["hold"]
    asked: dict[str, Any] = {"kind": "erasure", "receivedOn": date.today().isoformat(), "via": "letter"}
    request = done(world.admin, OPEN, **asked, name="Ada Vogel")["request"]
    done(world.admin, IDENTIFY, request=request, grade="known_facts", entity="contact", record=contact)
    opened = world.decided(world.a)
    done(world.admin, DECIDE, request=request, decision="granted", erasureRun=opened["run"])

    def letter(language: str) -> str:
        given = {"request": request, "letter": "decision", "form": "html", "language": language}
        return unescape(done(world.admin, LETTER, **given)["content"])

    assert "bis wann" not in letter("de")  # nothing is erased yet

    # when it was carried out
    ran = world.run(opened)

    # then each reason and end of what stays is told in words, in both languages, and when backups are clear
    [law] = {(each["basis"], each["until"]) for each in ran["kept"] if each["decision"] == "restrict"}
    for language, title in (("de", "Was bleibt, warum und bis wann"), ("en", "What stays, why and until when")):
        text = letter(language)
        assert title in text
        assert law[0] in text
        assert day_of(law[1], language) in text
        assert day_of(ran["backupClearOn"], language) in text
        assert "Art. 17 Abs. 3 Buchst. e" in text or "Article 17(3)(e)" in text
    # and no id, no key of a register
    assert hold not in text
    # and so says an answer to the person later, in its data as well
    later = done(world.admin, OPEN, kind="access", receivedOn=asked["receivedOn"], via="letter")["request"]
    subject = world.admin.query("query ($id: ID!) { dataSubjectRequest(id: $id) { dataSubject { id } } }", id=request)
    known = subject["dataSubjectRequest"]["dataSubject"]["id"]
    done(world.admin, IDENTIFY, request=later, grade="known_facts", entity="data_subject", record=known)
    content = done(world.admin, ACCESS, request=later)["content"]
    left = json.loads(content)["art15"]["keptAfterErasure"]
    assert {"restrict", "hold"} <= {each["decision"] for each in left}
    assert {each["basis"] for each in left if each["decision"] == "restrict"} >= {law[0]}
    assert hold not in content
    assert not [each["datenart"] for each in ran["kept"] if f">{each['datenart']}<" in text]
