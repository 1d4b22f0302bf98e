"""The change log has no value of a person in clear: it is closed by a key of the record, opened for who may see it."""

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from tests.dsgvo.test_erasures import OPEN, RUN
from tests.dsgvo.test_restrictions import ANNOUNCE, LIFT, done
from tests.dsgvo.test_restrictions import OPEN as RESTRICT
from xrm_core.api import changes_of
from xrm_core.changes import closing
from xrm_core.changes.closing import close_all
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.opening import store_of
from xrm_core.changes.reading import LoggedChange, logged
from xrm_core.changes.sealing import seal_all
from xrm_core.changes.verifying import verify
from xrm_core.metadata.in_log import InLog
from xrm_core.sealed.errors import SealingUnavailable
from xrm_core.sealed.key_store import KeyStore
from xrm_core.testing import Xrm

FORMER, NOW, PHONE = "Vorname-Früher", "Vorname-Später", "+49 30 901820"
CHANGE = "mutation ($id: ID!, $name: String) { updateContact(id: $id, input: {firstName: $name}) { id } }"
HISTORY = """query ($id: ID!) { contact(id: $id) { history(first: 10) { operation changes { field old new } } } }"""
AS_OF = "query ($id: ID!, $at: DateTime!) { contact(id: $id) { asOf(at: $at) { values } } }"


def changed(xrm: Xrm) -> str:
    id_ = str(xrm.create("contact", first_name=FORMER, last_name="Kranich", phone=PHONE))
    xrm.as_role("admin").query(CHANGE, id=id_, name=NOW)
    return id_


def entries(xrm: Xrm, id_: str) -> list[LoggedChange]:
    with xrm.database.read() as connection:
        return list(logged(connection, record_id=id_))


def in_log(xrm: Xrm, id_: str) -> str:
    with xrm.database.read() as connection:
        rows = connection.execute(text("SELECT fields, erased FROM xrm_change WHERE record_id = :id"), {"id": id_})
        return " ".join(f"{row.fields} {row.erased}" for row in rows)


def sound(xrm: Xrm) -> bool:
    with xrm.database.read() as connection:
        return not verify(connection, ChainKeys("")).findings


@pytest.mark.invariant("I29")
def test_values_are_closed_and_seen_by_who_may_see_them(xrm: Xrm) -> None:
    # given
    id_ = changed(xrm)
    client = xrm.as_role("admin")
    before = client.query(HISTORY, id=id_)

    # when
    xrm.work()

    # then names of fields stand in the log, and no value
    log = in_log(xrm, id_)
    assert "first_name" in log
    for value in (FORMER, NOW, "Kranich", "901820"):
        assert value not in log
    assert sound(xrm)
    assert client.query(HISTORY, id=id_) == before
    assert {"field": "firstName", "old": FORMER, "new": NOW} in before["contact"]["history"][0]["changes"]


def test_a_record_as_of_a_moment_has_its_values(xrm: Xrm) -> None:
    # given
    id_ = changed(xrm)
    with xrm.database.read() as connection:
        first = connection.scalar(text("SELECT min(at) FROM xrm_change WHERE record_id = :id"), {"id": id_})

    # when
    xrm.work()

    # then
    then = xrm.as_role("admin").query(AS_OF, id=id_, at=str(first).replace(" ", "T"))["contact"]["asOf"]["values"]
    assert {name: then[name] for name in ("firstName", "lastName")} == {"firstName": FORMER, "lastName": "Kranich"}


@pytest.mark.invariant("I24", "I23")
def test_an_erasure_destroys_the_keys_so_a_copy_of_the_log_says_nothing(xrm: Xrm) -> None:
    # given a copy of the log
    id_, other, dsb = changed(xrm), changed(xrm), xrm.as_role("dsb")
    xrm.work()
    with xrm.database.read() as connection:
        copy = [dict(row) for row in connection.execute(text("SELECT * FROM xrm_change")).mappings()]

    # when
    plan = dsb.query(OPEN, i={"entity": "contact", "record": id_})["dsgvoErasureOpen"]
    run = dsb.query(RUN, i={"run": plan["run"], "planHash": plan["planHash"]})["dsgvoErasureRun"]
    xrm.work()

    # then
    assert run["status"].startswith("complete")
    assert sound(xrm)
    with xrm.database.begin() as connection:
        back = text("UPDATE xrm_change SET fields = :fields, salt = :salt, erased = :erased WHERE id = :id")
        connection.execute(back, copy)
    assert sound(xrm)
    old = {row["id"] for row in copy}
    gone = [each for each in entries(xrm, id_) if each.id in old]
    assert [each.fields["first_name"] for each in gone] == [[None, None], None]
    assert FORMER not in str(gone)
    assert FORMER in str(entries(xrm, other))


def test_what_somebody_changes_in_a_closed_value_is_found(xrm: Xrm) -> None:
    # given
    id_ = changed(xrm)
    xrm.work()

    # when
    with xrm.database.begin() as connection:
        row: Any = connection.execute(
            text("SELECT id, fields FROM xrm_change WHERE record_id = :id ORDER BY id"), {"id": id_}
        ).first()
        at = row.fields.index("xl1.") + 60
        meddled = row.fields[:at] + ("A" if row.fields[at] != "A" else "B") + row.fields[at + 1 :]
        connection.execute(text("UPDATE xrm_change SET fields = :f WHERE id = :id"), {"f": meddled, "id": row.id})

    # then
    assert not sound(xrm)
    answer = xrm.as_role("admin").post(HISTORY, id=id_)
    assert answer.json()["errors"][0]["extensions"]["code"] == "SEALED_VALUE_FOREIGN"


def test_a_restriction_takes_closed_values_and_gives_them_back(xrm: Xrm) -> None:
    # given one entry that is closed, and one that is not yet
    id_, dsb = changed(xrm), xrm.as_role("dsb")
    xrm.work()
    client = xrm.as_role("admin")
    client.query(CHANGE, id=id_, name="Zuletzt")
    before = client.query(HISTORY, id=id_)

    # when
    whom = {"person": {"entity": "contact", "record": id_}, "ground": "accuracy", "because": "Contested."}
    standing = done(dsb, RESTRICT, **whom)
    xrm.work()
    assert "xl1." not in in_log(xrm, id_)
    with xrm.database.read() as connection:
        looking: Any = SimpleNamespace(connection=connection, records=xrm.platform.records)
        told = [each.fields["first_name"] for each in changes_of(looking, id_, vaulted=True) if each.fields]
    assert told == [[NOW, "Zuletzt"], [FORMER, NOW], FORMER]
    done(dsb, ANNOUNCE, restriction=standing["restriction"], via="letter")
    done(dsb, LIFT, restriction=standing["restriction"], because="It is right.")
    xrm.work()

    # then
    assert client.query(HISTORY, id=id_)["contact"]["history"][-3:] == before["contact"]["history"]
    for value in (FORMER, NOW, "Zuletzt", "Kranich"):
        assert value not in in_log(xrm, id_)
    assert sound(xrm)


def test_without_the_key_store_nothing_is_shown_and_nothing_is_lost(xrm: Xrm, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    id_, client = changed(xrm), xrm.as_role("admin")
    before = client.query(HISTORY, id=id_)
    xrm.work()

    # when it is away
    def away(*_: Any) -> Any:
        raise SealingUnavailable("The key store does not answer.", hint="Look at it.")

    with monkeypatch.context() as patch:
        patch.setattr(KeyStore, "by_ids", away)
        answer = client.post(HISTORY, id=id_)

    # then
    assert answer.json()["errors"][0]["extensions"]["code"] == "SEALING_UNAVAILABLE"
    assert client.query(HISTORY, id=id_) == before


def test_plugins_are_given_what_was_there(xrm: Xrm) -> None:
    # given
    id_ = changed(xrm)

    # when
    xrm.work()

    # then
    [last, first] = entries(xrm, id_)
    assert last.fields["first_name"] == [FORMER, NOW]
    assert first.fields["phone"] == PHONE


def test_what_becomes_personal_later_is_closed_from_the_beginning(xrm: Xrm) -> None:
    # given rules by which only one field is personal
    id_, records = changed(xrm), xrm.platform.records
    one = {"contact": {"first_name": InLog("sealed", "a")}}
    with xrm.database.read() as connection:
        store = store_of(connection)
    assert store is not None
    seal_all(xrm.database, ChainKeys(""))
    close_all(xrm.database, store, one)
    assert "Kranich" in in_log(xrm, id_)
    assert FORMER not in in_log(xrm, id_)

    # when there are all, and one of them is not to be kept at all
    rules = {**records.log_rules, "contact": {**records.log_rules["contact"], "last_name": InLog("names")}}
    close_all(xrm.database, store, rules)

    # then
    assert "Kranich" not in in_log(xrm, id_)
    assert sound(xrm)
    [last, first] = entries(xrm, id_)
    assert first.erased == ("last_name",)
    assert first.fields["first_name"] == FORMER
    assert first.fields["phone"] == PHONE
    assert last.fields == {"first_name": [FORMER, NOW]}


def test_of_two_who_close_at_once_one_finds_nothing_left(xrm: Xrm, monkeypatch: pytest.MonkeyPatch) -> None:
    # given another server that closes all just after this one has seen what there is
    id_, rules = changed(xrm), xrm.platform.records.log_rules
    with xrm.database.read() as connection:
        store = store_of(connection)
    assert store is not None
    seal_all(xrm.database, ChainKeys(""))
    look, others = closing._next, [lambda: close_all(xrm.database, store, rules)]

    def looked(*given: Any) -> Any:
        found = look(*given)
        if others:
            others.pop()()
        return found

    monkeypatch.setattr(closing, "_next", looked)

    # when
    assert close_all(xrm.database, store, rules) == 0

    # then
    assert FORMER not in in_log(xrm, id_)
    assert sound(xrm)
