"""Every change of a record stands in the log, in the transaction in which it was made."""

import pytest
from sqlalchemy import select

from tests.changes.kit import log_of, told
from tests.records.kit import World
from xrm_core.errors import Forbidden, RecordInUse, ValidationFailed
from xrm_core.permissions.caller import system


def test_a_record_s_life_is_told_in_its_order(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "A", "revenue": "7.5", "since": "2026-01-02"})
    world.update("admin", "customer", id_, {"city": "Köln", "revenue": "7.50"}, user="ben")
    world.update("admin", "customer", id_, {"city": None})
    world.delete("admin", "customer", id_)
    anna, created = world.users["anna"], {"name": "A", "status": "lead", "revenue": "7.50", "since": "2026-01-02"}
    entries = told(world, id_)
    last = entries[-1][3]
    assert entries[:-1] == [
        ("customer", "create", 1, {**created, "owner": anna}),
        ("customer", "update", 2, {"city": [None, "Köln"]}),
        ("customer", "update", 3, {"city": ["Köln", None]}),
    ]
    assert entries[-1][:3] == ("customer", "delete", 4)
    assert {name: last[name] for name in created} == created
    assert last["created_by"] == anna
    assert last["created_at"] == log_of(world, id_)[0].at


def test_an_entry_names_author_moment_and_cause(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "A"})
    world.update("admin", "customer", id_, {"city": "Köln"}, user="ben")
    with world.database.begin() as connection:
        world.records.update(connection, system(world.model, "import"), "customer", id_, {"city": "Bonn"})
    first, second, third = log_of(world, id_)
    assert [first.actor, second.actor, third.actor] == [world.users["anna"], world.users["ben"], None]
    assert third.at == (world.stored("customer", id_) or {})["updated_at"]
    assert (first.causes, third.causes) == ("[]", '[["platform","import"]]')


def test_a_change_that_changes_nothing_is_told_with_its_version(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "A", "revenue": "1"})
    world.update("admin", "customer", id_, {"name": "A", "revenue": "1.00"})
    assert told(world, id_)[-1] == ("customer", "update", 2, {})


def test_what_was_refused_leaves_no_entry(world: World) -> None:
    id_ = world.create("rep", "customer", {"name": "A"})
    before = log_of(world)
    with pytest.raises(ValidationFailed):
        world.create("admin", "customer", {"name": "A" * 21})
    with pytest.raises(Forbidden):  # after the SQL: it would be another one's then
        world.update("rep", "customer", id_, {"owner": world.users["ben"]})
    with pytest.raises(RecordInUse):
        world.delete("admin", "user", world.users["anna"])
    assert log_of(world) == before


def test_what_goes_along_with_a_record_is_told_before_it(world: World) -> None:
    customer = world.create("admin", "customer", {"name": "A"})
    child = world.create("admin", "customer", {"name": "B", "parent": customer})
    part = world.create("admin", "note", {"text": "x", "customer": customer})
    mention = world.create("admin", "note", {"text": "y", "about": {"customer": customer}})
    both = world.create("admin", "note", {"text": "z", "customer": customer, "about": {"customer": customer}})
    before = len(log_of(world))
    world.delete("admin", "customer", customer, user="ben")
    entries = log_of(world)[before:]
    assert {row.actor for row in entries} == {world.users["ben"]}
    assert {row.record_id for row in entries[:2]} == {child, mention}
    assert told(world, child)[-1] == ("customer", "update", 2, {"parent": [customer, None]})
    assert told(world, mention)[-1] == ("note", "update", 2, {"about": [{"customer": customer}, None]})
    assert {row.record_id for row in entries[2:4]} == {part, both}
    assert {row.operation for row in entries[2:]} == {"delete"}
    assert [row.record_id for row in entries[4:]] == [customer]
    assert told(world, both)[-1][3]["about"] == {"customer": customer}
    stored = world.stored("note", mention) or {}
    assert (stored["version"], stored["updated_by"]) == (2, world.users["ben"])


def test_every_record_that_goes_along_in_a_ring_is_told_once(world: World) -> None:
    many = [world.create("admin", "note", {"text": str(number)}) for number in range(3)]
    customer = world.create("admin", "customer", {"name": "A"})
    for id_ in many:
        world.update("admin", "note", id_, {"customer": customer})
    world.delete("admin", "customer", customer)
    assert [told(world, id_)[-1][1] for id_ in (*many, customer)] == ["delete"] * 4
    table = world.records.tables["note"]
    with world.database.read() as connection:
        assert connection.execute(select(table.c.id)).all() == []
