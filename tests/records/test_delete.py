import pytest

from tests.records.kit import World
from xrm_core.errors import DeletionTooLarge, Forbidden, NotFound, RecordInUse, VersionConflict


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


def test_more_than_may_go_along_or_lose_their_relation_keep_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.records, "most_along", 2)
    parent, child, alone = (world.create("admin", "customer", {"name": name}) for name in "PCA")
    world.update("admin", "customer", child, {"parent": parent})
    for number in range(3):
        world.create("admin", "note", {"text": str(number), "customer": child})
        world.create("admin", "note", {"text": str(number), "about": {"customer": alone}})
    before = world.state()
    for id_ in (child, alone):
        with pytest.raises(DeletionTooLarge) as refused:
            world.delete("admin", "customer", id_)
        assert refused.value.details == {"limit": 2}
        assert world.state() == before
    world.delete("admin", "customer", parent)  # its child loses its relation, and nothing else is changed by that
    monkeypatch.setattr(world.records, "most_along", 3)
    with world.database.begin() as connection:
        done = world.records.delete_bulk(connection, world.caller("admin"), "customer", [child, alone], skip=True)
    assert (done.ids, done.errors) == ([child, alone], {})
