"""Two who write at the same moment: what comes of it could also have come of one after the other."""

import datetime as dt
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import Connection, text
from uuid_utils import uuid7

from tests.server.door_world import DoorWorld
from xrm_core.graphql import executor
from xrm_core.records import door as door_module
from xrm_core.records import locking, rights

PATIENCE = 20.0
"""Seconds after which something counts as hanging."""

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def world(door: DoorWorld) -> DoorWorld:
    door.empty()
    return door


@contextmanager
def first(world: DoorWorld) -> Iterator[Connection]:
    """A write transaction of an administrator, open until the block ends."""
    with world.client.database.begin() as connection:
        yield connection


def second(world: DoorWorld, query: str, user: str = "anna") -> Future[Any]:
    """Somebody who writes meanwhile, and waits already when this returns: on SQLite, for the turn; else, for a lock."""
    found: Future[Any] = Future()

    def ask() -> None:
        try:
            found.set_result(world.ask(user, query))
        except BaseException as error:  # told by who asks for the result
            found.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    if world.client.database.is_sqlite:
        time.sleep(0.05)
        assert not found.done(), found.result()
        return found
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with world.client.database.read() as connection:
            if connection.scalar(text(_WAITING)):
                return found
        time.sleep(0.01)
    raise AssertionError(f"It does not wait: {found}")


def update(world: DoorWorld, connection: Connection, entity: str, id_: str, **changes: Any) -> None:
    world.client.records.update(connection, world.client.world.caller("admin"), entity, id_, changes)


def delete(world: DoorWorld, connection: Connection, entity: str, id_: str) -> None:
    world.client.records.delete(connection, world.client.world.caller("admin"), entity, id_)


def create(world: DoorWorld, connection: Connection, entity: str, **values: Any) -> str:
    return world.client.records.create(connection, world.client.world.caller("admin"), entity, values)


def code(answer: Any) -> str:
    return str(answer["errors"][0]["extensions"]["code"])


def stored(world: DoorWorld, entity: str, id_: str) -> Any:
    return next((row for row in world.rows(entity) if row["id"] == id_), None)


def test_a_change_by_filter_leaves_alone_what_no_longer_fits(world: DoorWorld) -> None:
    moved, stays = (world.make("company", name=name, city="Ulm") for name in "AB")
    with first(world) as connection:
        update(world, connection, "company", moved, city="Köln")
        asked = 'mutation { updateCompanies(where: {city: {eq: "Ulm"}}, set: {city: "Bonn"}) { ids } }'
        answer = second(world, asked)
    assert answer.result(PATIENCE)["data"]["updateCompanies"]["ids"] == [stays]
    assert (stored(world, "company", moved)["city"], stored(world, "company", moved)["version"]) == ("Köln", 2)
    with first(world) as connection:
        update(world, connection, "company", moved, city="Bonn")
        update(world, connection, "company", stays, city="Ulm")
        answer = second(world, 'mutation { deleteCompanies(where: {city: {eq: "Bonn"}}) { ids } }')
    # and takes what fits by then
    assert answer.result(PATIENCE)["data"]["deleteCompanies"]["ids"] == [moved]
    assert stored(world, "company", stays) is not None


@pytest.mark.parametrize("verb", ["restore", "purge"])
def test_nor_does_one_of_the_trash_by_filter_touch_what_has_left_it(world: DoorWorld, verb: str) -> None:
    back, stays = (world.make("company", name=name, city="Ulm") for name in "AB")
    caller = world.client.world.caller("admin")
    for each in (back, stays):
        world.ask("anna", f'mutation {{ deleteCompany(id: "{each}") {{ id }} }}')
    with first(world) as connection:
        world.client.records.restore(connection, caller, "company", back)
        answer = second(world, f'mutation {{ {verb}Companies(where: {{city: {{eq: "Ulm"}}}}) {{ ids }} }}')
    assert answer.result(PATIENCE) == {"data": {f"{verb}Companies": {"ids": [stays]}}}
    assert stored(world, "company", back)["version"] == 3
    assert (stored(world, "company", stays) is None) == (verb == "purge")


def test_a_version_that_is_taken_while_somebody_waits_is_a_conflict(world: DoorWorld) -> None:
    id_ = world.make("company", name="A")
    with first(world) as connection:
        update(world, connection, "company", id_, city="Ulm")
        changed = second(world, f'mutation {{ updateCompany(id: "{id_}", version: 1, input: {{rating: 3}}) {{ id }} }}')
    answer = changed.result(PATIENCE)
    assert (code(answer), answer["errors"][0]["extensions"]["details"]["currentVersion"]) == ("VERSION_CONFLICT", 2)
    with first(world) as connection:
        update(world, connection, "company", id_, city="Bonn")
        gone = second(world, f'mutation {{ deleteCompany(id: "{id_}", version: 2) {{ id }} }}')
    assert code(gone.result(PATIENCE)) == "VERSION_CONFLICT"
    with first(world) as connection:
        update(world, connection, "company", id_, city="Köln")
        both = second(world, f'mutation {{ updateCompany(id: "{id_}", input: {{rating: 3}}) {{ city version }} }}')
    assert both.result(PATIENCE)["data"]["updateCompany"] == {"city": "Köln", "version": 5}


def test_no_update_is_lost_of_those_who_read_change_and_write(world: DoorWorld) -> None:
    # given some who each count a record up by what they have read of it, and read again if they come too late
    id_, writers, rounds = world.make("company", name="A", city="0"), 3, 4
    barrier = threading.Barrier(writers)

    def count(side: int) -> int:
        conflicts = 0
        barrier.wait(PATIENCE)
        for _ in range(rounds):
            while True:
                was = world.ask("anna", f'{{ company(id: "{id_}") {{ city version }} }}')["data"]["company"]
                change = f'version: {was["version"]}, input: {{city: "{int(was["city"]) + 1}"}}'
                answer = world.ask("anna", f'mutation {{ updateCompany(id: "{id_}", {change}) {{ id }} }}')
                if "errors" not in answer:
                    break
                assert code(answer) == "VERSION_CONFLICT"
                conflicts += 1
            # and who gives no version changes only what they name
            other = f"input: {{rating: {side}}}"
            assert "errors" not in world.ask("anna", f'mutation {{ updateCompany(id: "{id_}", {other}) {{ id }} }}')
        return conflicts

    with ThreadPoolExecutor(writers) as threads:
        list(threads.map(count, range(writers), timeout=PATIENCE))
    # then each has counted
    record = stored(world, "company", id_)
    assert (record["city"], record["version"]) == (str(writers * rounds), 1 + 2 * writers * rounds)


def test_who_refers_to_a_record_that_goes_is_told(world: DoorWorld) -> None:
    for entity in ("contact", "contract"):
        company = world.make("company", name="A")
        with first(world) as connection:
            delete(world, connection, "company", company)
            given = f'companyId: "{company}"' + (', name: "C"' if entity == "contact" else "")
            refers = second(world, f"mutation {{ create{entity.title()}(input: {{{given}}}) {{ id }} }}")
        answer = refers.result(PATIENCE)
        [problem] = answer["errors"][0]["extensions"]["details"]["problems"]
        assert (problem["field"], problem["rule"]) == ("company", "relation")
        assert world.rows(entity) == []


def test_who_refers_to_a_record_that_goes_and_comes_back_refers_to_it(world: DoorWorld) -> None:
    caller, records = world.client.world.caller("admin"), world.client.records
    for verb, expected in (
        ("createContract(input: {companyId: ID}) { company { name } }", {"company": {"name": "A"}}),
        (
            "createContracts(input: [{companyId: ID}], onError: SKIP) { count errors { code } }",
            {"count": 1, "errors": []},
        ),
    ):
        # given somebody who takes a company away, and brings it back in the same transaction
        company = world.make("company", name="A")
        with first(world) as connection:
            delete(world, connection, "company", company)
            records.restore(connection, caller, "company", company)
            # when somebody else refers to it meanwhile
            waiting = second(world, f"mutation {{ made: {verb.replace('ID', json.dumps(company))} }}")
        # then it is there, as it is before and after that
        assert waiting.result(PATIENCE) == {"data": {"made": expected}}


def test_an_id_of_ones_own_is_one_records_whatever_the_entity(world: DoorWorld) -> None:
    # given somebody who creates a company with an id
    chosen, caller = str(uuid7()), world.client.world.caller("admin")
    company = {"id": chosen, "name": "A"}
    with first(world) as connection:
        assert world.client.records.upsert(connection, caller, "company", ["id"], company) == (chosen, True)
        # when somebody else gives the same id to a project
        asked = f'mutation {{ upsertProject(by: id, input: {{id: "{chosen}", name: "B"}}) {{ created }} }}'
        waiting = second(world, asked)
    # then the later one is told that it is taken
    answer = waiting.result(PATIENCE)
    [problem] = answer["errors"][0]["extensions"]["details"]["problems"]
    assert (problem["field"], problem["rule"]) == ("id", "unique")
    assert world.rows("project") == []
    # and one for the same entity finds what the first has made
    with first(world) as connection:
        other = {"id": str(uuid7()), "name": "C"}
        world.client.records.upsert(connection, caller, "company", ["id"], other)
        same = second(
            world, f'mutation {{ upsertCompany(by: id, input: {{id: "{other["id"]}", name: "C"}}) {{ created }} }}'
        )
    assert same.result(PATIENCE)["data"] == {"upsertCompany": {"created": False}}


def test_a_deletion_shows_the_record_as_it_goes(world: DoorWorld) -> None:
    company = world.make("company", name="A")
    with first(world) as connection:
        update(world, connection, "company", company, name="B")
        waiting = second(world, f'mutation {{ deleteCompany(id: "{company}") {{ name version }} }}')
    assert waiting.result(PATIENCE)["data"]["deleteCompany"] == {"name": "B", "version": 2}


def test_a_deletion_takes_along_or_heeds_who_came_to_refer_meanwhile(world: DoorWorld) -> None:
    company = world.make("company", name="A")
    with first(world) as connection:
        contract = create(world, connection, "contract", company=company)
        refused = second(world, f'mutation {{ deleteCompany(id: "{company}") {{ id }} }}')
    assert code(refused.result(PATIENCE)) == "RECORD_IN_USE"
    with first(world) as connection:
        delete(world, connection, "contract", contract)
    with first(world) as connection:
        contact = create(world, connection, "contact", name="C", company=company)
        gone = second(world, f'mutation {{ deleteCompany(id: "{company}") {{ id }} }}')
    assert gone.result(PATIENCE)["data"]["deleteCompany"] == {"id": company}
    assert world.rows("contact") == []
    world.ask("anna", f'mutation {{ restoreCompany(id: "{company}") {{ id }} }}')
    assert [row["id"] for row in world.rows("contact")] == [contact]


@pytest.mark.parametrize("commits", [True, False])
def test_a_restore_waits_for_who_takes_its_unique_value(world: DoorWorld, commits: bool) -> None:
    gone = world.make("company", name="A", code="1")
    with first(world) as connection:
        delete(world, connection, "company", gone)

    with suppress(ZeroDivisionError), first(world) as connection:
        create(world, connection, "company", name="B", code="1")
        restored = second(world, f'mutation {{ restoreCompany(id: "{gone}") {{ id version }} }}')
        if not commits:
            raise ZeroDivisionError
    if commits:
        assert code(restored.result(PATIENCE)) == "VALIDATION_FAILED"
        assert [row["name"] for row in world.rows("company")] == ["B"]
    else:
        assert restored.result(PATIENCE)["data"]["restoreCompany"] == {"id": gone, "version": 3}
    trashed = world.ask("anna", "{ companiesTrash { totalCount } }")["data"]["companiesTrash"]["totalCount"]
    assert trashed == (1 if commits else 0)


def test_two_who_restore_the_same_restore_it_once(world: DoorWorld) -> None:
    gone = world.make("company", name="A")
    with first(world) as connection:
        delete(world, connection, "company", gone)
    with first(world) as connection:
        world.client.records.restore(connection, world.client.world.caller("admin"), "company", gone)
        again = second(world, f'mutation {{ restoreCompany(id: "{gone}") {{ id }} }}')
    assert code(again.result(PATIENCE)) == "NOT_FOUND"
    assert [row["version"] for row in world.rows("company")] == [3]


def test_a_link_that_is_made_from_both_sides_is_made_once(world: DoorWorld) -> None:
    company = world.make("company", name="A")
    contact, project = world.make("contact", name="C", company=company), world.make("project", name="P")
    with first(world) as connection:
        update(world, connection, "project", project, members={"add": [{"id": contact, "role": "lead"}]})
        change = f'input: {{projects: {{add: [{{id: "{project}", role: "other"}}]}}}}'
        other = second(world, f'mutation {{ updateContact(id: "{contact}", {change}) {{ version }} }}')
    assert other.result(PATIENCE)["data"]["updateContact"] == {"version": 2}
    [link] = world.rows("project_member")
    assert (link["role"], link["version"]) == ("other", 2)


def test_links_that_go_with_their_other_side_are_no_longer_to_be_removed(world: DoorWorld) -> None:
    company, project = world.make("company", name="A"), world.make("project", name="P")
    contact = world.make("contact", name="C", company=company, projects={"set": [project]})
    with first(world) as connection:
        delete(world, connection, "project", project)
        asked = f'updateContact(id: "{contact}", input: {{projects: {{set: []}}}}) {{ version }}'
        answer = second(world, f"mutation {{ {asked} }}")
    assert answer.result(PATIENCE)["data"] == {"updateContact": {"version": 2}}
    assert world.rows("project_member") == []


def test_a_record_that_is_given_away_while_its_owner_waits_is_out_of_reach(world: DoorWorld) -> None:
    mine = world.make("company", name="A", owner=world.users["ben"])
    for asked in (
        f'updateCompany(id: "{mine}", input: {{city: "Ulm"}}) {{ id }}',
        f'deleteCompany(id: "{mine}") {{ id }}',
        f'updateCompanies(ids: ["{mine}"], set: {{city: "Ulm"}}, onError: SKIP) {{ errors {{ code }} }}',
        'updateCompanies(where: {name: {eq: "A"}}, set: {city: "Ulm"}) { ids }',
    ):
        with first(world) as connection:
            update(world, connection, "company", mine, owner=world.users["anna"])
            answer = second(world, f"mutation {{ {asked} }}", "ben")
        told = answer.result(PATIENCE)
        assert "NOT_FOUND" in str(told) or told["data"] == {"updateCompanies": {"ids": []}}
        assert stored(world, "company", mine)["city"] is None
        with first(world) as connection:
            update(world, connection, "company", mine, owner=world.users["ben"])


def test_a_record_that_one_gets_while_one_asks_for_it_is_changed(
    world: DoorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    if world.client.database.is_sqlite:  # there nobody else writes meanwhile
        return
    # given a record that ben does not see when he asks for it, and gets before it is looked why
    record, looked = world.make("company", name="A"), []
    why = rights.denied

    def late(*arguments: Any) -> Exception:
        looked.append(1)
        with first(world) as connection:
            update(world, connection, "company", record, owner=world.users["ben"])
        return why(*arguments)

    monkeypatch.setattr(locking, "denied", late)
    # then it is his to change, and he is not told that he may only read it
    answer = world.ask("ben", f'mutation {{ updateCompany(id: "{record}", input: {{city: "Ulm"}}) {{ city }} }}')
    assert answer["data"] == {"updateCompany": {"city": "Ulm"}}
    assert looked == [1]


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_of_many_too_it_is_told_how_it_is(world: DoorWorld, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    if world.client.database.is_sqlite:  # there nobody else writes meanwhile
        return
    # given one of two records that ben gets after it was asked for, and before it is looked why he may not have it
    record, other = world.make("company", name="A"), world.make("company", name="B")
    looked, why = list[int](), rights.denied

    def late(*arguments: Any) -> Exception:
        if not looked:
            looked.append(1)
            with first(world) as connection:
                update(world, connection, "company", record, owner=world.users["ben"])
        return why(*arguments)

    monkeypatch.setattr(locking, "denied", late)
    # when he changes both, and leaves out what is not his
    asked = f'ids: ["{record}", "{other}"]' + (', set: {city: "Ulm"}' if verb == "update" else "")
    answer = world.ask("ben", f"mutation {{ {verb}Companies({asked}, onError: SKIP) {{ ids errors {{ id code }} }} }}")
    # then it is done with the one, and nobody says that he may only read it
    told = {"ids": [record, None], "errors": [{"id": other, "code": "NOT_FOUND"}]}
    assert answer["data"] == {f"{verb}Companies": told}


def test_a_rule_that_is_broken_meanwhile_refuses_as_it_would_have_before(world: DoorWorld) -> None:
    # given somebody who takes a company of ben's while he writes below it
    mine, other = (world.make("company", name=name, owner=world.users["ben"]) for name in "AB")
    contact = world.make("contact", name="C", company=other)
    for asked in (
        f'createContact(input: {{name: "D", companyId: "{mine}"}}) {{ id }}',
        f'updateContact(id: "{contact}", input: {{companyId: "{mine}"}}) {{ id }}',
        f'createContacts(input: [{{name: "D", companyId: "{mine}"}}], onError: SKIP) {{ errors {{ code }} }}',
    ):
        with first(world) as connection:
            update(world, connection, "company", mine, owner=world.users["anna"])
            answer = second(world, f"mutation {{ {asked} }}", "ben")
        # then he is told what he is told of any company that he does not see
        assert "VALIDATION_FAILED" in str(answer.result(PATIENCE))
        assert "FORBIDDEN" not in str(answer.result(PATIENCE))
        with first(world) as connection:
            update(world, connection, "company", mine, owner=world.users["ben"])
    assert [row["company_id"] for row in world.rows("contact")] == [other]


def test_a_field_sees_what_was_committed_before_it_and_not_what_is_under_way(
    world: DoorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a document of two fields, between which somebody else commits, if the database lets them
    world.make("company", name="A", city="Ulm")
    moves, between = world.make("company", name="B"), executor._changed

    def then(*arguments: Any) -> Any:
        monkeypatch.setattr(executor, "_changed", between)
        if not world.client.database.is_sqlite:
            with first(world) as connection:
                update(world, connection, "company", moves, city="Ulm")
        return between(*arguments)

    monkeypatch.setattr(executor, "_changed", then)
    # when the second field changes all that fits
    answer = world.ask(
        "anna",
        'mutation { createCompany(input: {name: "C", city: "Ulm"}) { id } '
        'updateCompanies(where: {city: {eq: "Ulm"}}, set: {city: "Bonn"}) { count } }',
    )
    # then it changes what is there by now, with what the first has made
    assert answer["data"]["updateCompanies"] == {"count": 2 if world.client.database.is_sqlite else 3}


def test_documents_that_meet_in_opposite_orders_are_all_done(world: DoorWorld) -> None:
    ids = [world.make("company", name=name) for name in "ABCDEF"]
    rounds, sides = 4, 3
    barrier = threading.Barrier(sides)

    def work(side: int) -> list[Any]:
        answers = []
        for _ in range(rounds):
            order = ids if side % 2 else ids[::-1]
            fields = " ".join(
                f'a{n}: updateCompany(id: "{id_}", input: {{rating: {side}}}) {{ version }}'
                for n, id_ in enumerate(order)
            )
            barrier.wait(PATIENCE)
            answers.append(world.ask("anna", f"mutation {{ {fields} }}"))
        return answers

    with ThreadPoolExecutor(sides) as threads:
        answers = [each for some in threads.map(work, range(sides), timeout=PATIENCE * rounds) for each in some]
    assert [each.get("errors") for each in answers] == [None] * (rounds * sides)
    assert {row["version"] for row in world.rows("company")} == {1 + rounds * sides}


def test_a_clock_that_is_set_back_mixes_no_former_states(world: DoorWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    now = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=5)
    moment: Callable[[int], dt.datetime] = lambda minutes: now + dt.timedelta(minutes=minutes)  # noqa: E731
    id_ = world.make("company", name="A", city="Ulm")
    for minutes, changes in ((10, {"city": "Köln"}), (5, {"rating": 3}), (15, {"name": "B"})):
        monkeypatch.setattr(door_module, "_now", lambda minutes=minutes: moment(minutes))
        with first(world) as connection:
            update(world, connection, "company", id_, **changes)
    asked = " ".join(
        f'a{minutes}: asOf(at: "{moment(minutes).isoformat()}") {{ version values }}' for minutes in (1, 7, 12, 20)
    )
    then = world.ask("anna", f'{{ company(id: "{id_}") {{ {asked} }} }}')["data"]["company"]
    told = {
        key: (each["version"], *(each["values"][name] for name in ("name", "city", "rating")))
        for key, each in then.items()
    }
    assert told == {
        "a1": (1, "A", "Ulm", None),
        "a7": (3, "A", "Köln", 3),
        "a12": (3, "A", "Köln", 3),
        "a20": (4, "B", "Köln", 3),
    }
