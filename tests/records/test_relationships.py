"""Relationships through the write door: allowed pairs, periods, none twice, one at a time."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select
from sqlalchemy.exc import IntegrityError

from tests.records.kit import World
from xrm_core.errors import Forbidden, ValidationFailed, XrmError
from xrm_core.metadata.loader import load_texts
from xrm_core.permissions import policy
from xrm_core.permissions.authority import Authority
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables
from xrm_core.translation import speaking

TEXT = {"type": "string"}
FILES: list[dict[str, Any]] = [
    {"x-entity": "user", "properties": {"name": TEXT}},
    {"x-entity": "person", "properties": {"name": TEXT, "hidden": {"type": "boolean", "default": False}}},
    {"x-entity": "firm", "x-labels": {"de": "Firma"}, "properties": {"name": TEXT}},
    {
        "x-relationship": "decides_for",
        "x-pairs": [
            {"from": "person", "to": "firm"},
            {"from": "person", "to": "person"},
            {"from": "firm", "to": "firm"},
        ],
        "required": ["area"],
        "properties": {"area": {"type": "string", "maxLength": 5, "default": "all"}},
    },
    {"x-relationship": "part_of", "x-pairs": [{"from": "firm", "to": "firm"}], "x-one-at-a-time": True},
    {
        "x-relationship": "friend_of",
        "x-pairs": [{"from": "person", "to": "person"}, {"from": "person", "to": "firm"}],
        "x-symmetric": True,
    },
]
POLICIES = """role,entity,action,fields,rule,effect
admin,*,*,*,,allow
shown,person,*,*,shown,allow
shown,firm,*,*,,allow
shown,decides_for,*,*,,allow
reader,person,read,*,,allow
reader,firm,read,*,,allow
reader,decides_for,read,*,,allow
blind,firm,read,*,,allow
blind,part_of,read,source target,,allow
blind,part_of,create,source target,,allow
"""
ROLES = {"roles": {"admin": {}, "shown": {}, "reader": {}, "blind": {}}, "rules": {"shown": {"hidden": {"eq": False}}}}


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    texts = [(f"{number}.json", json.dumps({"type": "object", **file}), "core") for number, file in enumerate(FILES)]
    model = load_texts(texts)
    apply(database, model)
    (tmp_path / "roles.json").write_text(json.dumps(ROLES))
    (tmp_path / "policies.csv").write_text(POLICIES)
    authority = Authority(model, policy.load([tmp_path], model))
    records = Records(model, Tables(model), Plugins([]))
    return World(database, model, records, authority, {"anna": "00000000-0000-7000-8000-000000000001"})


def made(world: World, entity: str, count: int, **values: Any) -> list[dict[str, str]]:
    """New records, as the ends of relationships take them."""
    return [{entity: world.create("admin", entity, {"name": "x", **values})} for _ in range(count)]


def refused(world: World, entity: str, values: dict[str, Any], message: str, role: str = "admin") -> None:
    before = world.state()
    with pytest.raises(XrmError, match=message):
        world.create(role, entity, values)
    assert world.state() == before


def test_a_relationship_with_its_period_and_attributes(world: World) -> None:
    [ada], [firm] = made(world, "person", 1), made(world, "firm", 1)
    id_ = world.create("admin", "decides_for", {"source": ada, "target": firm, "valid_from": "2026-01-01"})
    stored = world.stored("decides_for", id_)
    assert stored is not None
    found = (stored["source"], stored["target"], stored["valid_from"], stored["valid_to"], stored["area"])
    assert found == (ada, firm, "2026-01-01", None, "all")


def test_only_allowed_pairs(world: World) -> None:
    [ada], [firm] = made(world, "person", 1), made(world, "firm", 1)
    refused(world, "decides_for", {"source": firm, "target": ada}, "a firm cannot have this with a person")
    with speaking("de"):
        refused(
            world, "decides_for", {"source": firm, "target": ada}, "zwischen Firma und person ist das nicht möglich"
        )
    refused(world, "decides_for", {"source": ada, "target": ada}, "the same record")
    refused(world, "decides_for", {"source": ada}, "target: is missing")


def test_the_database_itself_refuses_other_pairs_and_periods(world: World) -> None:
    [ada], [firm] = made(world, "person", 1), made(world, "firm", 1)
    table = world.records.tables["decides_for"]
    row = {"id": "00000000-0000-7000-8000-000000000009", "area": "all", "version": 1}
    row |= {"created_at": "2026-01-01T00:00:00+00:00", "updated_at": "2026-01-01T00:00:00+00:00"}
    for wrong in (
        {"source_firm_id": firm["firm"], "target_person_id": ada["person"]},
        {
            "source_person_id": ada["person"],
            "target_firm_id": firm["firm"],
            "valid_from": "2026-01-02",
            "valid_to": "2026-01-01",
        },
    ):
        with pytest.raises(IntegrityError), world.database.begin() as connection:
            connection.execute(insert(table).values({**row, **wrong}))


def test_a_period_ends_after_it_begins(world: World) -> None:
    [ada], [firm] = made(world, "person", 1), made(world, "firm", 1)
    ends = {"source": ada, "target": firm}
    wrong = {**ends, "valid_from": "2026-02-01", "valid_to": "2026-01-31"}
    refused(world, "decides_for", wrong, "valid_to: lies before valid_from")
    id_ = world.create("admin", "decides_for", {**ends, "valid_from": "2026-02-01", "valid_to": "2026-02-01"})
    with pytest.raises(ValidationFailed, match="lies before"):
        world.update("admin", "decides_for", id_, {"valid_from": "2026-02-02"})


@pytest.mark.parametrize("first", ["2026-01-01", None])
def test_the_same_relationship_does_not_begin_twice_on_a_day(world: World, first: str | None) -> None:
    [ada], [firm, other] = made(world, "person", 1), made(world, "firm", 2)
    values = {"source": ada, "target": firm, "valid_from": first}
    world.create("admin", "decides_for", {**values, "valid_to": "2026-03-01"})
    refused(world, "decides_for", values, "same valid_from")
    world.create("admin", "decides_for", {**values, "valid_from": "2026-05-01"})
    id_ = world.create("admin", "decides_for", {**values, "target": other})
    with pytest.raises(ValidationFailed, match="same valid_from"):
        world.update("admin", "decides_for", id_, {"target": firm})


def test_what_stands_in_the_way_is_not_named_to_those_who_do_not_know_the_field(world: World) -> None:
    firm, one, other = made(world, "firm", 3)
    world.create("blind", "part_of", {"source": firm, "target": one})
    for target in (one, other):
        with pytest.raises(ValidationFailed) as error:
            world.create("blind", "part_of", {"source": firm, "target": target})
        assert [(each["field"], each["rule"]) for each in error.value.problems] == [("", "hidden")]
        assert "valid_from" not in str(error.value)


def test_one_at_a_time(world: World) -> None:
    firm, one, other = made(world, "firm", 3)
    period = {"valid_from": "2026-01-01", "valid_to": "2026-06-30"}
    world.create("admin", "part_of", {"source": firm, "target": one, **period})
    for wrong in (
        {},
        {"valid_from": "2026-06-30"},
        {"valid_to": "2026-01-01"},
        {"valid_from": "2026-02-01", "valid_to": "2026-03-01"},
        {"valid_from": "2025-01-01", "valid_to": "2027-01-01"},
    ):
        refused(world, "part_of", {"source": firm, "target": other, **wrong}, "may have only one")
    world.create("admin", "part_of", {"source": firm, "target": other, "valid_from": "2026-07-01"})
    world.create("admin", "part_of", {"source": firm, "target": other, "valid_to": "2025-12-31"})
    world.create("admin", "part_of", {"source": one, "target": other})


@pytest.mark.parametrize(
    ("kind", "ends", "message"),
    [("part_of", ((0, 1), (0, 2)), "may have only one"), ("friend_of", ((0, 1), (1, 0)), "same valid_from")],
)
def test_of_two_that_exclude_each_other_and_come_at_once_one_is_refused(
    world: World, kind: str, ends: tuple[tuple[int, int], ...], message: str
) -> None:
    # Given two writers that have both stored theirs before either is held against others, where that can be
    records = made(world, "firm" if kind == "part_of" else "person", 3)
    both_are_stored = threading.Barrier(2, timeout=30)

    def stored(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith(f"INSERT INTO {kind}") and not world.database.is_sqlite:
            both_are_stored.wait()

    event.listen(world.database.engine, "after_cursor_execute", stored)

    def write(pair: tuple[int, int]) -> str:
        source, target = (records[number] for number in pair)
        try:
            return world.create("admin", kind, {"source": source, "target": target})
        except ValidationFailed as error:
            return str(error)

    # When both come at once
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(write, ends))
    # Then one is there, and the other is refused for its sake
    assert sorted(message in answer for answer in answers) == [False, True]
    [id_] = [answer for answer in answers if message not in answer]
    assert world.stored(kind, id_) is not None
    table = world.records.tables[kind]
    with world.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(table)) == 1


def test_a_symmetric_one_is_the_same_the_other_way_round(world: World) -> None:
    ada, bob = made(world, "person", 2)
    [firm] = made(world, "firm", 1)
    world.create("admin", "friend_of", {"source": ada, "target": bob})
    refused(world, "friend_of", {"source": bob, "target": ada}, "same valid_from")
    world.create("admin", "friend_of", {"source": ada, "target": firm})


def test_relationships_go_with_either_end(world: World) -> None:
    ada, bob = made(world, "person", 2)
    [firm] = made(world, "firm", 1)
    ids = [world.create("admin", "decides_for", {"source": each, "target": firm}) for each in (ada, bob)]
    world.delete("admin", "person", ada["person"])
    assert [world.stored("decides_for", id_) is None for id_ in ids] == [True, False]
    world.delete("admin", "firm", firm["firm"])
    assert world.stored("decides_for", ids[1]) is None


def test_both_ends_must_be_visible(world: World) -> None:
    [ada], [eve], [firm] = made(world, "person", 1), made(world, "person", 1, hidden=True), made(world, "firm", 1)
    refused(world, "decides_for", {"source": eve, "target": firm}, "there is no person with this id", "shown")
    id_ = world.create("shown", "decides_for", {"source": ada, "target": firm})
    hidden = world.create("admin", "decides_for", {"source": eve, "target": firm})
    before = world.state()
    for change in ({"source": eve}, {"target": eve}):
        with pytest.raises(ValidationFailed):
            world.update("shown", "decides_for", id_, change)
    with pytest.raises(XrmError, match="There is no decides_for"):
        world.update("shown", "decides_for", hidden, {"area": "x"})
    with pytest.raises(XrmError, match="There is no decides_for"):
        world.delete("shown", "decides_for", hidden)
    assert world.state() == before


def test_who_may_read_a_relationship_does_not_write_it(world: World) -> None:
    [ada], [firm] = made(world, "person", 1), made(world, "firm", 1)
    with pytest.raises(Forbidden):
        world.create("reader", "decides_for", {"source": ada, "target": firm})
