"""Duplicates become one record: its values, what referred to them, the trail, and who may do it."""

import io
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.records.kit import World
from tests.records.merge_world import built, customers, ids_of, merged
from xrm_core.api import Refuse, hookimpl
from xrm_core.changes.reading import logged
from xrm_core.errors import BadQuery, Forbidden, NotFound, QueryTooLarge, ValidationFailed, VersionConflict
from xrm_core.records import references
from xrm_core.records.merging import MergeConflict, Moved
from xrm_core.records.stored import from_row
from xrm_core.storage.engines import Database
from xrm_core.storage.merge_tables import MERGE


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return built(database, tmp_path)


def value(world: World, entity: str, id_: str, field: str) -> Any:
    return (world.stored(entity, id_) or {})[field]


def test_everything_that_refers_to_them_refers_to_the_one_that_stays(world: World) -> None:
    stays, first, second, other = customers(world, "S", "A", "B", "C")
    tags = [world.create("admin", "tag", {"name": name}) for name in "xyz"]

    def create(entity: str, **values: Any) -> str:
        return world.create("admin", entity, values)

    contact = create("contact", name="c", customer=first, former=second)
    contract = create("contract", kind="care", customer=first)
    note, of_contact = create("note", about={"customer": second}), create("note", about={"contact": contact})
    child, held = create("customer", name="D", parent=second), create("customer", name="E", holding=first)
    world.update("admin", "customer", stays, {"tags": {"add": [{"id": tags[0], "weight": 1}]}, "parent": first})
    world.update("admin", "customer", first, {"tags": {"add": [{"id": tag, "weight": 2} for tag in tags[:2]]}})
    world.update("admin", "customer", second, {"tags": {"add": [{"id": tag, "weight": 3} for tag in tags]}})
    world.update("admin", "customer", second, {"holding": first, "parent": first})
    world.update("admin", "customer", first, {"peers": {"add": [{"id": stays}, {"id": second}, {"id": other}]}})
    rivals = [
        create("competes_with", source={"customer": one}, target={"customer": two})
        for one, two in ((other, stays), (first, other), (second, stays))
    ]
    moved = merged(world, stays, first, second)
    assert moved == [
        Moved("competes_with", 0, 2),
        Moved("contact", 1, 0),
        Moved("contract", 1, 0),
        Moved("customer", 4, 0),
        Moved("customer_peer", 1, 2),
        Moved("customer_tag", 2, 3),
        Moved("note", 1, 0),
    ]
    record = world.stored("contact", contact) or {}
    assert (record["customer"], record["former"], record["version"]) == (stays, stays, 2)
    assert value(world, "contract", contract, "customer") == stays
    assert value(world, "note", note, "about") == {"customer": stays}
    assert value(world, "note", of_contact, "about") == {"contact": contact}
    assert (value(world, "customer", child, "parent"), value(world, "customer", held, "holding")) == (stays, stays)
    assert value(world, "customer", stays, "parent") is None, "it does not refer to itself"
    links = world.records.tables["customer_tag"]
    with world.database.read() as connection:
        rows = connection.execute(select(links.c.tag_id, links.c.weight).where(links.c.customer_id == stays)).all()
    assert {tuple(map(str, row)) for row in rows} == {(tags[0], "1"), (tags[1], "2"), (tags[2], "3")}
    assert ids_of(world, "competes_with") == {rivals[0]}
    assert ids_of(world, "customer") == {stays, other, child, held}


def test_links_of_the_one_that_stays_are_not_read_without_need(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stays, first = customers(world, "S", "A")
    tags = [world.create("admin", "tag", {"name": str(number)}) for number in range(20)]
    world.update("admin", "customer", stays, {"tags": {"set": tags}})
    world.update("admin", "customer", first, {"tags": {"set": tags[:2]}})
    read = []
    monkeypatch.setattr(references, "from_row", lambda kind, row: read.append(kind.name) or from_row(kind, row))
    assert merged(world, stays, first) == [Moved("customer_tag", 0, 2)]
    assert read == ["customer_tag"] * 4


def test_values_are_taken_or_given(world: World) -> None:
    [stays] = customers(world, "S", city="Ulm", number="1")
    first = world.create("admin", "customer", {"name": "A", "number": "2", "phone": "1", "city": "Köln"})
    second = world.create("admin", "customer", {"name": "B", "parent": first, "phone": "2"})
    merged(world, stays, first, second, take={first: ["number"], second: ["phone", "parent"]}, values={"name": "AB"})
    record = world.stored("customer", stays) or {}
    shown = tuple(record[name] for name in ("name", "number", "city", "phone", "parent"))
    assert shown == ("AB", "2", "Ulm", "2", None)
    for take, values in (({first: ["id"]}, {}), ({first: ["tags"]}, {}), ({first: ["phone"]}, {"phone": "3"})):
        with pytest.raises((Forbidden, ValidationFailed)):
            merged(world, stays, first, take=take, values=values)


def test_a_file_is_taken_along(world: World) -> None:
    stays, first = customers(world, "S", "A")
    with world.database.begin() as connection:
        stored = world.records.files.store(connection, world.caller("rep"), "a.txt", "text/plain", io.BytesIO(b"hello"))
    world.update("rep", "customer", first, {"photo": stored.id})
    merged(world, stays, first, role="rep", take={first: ["photo"]})
    assert value(world, "customer", stays, "photo") == stored.id
    [other] = customers(world, "B", user="ben")
    with pytest.raises(ValidationFailed, match="photo"):  # of a record that it cannot see
        merged(world, customers(world, "C", user="ben")[0], other, role="rep", user="ben", values={"photo": stored.id})


def test_the_trail_is_on_all_sides(world: World) -> None:
    stays, first, second, third = customers(world, "S", "A", "B", "C")
    contact = world.create("admin", "contact", {"name": "c", "customer": first})
    merged(world, stays, first, second)

    def last(entity: str, id_: str) -> Any:
        with world.database.read() as connection:
            return next(each for each in logged(connection, record_id=id_) if each.entity == entity)

    entries = [last("customer", each) for each in (stays, first, second)] + [last("contact", contact)]
    assert [(each.operation, each.version) for each in entries] == [("update", 2), *[("delete", 2)] * 2, ("update", 2)]
    [(kind, merge_id)] = entries[3].causes
    assert (kind, entries[3].fields) == ("merge", {"customer": [first, stays]})
    assert entries[0].causes == (("merge", merge_id), ("merged_from", first), ("merged_from", second))
    assert entries[1].causes == entries[2].causes == (("merge", merge_id), ("merged_into", stays))
    merged(world, third, stays)
    with pytest.raises(NotFound) as missing:
        world.update("admin", "customer", first, {"city": "Ulm"})
    assert missing.value.details == {"mergedInto": third}
    with pytest.raises(NotFound) as hidden:
        world.update("rep", "customer", first, {"city": "Ulm"}, user="ben")
    assert hidden.value.details == {}
    with world.database.read() as connection:
        rows = connection.execute(select(MERGE.c.record_id, MERGE.c.into_id)).all()
    assert {tuple(map(str, row)) for row in rows} == {(each, third) for each in (stays, first, second)}


def test_who_was_merged_comes_back_alone(world: World) -> None:
    stays, first = customers(world, "S", "A")
    contact = world.create("admin", "contact", {"name": "c", "customer": first})
    merged(world, stays, first)
    with world.database.begin() as connection:
        world.records.restore(connection, world.caller("admin"), "customer", first)
    assert value(world, "customer", first, "version") == 3
    assert value(world, "contact", contact, "customer") == stays
    with world.database.read() as connection:
        assert connection.execute(select(MERGE)).all() == []
    merged(world, first, stays)
    assert value(world, "contact", contact, "customer") == first


def test_what_cannot_be_moved_is_named_and_nothing_is_merged(world: World) -> None:
    stays, first, other = customers(world, "S", "A", "B")
    world.create("admin", "contract", {"kind": "care", "customer": stays})
    twin = world.create("admin", "contract", {"kind": "care", "customer": first})
    world.create("admin", "contract", {"kind": "rent", "customer": first})
    before = world.state()
    with pytest.raises(MergeConflict) as refused:
        merged(world, stays, first)
    [told] = refused.value.details["records"]
    assert (told["entity"], told["id"], told["code"]) == ("contract", twin, "VALIDATION_FAILED")
    assert told["details"]["problems"][0]["rule"] == "unique"
    assert world.state() == before
    world.delete("admin", "contract", twin)
    for source, start in ((stays, "2026-01-01"), (first, "2026-02-01")):
        ends = {"source": {"customer": source}, "target": {"customer": other}}
        world.create("admin", "supplied_by", {**ends, "valid_from": start})
    with pytest.raises(MergeConflict) as refused:
        merged(world, stays, first)
    assert refused.value.details["records"][0]["entity"] == "supplied_by"


def test_a_wrong_value_for_a_relation_to_a_merged_record_is_told_as_such(world: World) -> None:
    stays, first = customers(world, "S", "A")
    world.update("admin", "customer", stays, {"parent": first})
    before = world.state()
    nobody = "01900000-0000-7000-8000-00000000dead"
    with pytest.raises(ValidationFailed) as refused:
        merged(world, stays, first, values={"parent": nobody})
    assert [each["field"] for each in refused.value.details["problems"]] == ["parent"]
    assert world.state() == before


def test_what_is_not_yours_is_counted_and_nothing_is_merged(world: World) -> None:
    stays, first = customers(world, "S", "A")
    for name in "BC":
        world.create("admin", "customer", {"name": name, "parent": first}, user="ben")
    before = world.state()
    with pytest.raises(Forbidden) as refused:
        merged(world, stays, first, role="keeper", user="ben")  # who may change what is not theirs, and see all
    assert refused.value.details == {"unchangeable": 2}
    assert world.state() == before


def test_what_you_do_not_see_is_in_the_way_without_a_number(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stays, first = customers(world, "S", "A")
    mine = world.create("admin", "contact", {"name": "c", "customer": first})
    told = []
    for entity, values in (("contact", {"name": "c", "customer": first}), ("note", {"about": {"customer": first}})):
        world.create("admin", entity, values, user="ben")
        before = world.state()
        with pytest.raises(Forbidden) as refused:
            merged(world, stays, first, role="rep")
        told.append(refused.value.to_json())
        assert world.state() == before
    monkeypatch.setattr(references, "MOST", 1)
    with pytest.raises(Forbidden) as refused:  # nor is it told that they are too many, but to who sees them
        merged(world, stays, first, role="rep")
    assert told == [refused.value.to_json()] * 2
    assert "details" not in told[0]
    assert not set("0123456789") & set(told[0]["message"])
    with pytest.raises(QueryTooLarge):
        merged(world, stays, first)
    monkeypatch.undo()
    for each in ids_of(world, "contact") - {mine}:
        world.update("admin", "contact", each, {"owner": world.users["anna"]})
    for each in ids_of(world, "note"):
        world.delete("admin", "note", each)
    assert merged(world, stays, first, role="rep") == [Moved("contact", 2, 0)]


def test_the_rights_on_all_sides_are_asked(world: World) -> None:
    stays, first = customers(world, "S", "A", phone="1")
    [foreign] = customers(world, "B", user="ben")
    before = world.state()
    for role, user, into, source in (
        ("rep", "anna", foreign, first),
        ("rep", "anna", stays, foreign),
        ("viewer", "anna", stays, first),
        ("keeper", "anna", stays, first),
    ):
        with pytest.raises((Forbidden, NotFound)):
            merged(world, into, source, role=role, user=user)
    with pytest.raises(Forbidden, match="phone"):  # it could change it, but not read it there
        merged(world, stays, first, role="half", take={first: ["phone"]})
    with pytest.raises(Forbidden, match="in this way"):  # afterwards it would be somebody else's
        merged(world, stays, first, role="rep", values={"owner": world.users["ben"]})
    assert world.state() == before
    merged(world, stays, first, role="half", take={first: ["city"]})


def test_who_may_be_deleted_is_asked_before_what_refers_to_them_is_moved(world: World) -> None:
    stays, first, second = customers(world, "S", "A", "B")
    world.create("admin", "contact", {"name": "c", "customer": first})
    with pytest.raises(Forbidden, match="delete"):
        merged(world, stays, first, second, role="caller")
    assert merged(world, stays, first, role="caller") == [Moved("contact", 1, 0)]


def test_whether_there_is_a_value_to_take_is_told_to_those_who_see_it(world: World) -> None:
    stays, mine = customers(world, "S", "A")
    [with_phone] = customers(world, "B", user="ben", phone="1")
    [without] = customers(world, "C", user="ben")
    for each in (with_phone, without):
        with pytest.raises(Forbidden, match="phone"):
            merged(world, stays, each, role="shy", take={each: ["phone"]})
    merged(world, stays, mine, role="shy", take={mine: ["phone"]})
    [below_hidden] = customers(world, "D", parent=with_phone)
    [below_none] = customers(world, "E")
    for each in (below_hidden, below_none):  # in both they see none
        merged(world, stays, each, role="rep", take={each: ["parent"]})
        assert value(world, "customer", stays, "parent") is None


def test_versions_limits_and_what_makes_no_sense(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stays, first, second = customers(world, "S", "A", "B")
    world.update("admin", "customer", second, {"city": "Ulm"})
    given: list[dict[str, Any]] = [{"version": 2}, {"versions": (1, 1)}]
    for more in given:
        with pytest.raises(VersionConflict):
            merged(world, stays, first, second, **more)
    strange: list[tuple[tuple[str, ...], dict[str, Any]]] = [
        ((), {}),
        ((stays,), {}),
        ((first, first), {}),
        ((first,), {"versions": (1, 1)}),
        ((first,), {"take": {second: ["city"]}}),
    ]
    for sources, more in strange:
        with pytest.raises(BadQuery):
            merged(world, stays, *sources, **more)
    with pytest.raises(QueryTooLarge):
        merged(world, stays, *(f"00000000-0000-7000-8000-{number:012}" for number in range(101)))
    for _ in range(2):
        world.create("admin", "contact", {"name": "c", "customer": first})
    monkeypatch.setattr(references, "MOST", 1)
    with pytest.raises(QueryTooLarge, match="More than 1"):
        merged(world, stays, first)
    monkeypatch.undo()
    merged(world, stays, first, second, version=1, versions=(1, 2))


def test_plugins_hear_of_each_change_and_may_refuse(database: Database, tmp_path: Path) -> None:
    heard: list[tuple[str, str]] = []

    class Plugin:
        @hookimpl
        def before_record_update(self, entity: str, before: dict[str, Any], changes: dict[str, Any]) -> None:
            heard.append(("update", entity))
            if before.get("name") == "fixed" and "customer" in changes:
                raise Refuse("stays where it is")

        @hookimpl
        def before_record_delete(self, entity: str) -> None:
            heard.append(("delete", entity))

    world = built(database, tmp_path, Plugin())
    stays, first = customers(world, "S", "A")
    contact = world.create("admin", "contact", {"name": "fixed", "customer": first})
    with pytest.raises(MergeConflict, match="stays where it is"):
        merged(world, stays, first)
    world.update("admin", "contact", contact, {"name": "free"})
    heard.clear()
    merged(world, stays, first)
    assert heard == [("update", "contact"), ("delete", "customer"), ("update", "customer")]
