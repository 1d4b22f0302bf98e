"""R-011: changes of many records beside changes of one, and two who restore the same record."""

from concurrent.futures import ThreadPoolExecutor

from tests.records.kit import World
from tests.records.test_trash import restore
from xrm_core.changes.reading import logged
from xrm_core.errors import NotFound


def test_changes_of_many_and_of_one_all_count(world: World) -> None:
    ids = [world.create("admin", "customer", {"name": name}) for name in "ABCD"]

    def many(number: int) -> int:
        order = ids if number % 2 else ids[::-1]
        with world.database.begin() as connection:
            caller = world.caller("admin")
            return world.records.update_bulk(connection, caller, "customer", order, {"city": str(number)}).count

    def one(number: int) -> int:
        world.update("admin", "customer", ids[number % 4], {"email": f"{number}@example.com"})
        return 1

    with ThreadPoolExecutor(8) as threads:
        futures = [threads.submit(many if number % 3 else one, number) for number in range(24)]
        written = [future.result(timeout=60) for future in futures]
    versions = [(world.stored("customer", id_) or {})["version"] for id_ in ids]
    assert sum(versions) == 4 + sum(written)
    for id_, version in zip(ids, versions, strict=True):
        with world.database.read() as connection:
            assert [each.version for each in logged(connection, record_id=id_)] == list(range(version, 0, -1))


def test_of_two_who_restore_a_record_one_does(world: World) -> None:
    customer = world.create("admin", "customer", {"name": "A"})
    world.create("admin", "note", {"text": "x", "customer": customer})
    world.delete("admin", "customer", customer)

    def again(_number: int) -> bool:
        try:
            restore(world, "admin", "customer", customer)
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(again, range(8), timeout=60))
    assert done.count(True) == 1
    assert (world.stored("customer", customer) or {})["version"] == 3
