"""Several who write one key at the same time: one creates the record, the others change it."""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select
from uuid_utils import uuid7

from tests.records.conftest import wipe
from tests.records.kit import World, build
from tests.records.test_upsert import ID, NUMBER, entries, many, upsert
from xrm_core.errors import ValidationFailed
from xrm_core.storage.engines import Database

WAIT = 30


@pytest.fixture(scope="module")
def made(database_of_module: Database, tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(database_of_module, tmp_path_factory.mktemp("world"))


@pytest.fixture
def world(made: World) -> World:
    return wipe(made)


def results(futures: "list[Future[Any]]") -> list[Any]:
    wait(futures, WAIT)
    return [future.result(timeout=0) for future in futures]


def stored(world: World) -> list[tuple[str, str]]:
    table = world.records.tables["customer"]
    with world.database.read() as connection:
        return [(row[0], row[1]) for row in connection.execute(select(table.c.number, table.c.city))]


def test_one_key_is_one_record_and_all_are_answered(world: World) -> None:
    for by, key in ((NUMBER, {"number": "7"}), (ID, {"id": str(uuid7())})):
        together = Barrier(6)

        def write(number: int, by: Any = by, key: Any = key, together: Barrier = together) -> tuple[str, bool]:
            together.wait(WAIT)
            return upsert(world, "admin", by, {**key, "name": f"N{number}", "city": by[0]})

        with ThreadPoolExecutor(6) as threads:
            answers = results([threads.submit(write, number) for number in range(6)])
        assert len({id_ for id_, _ in answers}) == 1
        assert [created for _, created in answers].count(True) == 1
        versions = [(operation, version) for operation, version, _ in entries(world, answers[0][0])]
        assert versions == [("create", 1), *(("update", version) for version in range(2, 7))]


def test_many_keys_at_once_in_other_orders(world: World) -> None:
    rows = [{"number": str(number), "name": f"N{number}"} for number in range(30)]
    together = Barrier(4)

    def write(number: int) -> set[int]:
        together.wait(WAIT)
        mine = rows[number * 5 :] + rows[: number * 5]
        outcome = many(world, "admin", NUMBER, [{**row, "city": f"C{number}"} for row in mine[:: (-1) ** number]])
        assert not outcome.errors
        return {int(world.stored("customer", str(outcome.ids[place]))["number"]) for place in outcome.created}  # type: ignore[index]

    with ThreadPoolExecutor(4) as threads:
        created = results([threads.submit(write, number) for number in range(4)])
    assert sorted(number for each in created for number in each) == list(range(30))
    found = stored(world)
    assert len(found) == 30
    assert len({city for _, city in found}) == 1  # the last of them has written all


def test_who_gets_another_key_meanwhile_is_not_written(postgres_url: str, tmp_path: Any) -> None:
    """The key is looked at once more when the other change is over: what was called 1 is called 2 now."""
    database = Database(postgres_url)
    world = build(database, tmp_path)
    first = upsert(world, "admin", NUMBER, {"number": "1", "name": "A"})[0]
    try:
        with ThreadPoolExecutor(1) as threads, database.begin() as connection:
            world.records.update(connection, world.caller("admin"), "customer", first, {"number": "2"})
            waiting = threads.submit(upsert, world, "admin", NUMBER, {"number": "1", "name": "B"})
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.5)
            connection.commit()
            second, created = waiting.result(timeout=WAIT)
        assert created
        assert second != first
        assert (world.stored("customer", first) or {})["name"] == "A"
    finally:
        database.close()


def test_another_value_that_is_taken_is_no_reason_to_try_again(world: World) -> None:
    world.create("admin", "customer", {"name": "A", "city": "Ulm", "number": "1"})
    before = world.state()
    with pytest.raises(ValidationFailed, match="city and name"):
        upsert(world, "admin", NUMBER, {"number": "2", "city": "Ulm", "name": "A"})
    assert world.state() == before
