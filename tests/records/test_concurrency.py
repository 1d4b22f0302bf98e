"""Many writers at once: nobody's change is lost, nobody sees an error of the database."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.records.kit import World, build
from xrm_core.errors import VersionConflict
from xrm_core.permissions.policy import Action
from xrm_core.storage.engines import Database


def test_of_parallel_changes_with_one_version_one_wins(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "A"})

    def change(number: int) -> bool:
        try:
            world.update("admin", "customer", id_, {"city": f"City {number}"}, version=1)
        except VersionConflict:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        wins = list(threads.map(change, range(16)))
    assert wins.count(True) == 1
    assert (world.stored("customer", id_) or {})["version"] == 2


def test_parallel_changes_without_a_version_all_count(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "A"})
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: world.update("admin", "customer", id_, {"city": str(number)}), range(24)))
    assert (world.stored("customer", id_) or {})["version"] == 25


def test_a_record_that_is_being_changed_can_be_referred_to(postgres_url: str, tmp_path: Path) -> None:
    """SQLite has one writer at a time. Where two wait for each other's records, PostgreSQL would end one of them."""
    database = Database(postgres_url)
    world = build(database, tmp_path)
    id_ = world.create("admin", "customer", {"name": "A"})
    with database.begin() as connection, ThreadPoolExecutor(1) as threads:
        world.records.update(connection, world.caller("admin"), "customer", id_, {"email": "a@example.com"})
        note = threads.submit(world.create, "admin", "note", {"text": "x", "customer": id_}).result(timeout=5)
    assert (world.stored("note", note) or {})["customer"] == id_
    assert (world.stored("customer", id_) or {})["email"] == "a@example.com"
    database.close()


def test_the_rule_stands_in_the_write_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at the record and the write, the record is given away: nothing may be written (S-082)."""
    id_ = world.create("rep", "customer", {"name": "Mine"})
    caller = world.caller("rep")
    conditions = caller.access.get("customer", Action.UPDATE)
    assert conditions is not None
    table = world.records.tables["customer"]
    original = world.records._check_targets

    def give_away(connection: object, *rest: object) -> None:
        connection.execute(table.update().where(table.c.id == id_).values(owner_id=world.users["ben"]))  # type: ignore[attr-defined]
        original(connection, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(world.records, "_check_targets", give_away)
    before = world.state()
    with pytest.raises(Exception, match="may not change"):
        world.update("rep", "customer", id_, {"city": "Köln"})
    assert world.state() == before
