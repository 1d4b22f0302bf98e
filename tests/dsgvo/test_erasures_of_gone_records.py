"""What somebody had deleted of a person before, and that has left the trash, is still in the change log: it goes, too,
and what the law demands stays there (I1, I4, I7, I19).
"""

import datetime as dt
import json

import pytest
from uuid_utils import uuid7

from tests.dsgvo.canaries import tokens_in
from tests.dsgvo.test_access import ACCESS, REVIEW, SETUP
from tests.dsgvo.test_erasures import World
from tests.dsgvo.test_requests import done, known, opened
from xrm_core import naming
from xrm_core.api import CommandContext, gone_records
from xrm_core.changes.reading import logged
from xrm_core.records.trash_retention import remove_old
from xrm_core.testing import Setup, Xrm

GONE = ("activity", "fee", "donation")


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return SETUP


@pytest.fixture
def world(xrm: Xrm) -> World:
    a, b, _ = xrm.begun
    return World(xrm, xrm.as_role("admin"), a, b)


def deleted(world: World, entity: str, id_: str) -> None:
    kind = naming.pascal(entity)
    world.admin.query(f"mutation ($id: ID!) {{ delete{kind}(id: $id) {{ id }} }}", id=id_)


def whole(world: World) -> bytes:
    """All rows of all tables, and of the change log also what is closed in it by now, in clear."""
    with world.xrm.database.read() as connection:
        log = [dict(each.fields) for each in logged(connection, limit=None)]
    return world.dump() + json.dumps(log, ensure_ascii=False).encode()


@pytest.mark.invariant("I1", "I4", "I7", "I19")
def test_what_was_deleted_before_goes_from_the_log_unless_the_law_demands_it(world: World) -> None:
    # given records of two persons that are gone for good, a donation of this year among them
    this_year = f"{world.xrm.clock.now().year}-01-15"
    for person in (world.a, world.b):
        world.update("donation", person.records["donation"], {"donated_on": this_year})
        for entity in GONE:
            deleted(world, entity, person.records[entity])
    with world.xrm.database.begin() as connection:
        remove_old(connection, dt.datetime.now(dt.UTC) + dt.timedelta(days=1), 100)
    dump = whole(world)
    before = tokens_in(dump, [world.b])
    assert {entity for _, entity, _ in tokens_in(dump, [world.a])} >= {"activity", "donation"}

    # when one of them is erased
    opened = world.decided(world.a)
    planned = {each["record"]: each["action"] for each in opened["records"]}
    done = world.run(opened)

    # then they are in the plan, and nothing of what may go is left
    assert planned[world.a.records["activity"]] in ("delete", "anonymize", "unlink")
    assert planned[world.a.records["donation"]] == "restrict"
    dump = whole(world)
    left = tokens_in(dump, [world.a])
    assert {each for each in left if each[1] in ("activity", "fee")} == set()
    # and what the law demands is said to stay, and all of the other is there
    assert "spenden" in {each["datenart"] for each in done["kept"]}
    assert tokens_in(dump, [world.b]) == before

    # and a second erasure has nothing more to do
    again = world.run(world.decided(world.a))
    assert {each["count"] for each in again["steps"]} == {0}


@pytest.mark.invariant("I10")
def test_what_hung_on_a_person_and_is_gone_is_told_as_wholly_as_it_is_erased(world: World) -> None:
    # given records of two persons that are gone for good
    for person in (world.a, world.b):
        for entity in GONE:
            deleted(world, entity, person.records[entity])
    with world.xrm.database.begin() as connection:
        remove_old(connection, dt.datetime.now(dt.UTC) + dt.timedelta(days=1), 100)
    world.xrm.work()  # their values are closed in the log
    agent = world.xrm.as_role("dsgvo_agent")
    request = opened(agent, "access")
    known(agent, request, world.a.records["contact"])

    # when one of them asks
    first = done(agent, ACCESS, request=request)
    texts = [
        {**{name: each[name] for name in ("entity", "record", "field")}, "show": True} for each in first["toReview"]
    ]
    done(agent, REVIEW, request=request, texts=texts, blacken=[])
    content = json.loads(done(agent, ACCESS, request=request)["content"])

    # then they are told of each, that it is gone, and what the log has; of others nothing
    told = {each["entity"]: each for each in content["data"] if each["gone"]}
    assert {told[entity]["id"] for entity in GONE} == {world.a.records[entity] for entity in GONE}
    there = {entity for _, entity, _ in tokens_in(json.dumps(told, ensure_ascii=False).encode(), [world.a])}
    assert "activity" in there
    fields = {entity: {field["name"] for field in told[entity]["fields"]} for entity in GONE}
    assert fields["fee"] == {"amount", "reminders"}, fields
    assert tokens_in(json.dumps(content, ensure_ascii=False).encode(), [world.b]) == set()
    assert {each["store"]: each["found"] for each in content["manifest"]["stores"]}["change_log"] >= len(GONE)
    for language, word in (("de", "noch im Änderungsprotokoll"), ("en", "still in the change log")):
        page = done(agent, ACCESS, request=request, form="html", language=language)["content"]
        assert page.count(word) >= len(GONE)
    # and an erasure plans the same
    planned = {each["record"] for each in world.decided(world.a)["records"]}
    assert {each["id"] for each in told.values()} <= planned


def test_the_log_is_looked_through_once_however_many_are_asked_for(world: World) -> None:
    # given records of a person and one of somebody else that are gone, and one that is in the trash
    for entity in GONE:
        deleted(world, entity, world.a.records[entity])
    with world.xrm.database.begin() as connection:
        remove_old(connection, dt.datetime.now(dt.UTC) + dt.timedelta(days=1), 100)
    deleted(world, "activity", world.b.records["activity"])
    own = [person.records[entity] for person in (world.a, world.b) for entity in ("contact", "member")]
    platform = world.xrm.platform
    command = CommandContext(platform.records, platform.database, "", None, "test")

    asked, found = list[int](), list[set[tuple[str, str, str]]]()
    for others in (0, 60, 6_000):
        ids = [*own, *(str(uuid7()) for _ in range(others))]
        with world.xrm.statements() as statements, command.read() as connection:
            gone = gone_records(command.within(connection), ids)
        asked.append(len(statements))
        found.append({(each.entity, each.id, each.field) for each in gone})

    # then they are the same ones
    assert {("activity", world.a.records["activity"]), ("donation", world.a.records["donation"])} <= {
        each[:2] for each in found[0]
    }
    assert world.b.records["activity"] not in {each[1] for each in found[0]}
    assert found[0] == found[1] == found[2]
    # and it takes as many statements for many as for some
    assert asked[1] == asked[2]
