"""Records by key: created if they are not there, changed if they are, and nothing told of those that are hidden."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import delete, event
from uuid_utils import uuid4, uuid7

from tests.records.conftest import wipe
from tests.records.kit import World, build
from tests.records.test_bulk import codes
from tests.records.test_trash import in_trash
from xrm_core.changes.reading import logged
from xrm_core.errors import Forbidden, ValidationFailed
from xrm_core.records.bulk import BulkRefused
from xrm_core.records.merging import Wanted
from xrm_core.records.upserting import Upserted
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.engines import Database


@pytest.fixture(scope="module")
def made(database_of_module: Database, tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(database_of_module, tmp_path_factory.mktemp("world"))


@pytest.fixture
def world(made: World) -> World:
    return wipe(made)


NUMBER, PLACE, ID = ("number",), ("city", "name"), ("id",)


def upsert(
    world: World, role: str, by: Sequence[str], values: Mapping[str, Any], user: str = "anna"
) -> tuple[str, bool]:
    with world.database.begin() as connection:
        return world.records.upsert(connection, world.caller(role, user), "customer", by, values)


def many(
    world: World, role: str, by: Sequence[str], rows: Sequence[Mapping[str, Any]], *, skip: bool = False
) -> Upserted:
    with world.database.begin() as connection:
        return world.records.upsert_bulk(connection, world.caller(role), "customer", by, rows, skip=skip)


def entries(world: World, id_: str) -> list[tuple[str, int, object]]:
    with world.database.read() as connection:
        found = [(each.operation, each.version, each.fields) for each in logged(connection, record_id=id_)]
    return found[::-1]


def problems(error: ValidationFailed) -> list[tuple[str, str]]:
    return [(each["field"], each["rule"]) for each in error.problems]


def test_it_is_created_then_changed_then_left_alone(world: World) -> None:
    values = {"number": "7", "name": "A", "revenue": "1.5"}
    id_, created = upsert(world, "admin", NUMBER, values)
    assert created
    assert (world.stored("customer", id_) or {})["status"] == "lead"  # the default
    assert upsert(world, "admin", NUMBER, {"number": "7", "name": "B", "status": "active"}) == (id_, False)
    assert upsert(world, "admin", NUMBER, {"number": "7", "name": "B", "revenue": "1.50"}) == (id_, False)
    assert upsert(world, "admin", NUMBER, {"number": "7"}) == (id_, False)
    stored = world.stored("customer", id_) or {}
    assert (stored["version"], stored["status"], str(stored["revenue"])) == (2, "active", "1.50")
    [made, changed] = entries(world, id_)
    assert (made[0], made[1]) == ("create", 1)
    assert changed == ("update", 2, {"name": ["A", "B"], "status": ["lead", "active"]})


def test_a_key_may_have_several_fields(world: World) -> None:
    ulm = upsert(world, "admin", PLACE, {"city": "Ulm", "name": "A"})[0]
    bonn = upsert(world, "admin", PLACE, {"city": "Bonn", "name": "A"})[0]
    assert ulm != bonn
    assert upsert(world, "admin", PLACE, {"city": "Bonn", "name": "A", "number": "2"}) == (bonn, False)
    outcome = many(world, "admin", PLACE, [{"city": city, "name": "A"} for city in ("Ulm", "Kiel", "Bonn")])
    assert (outcome.ids[0], outcome.ids[2], outcome.created) == (ulm, bonn, {1})
    assert upsert(world, "admin", PLACE, {"city": "ulm", "name": "A"})[1]  # as for all unique values: byte by byte


WITHOUT_VALUE = [
    (NUMBER, {"name": "A"}, ("number", "required")),
    (NUMBER, {"name": "A", "number": None}, ("number", "required")),
    (PLACE, {"name": "A"}, ("city", "required")),
    (PLACE, {"name": "\0", "city": "Ulm"}, ("name", "characters")),
    (NUMBER, {"name": "A", "number": 7}, ("number", "type")),
    (NUMBER, {"name": "A", "number": ["7"]}, ("number", "type")),
    (ID, {"name": "A"}, ("id", "required")),
    (ID, {"name": "A", "id": "7"}, ("id", "format")),
    (ID, {"name": "A", "id": str(uuid4())}, ("id", "format")),
]


def test_a_key_without_a_value_is_refused(world: World) -> None:
    before = world.state()
    for by, values, problem in WITHOUT_VALUE:
        with pytest.raises(ValidationFailed) as refused:
            upsert(world, "admin", by, values)
        assert problems(refused.value) == [problem]
        assert codes(many(world, "admin", by, [values], skip=True)) == {0: "VALIDATION_FAILED"}
    with pytest.raises(KeyError, match="no key"):
        upsert(world, "admin", ["city"], {"city": "Ulm", "name": "A"})
    assert world.state() == before


def test_rights_are_those_of_what_it_turns_out_to_be(world: World) -> None:
    mine, created = upsert(world, "rep", NUMBER, {"number": "1", "name": "A", "status": "active"})
    assert created
    before = world.state()
    with pytest.raises(Forbidden, match="no field status"):  # may be given to new ones only
        upsert(world, "rep", NUMBER, {"number": "1", "status": "lead"})
    for by in (NUMBER, PLACE):  # an id that is not the key
        with pytest.raises(Forbidden, match="set by the system"):
            upsert(world, "rep", by, {"id": str(uuid7()), "number": "1", "name": "A", "city": "Bonn"})
    with pytest.raises(Forbidden, match="no field revenue"):
        upsert(world, "rep", NUMBER, {"number": "2", "name": "B", "revenue": 1})
    with pytest.raises(Forbidden, match="not change the customer in this way"):
        upsert(world, "rep", NUMBER, {"number": "1", "owner": world.users["ben"]})
    with pytest.raises(Forbidden, match="not create such"):
        upsert(world, "rep", NUMBER, {"number": "2", "name": "B", "owner": world.users["ben"]})
    with pytest.raises(Forbidden, match="not create"):
        upsert(world, "viewer", NUMBER, {"number": "2", "name": "B"})
    with pytest.raises(Forbidden, match="not update"):
        upsert(world, "viewer", NUMBER, {"number": "1", "name": "B"})
    assert world.state() == before
    assert upsert(world, "rep", NUMBER, {"number": "1", "city": "Ulm"}) == (mine, False)
    # who may not change the key may change the rest
    assert upsert(world, "feeder", NUMBER, {"number": "1", "city": "Bonn"}) == (mine, False)
    assert many(world, "feeder", NUMBER, [{"number": "1", "city": "Kiel"}]).ids == [mine]
    assert (world.stored("customer", mine) or {})["city"] == "Kiel"


def test_a_hidden_record_is_a_value_that_is_taken_and_no_more(world: World) -> None:
    bens = world.create("admin", "customer", {"name": "Ben's", "number": "1", "owner": world.users["ben"]})
    before = world.state()
    with pytest.raises(ValidationFailed) as created:
        world.create("rep", "customer", {"number": "1", "name": "A"})
    with pytest.raises(ValidationFailed) as refused:
        upsert(world, "rep", NUMBER, {"number": "1", "name": "A"})
    assert refused.value.to_json() == created.value.to_json()
    [error] = many(world, "rep", NUMBER, [{"number": "1", "name": "A"}], skip=True).errors.values()
    assert error.to_json() == created.value.to_json()
    with pytest.raises(ValidationFailed) as refused:
        upsert(world, "rep", ID, {"id": bens, "name": "A"})
    assert problems(refused.value) == [("id", "unique")]
    assert world.state() == before


def test_by_a_value_that_is_not_shown_nobody_is_found(world: World) -> None:
    """Else a change by key would tell which record has it: the clerk sees the records, but not their numbers."""
    world.create("admin", "customer", {"name": "A", "number": "1", "city": "Ulm"})
    before = world.state()
    with pytest.raises(Forbidden, match="no field number"):
        upsert(world, "clerk", NUMBER, {"number": "1", "city": "Bonn"})
    assert world.state() == before


def test_an_id_is_that_of_one_record_for_ever(world: World) -> None:
    id_ = str(uuid7())
    assert upsert(world, "rep", ID, {"id": id_.upper(), "name": "A"}) == (id_, True)
    assert upsert(world, "rep", ID, {"id": id_, "city": "Ulm"}) == (id_, False)
    note = world.create("admin", "note", {"text": "x"})
    world.delete("admin", "customer", id_)
    before = world.state()
    for gone in (id_, note):  # in the trash; of another entity
        with pytest.raises(ValidationFailed) as refused:
            upsert(world, "rep", ID, {"id": gone, "name": "B"})
        assert problems(refused.value) == [("id", "unique")]
    outcome = many(world, "rep", ID, [{"id": id_, "name": "B"}, {"id": str(uuid7()), "name": "C"}], skip=True)
    assert (codes(outcome), outcome.created) == ({0: "VALIDATION_FAILED"}, {1})
    assert world.state() != before
    assert in_trash(world) == 1


def test_the_id_of_who_was_merged_is_led_to_the_other_and_no_new_record(world: World) -> None:
    """Also when it has left the trash and the log."""
    stays, gone = (upsert(world, "admin", NUMBER, {"number": number, "name": "A"})[0] for number in "12")
    with world.database.begin() as connection:
        world.records.merge(connection, world.caller("admin"), "customer", Wanted(stays, [gone], {}, {}))
        world.records.purge(connection, world.caller("admin"), "customer", [gone])
        connection.execute(delete(CHANGE))
    with pytest.raises(ValidationFailed) as refused:
        upsert(world, "admin", ID, {"id": gone, "name": "B"})
    assert problems(refused.value) == [("id", "unique")]


def test_a_new_id_is_not_looked_for_in_all_of_the_trash(world: World) -> None:
    if not world.database.is_sqlite:
        return
    plans: list[str] = []

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "xrm_trash" in statement and statement.startswith("SELECT"):
            plans.extend(row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall())

    event.listen(world.database.engine, "before_cursor_execute", explain)
    try:
        assert upsert(world, "admin", ID, {"id": str(uuid7()), "name": "A"})[1]
    finally:
        event.remove(world.database.engine, "before_cursor_execute", explain)
    assert any(plan.startswith("SEARCH xrm_trash") for plan in plans)
    assert not any(plan.startswith("SCAN xrm_") for plan in plans)


def test_what_is_in_the_trash_stays_there(world: World) -> None:
    first = upsert(world, "admin", NUMBER, {"number": "1", "name": "A"})[0]
    world.delete("admin", "customer", first)
    second, created = upsert(world, "admin", NUMBER, {"number": "1", "name": "B"})
    assert created
    assert second != first
    assert in_trash(world) == 1


def test_many_are_written_in_the_order_given(world: World) -> None:
    there = [upsert(world, "admin", NUMBER, {"number": str(number), "name": f"N{number}"})[0] for number in (1, 2, 3)]
    rows = [
        {"number": "9", "name": "N9"},
        {"number": "3", "name": "N3"},  # as it is
        {"number": "2", "city": "Ulm", "revenue": 5},
        {"number": "8", "name": "N8", "status": "active"},
        {"number": "1", "city": "Bonn"},
    ]
    outcome = many(world, "admin", NUMBER, rows)
    assert (outcome.errors, outcome.created, outcome.count) == ({}, {0, 3}, 5)
    assert [outcome.ids[place] for place in (4, 2, 1)] == there
    stored = [world.stored("customer", str(id_)) or {} for id_ in outcome.ids]
    assert [each["number"] for each in stored] == ["9", "3", "2", "8", "1"]
    assert [each["version"] for each in stored] == [1, 1, 2, 1, 2]
    assert entries(world, there[1])[1:] == [("update", 2, {"city": [None, "Ulm"], "revenue": [None, "5.00"]})]
    assert len(entries(world, there[2])) == 1


def test_what_is_wrong_is_told_by_its_place(world: World) -> None:
    bens = world.create("admin", "customer", {"name": "Ben's", "number": "5", "owner": world.users["ben"]})
    upsert(world, "rep", NUMBER, {"number": "1", "name": "A"})
    before = world.state()
    rows = [
        {"number": "1", "name": "C" * 21},
        {"number": "2", "name": "B"},
        {"number": "2", "name": "again"},
        {"number": None, "name": "D"},
        {"number": "5", "name": "taken"},
        {"number": "1", "city": "Ulm"},
        {"number": "6"},
        {"number": "7", "name": "E", "parent": bens},
        {"number": "8", "name": "F", "revenue": 1},
    ]
    with pytest.raises(BulkRefused) as refused:
        many(world, "rep", NUMBER, rows)
    assert [each["index"] for each in refused.value.details["errors"]] == [2, 3, 5]  # before anything is asked
    with pytest.raises(BulkRefused) as refused:
        many(world, "rep", NUMBER, [each for place, each in enumerate(rows) if place not in (2, 3, 5)])
    assert [each["index"] for each in refused.value.details["errors"]] == [0, 2, 3, 4, 5]
    assert world.state() == before
    outcome = many(world, "rep", NUMBER, rows, skip=True)
    wrong = dict.fromkeys((0, 2, 3, 4, 5, 6, 7), "VALIDATION_FAILED") | {8: "FORBIDDEN"}
    assert (codes(outcome), outcome.created) == (wrong, {1})
    assert [index for index, id_ in enumerate(outcome.ids) if id_ is not None] == [1]
