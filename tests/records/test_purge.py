"""Out of the trash for good, with what went along and its files; and many back at once."""

import datetime as dt
import io
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.records.kit import World
from tests.records.merge_world import built, customers, merged
from xrm_core.changes.reading import logged
from xrm_core.errors import Forbidden, NotFound, ValidationFailed
from xrm_core.records.bulk import BulkRefused
from xrm_core.records.trash_retention import remove_old
from xrm_core.storage.engines import Database
from xrm_core.storage.file_tables import FILE
from xrm_core.storage.merge_tables import MERGE
from xrm_core.storage.system import AUTH_EVENT
from xrm_core.storage.trash_tables import TRASH


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return built(database, tmp_path)


def purge(world: World, role: str, *ids: str, user: str = "anna") -> None:
    with world.database.begin() as connection:
        world.records.purge(connection, world.caller(role, user), "customer", ids)


def rows(world: World, table: object) -> int:
    with world.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0  # type: ignore[arg-type]


def photo(world: World) -> str:
    with world.database.begin() as connection:
        caller = world.caller("admin")
        stored = world.records.files.store(connection, caller, "a.txt", "text/plain", io.BytesIO(b"hello"))
        return str(stored.id)


def test_a_purge_ends_the_record_what_went_along_and_its_files(world: World) -> None:
    shared = photo(world)
    [kept, gone, other] = customers(world, "K", "A", "B")
    world.update("admin", "customer", kept, {"photo": shared})
    world.update("admin", "customer", gone, {"photo": photo(world)})
    world.create("admin", "contract", {"kind": "x", "customer": gone})
    for each in (gone, other):
        world.delete("admin", "customer", each)
    assert (rows(world, TRASH), rows(world, FILE)) == (3, 2)
    with pytest.raises(NotFound, match="in the trash"):
        purge(world, "admin", gone, kept)
    assert (rows(world, TRASH), rows(world, FILE)) == (3, 2)
    purge(world, "admin", gone)
    assert (rows(world, TRASH), rows(world, FILE)) == (1, 1)
    with world.database.begin() as connection, pytest.raises(NotFound):
        world.records.restore(connection, world.caller("admin"), "customer", gone)
    with world.database.read() as connection:
        [event] = connection.execute(select(AUTH_EVENT).where(AUTH_EVENT.c.event == "record_purged"))
        assert [each.operation for each in logged(connection, record_id=gone)] == ["delete", "update", "create"]
    assert (event.subject, str(event.user_id), event.details) == (gone, world.users["anna"], '{"entity": "customer"}')


def test_it_takes_a_right_of_its_own_beside_that_to_see_it_there(world: World) -> None:
    [mine] = customers(world, "A")
    [foreign] = customers(world, "B", user="ben")
    for each in (mine, foreign):
        world.delete("admin", "customer", each)
    with pytest.raises(Forbidden, match="purge"):  # it may delete and restore it
        purge(world, "rep", mine)
    with pytest.raises(NotFound):  # it may purge what is its own only
        purge(world, "sweeper", foreign)
    with pytest.raises(Forbidden):  # it cannot see the trash
        purge(world, "blind", mine)
    assert rows(world, TRASH) == 2
    purge(world, "sweeper", mine)
    assert rows(world, TRASH) == 1


def test_many_are_purged_or_come_back_all_or_without_those_that_are_wrong(world: World) -> None:
    ids = customers(world, "A", "B", "C", number=None)
    for number, each in enumerate(ids):
        world.update("admin", "customer", each, {"number": str(number)})
        world.delete("admin", "customer", each)
    customers(world, "D", number="1")
    caller = world.caller("admin")
    with pytest.raises(BulkRefused) as refused, world.database.begin() as connection:
        world.records.restore_bulk(connection, caller, "customer", ids)
    assert [each["index"] for each in refused.value.details["errors"]] == [1]
    with world.database.begin() as connection:
        back = world.records.restore_bulk(connection, caller, "customer", ids, skip=True)
    assert (back.ids, [type(each) for each in back.errors.values()]) == ([ids[0], None, ids[2]], [ValidationFailed])
    with world.database.begin() as connection:
        done = world.records.purge_bulk(connection, caller, "customer", [ids[0], ids[1]], skip=True)
    assert (done.ids, [type(each) for each in done.errors.values()]) == ([None, ids[1]], [NotFound])
    assert rows(world, TRASH) == 0


def test_what_was_merged_is_found_until_the_one_that_has_it_is_gone_for_good(world: World) -> None:
    for by_age in (False, True):
        stays, first = customers(world, "S", "A")
        merged(world, stays, first)
        purge(world, "admin", first)
        assert rows(world, MERGE) == 1
        world.delete("admin", "customer", stays)
        assert rows(world, MERGE) == 1
        if by_age:
            with world.database.begin() as connection:
                assert remove_old(connection, dt.datetime.now(dt.UTC) + dt.timedelta(days=1), 10) == 1
        else:
            purge(world, "admin", stays)
        assert rows(world, MERGE) == 0
