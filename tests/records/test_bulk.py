"""Many records at once: each as if it were alone, all or nothing, or without those that are wrong."""

import pytest

from tests.records.kit import World
from tests.records.test_trash import in_trash, restore
from xrm_core.changes.reading import logged
from xrm_core.errors import Forbidden, QueryTooLarge
from xrm_core.records.bulk import MOST, BulkRefused, Outcome

CUSTOMERS = [{"name": "A", "number": "1"}, {"name": "B", "number": "1"}, {"name": "C" * 21}, {"name": "D"}]


def create(
    world: World, role: str, rows: list[dict[str, object]], *, skip: bool = False, user: str = "anna"
) -> Outcome:
    with world.database.begin() as connection:
        return world.records.create_bulk(connection, world.caller(role, user), "customer", rows, skip=skip)


def update(world: World, role: str, ids: list[str], changes: dict[str, object], *, skip: bool = False) -> Outcome:
    with world.database.begin() as connection:
        return world.records.update_bulk(connection, world.caller(role), "customer", ids, changes, skip=skip)


def delete(world: World, role: str, ids: list[str], *, skip: bool = False) -> Outcome:
    with world.database.begin() as connection:
        return world.records.delete_bulk(connection, world.caller(role), "customer", ids, skip=skip)


def codes(outcome: Outcome) -> dict[int, str]:
    return {index: error.code for index, error in outcome.errors.items()}


def test_all_are_created_or_none(world: World) -> None:
    before = world.state()
    with pytest.raises(BulkRefused) as refused:
        create(world, "admin", CUSTOMERS)
    [wrong] = refused.value.details["errors"]
    assert (wrong["index"], wrong["details"]["problems"][0]["field"]) == (2, "name")
    with pytest.raises(BulkRefused) as refused:
        create(world, "admin", [*CUSTOMERS[:2], CUSTOMERS[3]])
    [wrong] = refused.value.details["errors"]
    assert (wrong["index"], wrong["details"]["problems"][0]["rule"]) == (1, "unique")
    assert world.state() == before
    outcome = create(world, "admin", [CUSTOMERS[0], CUSTOMERS[3]])
    stored = [(world.stored("customer", str(id_)) or {})["name"] for id_ in outcome.ids]
    assert (stored, outcome.count, outcome.errors) == (["A", "D"], 2, {})


def test_what_is_wrong_is_left_out(world: World) -> None:
    outcome = create(world, "admin", CUSTOMERS, skip=True)
    assert [id_ is not None for id_ in outcome.ids] == [True, False, False, True]
    assert codes(outcome) == {1: "VALIDATION_FAILED", 2: "VALIDATION_FAILED"}
    with world.database.read() as connection:
        names = [each.fields["name"] for each in logged(connection, entity="customer")]
    assert names == ["D", "A"]


def test_rights_are_those_of_each(world: World) -> None:
    ben, anna = world.users["ben"], world.users["anna"]
    outcome = create(world, "rep", [{"name": "A", "owner": ben}, {"name": "B", "owner": anna}], skip=True)
    assert codes(outcome) == {0: "FORBIDDEN"}
    with pytest.raises(Forbidden):
        create(world, "viewer", [{"name": "A"}], skip=True)
    bens = str(create(world, "rep", [{"name": "C"}], user="ben").ids[0])
    target = create(world, "rep", [{"name": "D", "parent": bens}, {"name": "E"}], skip=True)
    assert codes(target) == {0: "VALIDATION_FAILED"}
    mine = str(outcome.ids[1])
    before = world.state()
    with pytest.raises(BulkRefused):
        update(world, "rep", [mine, bens], {"city": "Ulm"})
    with pytest.raises(BulkRefused):
        delete(world, "rep", [mine, bens])
    with pytest.raises(BulkRefused):
        update(world, "rep", [mine], {"owner": ben})
    assert world.state() == before
    assert codes(update(world, "rep", [bens, mine], {"city": "Ulm"}, skip=True)) == {0: "NOT_FOUND"}
    assert codes(delete(world, "rep", [bens, mine], skip=True)) == {0: "NOT_FOUND"}
    assert (world.stored("customer", mine), in_trash(world)) == (None, 1)


def test_a_change_of_many_is_that_of_each(world: World) -> None:
    ids = [str(id_) for id_ in create(world, "admin", [{"name": name} for name in "ABC"]).ids]
    assert update(world, "admin", ids, {"city": "Ulm", "revenue": "1.50"}).ids == ids
    for id_ in ids:
        stored = world.stored("customer", id_) or {}
        assert (stored["city"], str(stored["revenue"]), stored["version"]) == ("Ulm", "1.50", 2)
    with world.database.read() as connection:
        entries = [
            (each.operation, each.version, each.fields) for each in logged(connection, record_id=ids[1], limit=1)
        ]
    assert entries == [("update", 2, {"city": [None, "Ulm"], "revenue": [None, "1.50"]})]
    with pytest.raises(BulkRefused) as refused:
        update(world, "admin", ids, {"number": "7"})
    assert refused.value.details["errors"][0]["details"]["problems"][0]["rule"] == "unique"
    assert len(update(world, "admin", ids, {"number": "7"}, skip=True).errors) == 2


def test_each_deletion_is_restored_by_itself_with_what_went_along(world: World) -> None:
    first, second = (str(id_) for id_ in create(world, "admin", [{"name": "A"}, {"name": "B"}]).ids)
    notes = [world.create("admin", "note", {"text": "x", "customer": each}) for each in (first, second)]
    children = [
        world.create("admin", "customer", {"name": f"of {each[:9]}", "parent": each}) for each in (first, second)
    ]
    assert delete(world, "admin", [first, second]).count == 2
    assert in_trash(world) == 4
    restore(world, "admin", "customer", second)
    assert [world.stored("note", each) is not None for each in notes] == [False, True]
    parents = [(world.stored("customer", each) or {})["parent"] for each in children]
    assert parents == [None, second]


def test_too_many_are_refused_before_anything_is_done(world: World) -> None:
    with pytest.raises(QueryTooLarge):
        create(world, "admin", [{"name": "A"}] * (MOST + 1))
    with pytest.raises(QueryTooLarge):
        delete(world, "admin", [f"{number}" for number in range(MOST + 1)])
