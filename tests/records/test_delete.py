import pytest

from tests.records.kit import World
from xrm_core.errors import Forbidden, NotFound, RecordInUse, VersionConflict


def test_a_deleted_record_is_gone(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "A"})
    world.delete("admin", "customer", id_, version=1)
    assert world.stored("customer", id_) is None


def test_on_delete_rules_of_the_files_hold(world: World) -> None:
    customer = world.create("admin", "customer", {"name": "A"})
    child = world.create("admin", "customer", {"name": "B", "parent": customer})
    part = world.create("admin", "note", {"text": "x", "customer": customer})
    mention = world.create("admin", "note", {"text": "y", "about": {"customer": customer}})
    world.delete("admin", "customer", customer)
    assert (world.stored("customer", child) or {})["parent"] is None
    assert world.stored("note", part) is None
    assert (world.stored("note", mention) or {})["about"] is None


def test_a_record_that_others_need_stays(world: World) -> None:
    world.create("rep", "customer", {"name": "A"})
    before = world.state()
    with pytest.raises(RecordInUse):
        world.delete("admin", "user", world.users["anna"])
    assert world.state() == before


def test_an_old_version_is_a_conflict(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "A"})
    world.update("admin", "customer", id_, {"city": "Köln"})
    with pytest.raises(VersionConflict):
        world.delete("admin", "customer", id_, version=1)
    assert world.stored("customer", id_) is not None


def test_only_what_the_role_may_delete(world: World) -> None:
    mine = world.create("rep", "customer", {"name": "Mine"})
    hidden = world.create("rep", "customer", {"name": "Ben's"}, user="ben")
    before = world.state()
    with pytest.raises(NotFound):
        world.delete("rep", "customer", hidden)
    with pytest.raises(Forbidden):
        world.delete("viewer", "customer", mine)
    assert world.state() == before
    world.delete("rep", "customer", mine)
    assert world.stored("customer", mine) is None
