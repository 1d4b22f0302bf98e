"""Records that are deleted lie in the trash, and come back out of it as far as things are now."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from tests.records.kit import Pack, World, build
from xrm_core.changes.reading import logged
from xrm_core.errors import Forbidden, NotFound, ValidationFailed
from xrm_core.metadata.json_text import MAX_JSON_BYTES, MAX_JSON_DEPTH
from xrm_core.metadata.predicate import EVERYTHING, Compare, Literal_, Op
from xrm_core.query.connection import connection as connection_sql
from xrm_core.query.context import context_values
from xrm_core.query.request import Connection, Nodes, Page, TotalCount, Value
from xrm_core.storage.engines import Database
from xrm_core.storage.trash_tables import TRASH

JSON_FIELD = {"type": "object", "x-type": "json"}


def restore(world: World, role: str, entity: str, id_: str, user: str = "anna") -> None:
    with world.database.begin() as connection:
        world.records.restore(connection, world.caller(role, user), entity, id_)


def in_trash(world: World) -> int:
    with world.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(TRASH)) or 0


def listed(world: World, role: str, entity: str, where: Any = EVERYTHING, user: str = "anna") -> Any:
    """What the list of the trash shows: all readable fields of the records."""
    caller = world.caller(role, user)
    with world.database.read() as connection:
        scope = world.records.scope(connection, caller)
        kind = world.model[entity]
        names = [field.name for field in kind.all_fields() if field.relation is None]
        shown = tuple(Value(name, name) for name in names if caller.access.readable(entity, name))
        parts = (Nodes("nodes", shown), TotalCount("count"))
        request = Connection(entity, where, (), Page(Literal_(50)), parts, trashed=True)
        answer = connection.scalar(select(connection_sql(scope, request)), context_values(caller))
    return answer if isinstance(answer, dict) else json.loads(answer)


def test_a_restored_record_is_what_it_was_and_its_version_counts_on(world: World) -> None:
    values = {"name": "A", "number": "7", "city": "Köln", "revenue": "12.50", "since": "2026-02-01"}
    id_ = world.create("admin", "customer", values)
    before = world.stored("customer", id_) or {}
    world.delete("admin", "customer", id_)
    assert world.stored("customer", id_) is None
    restore(world, "admin", "customer", id_, user="ben")
    after = world.stored("customer", id_) or {}
    stamps = ("version", "updated_at", "updated_by")
    assert {**after, **dict.fromkeys(stamps)} == {**before, **dict.fromkeys(stamps)}
    assert (after["version"], after["updated_by"]) == (3, world.users["ben"])
    assert in_trash(world) == 0
    with world.database.read() as connection:
        entries = [(each.operation, each.version) for each in logged(connection, record_id=id_)]
    assert entries == [("restore", 3), ("delete", 2), ("create", 1)]


def test_what_went_along_and_what_was_let_go_come_back(world: World) -> None:
    customer = world.create("admin", "customer", {"name": "A"})
    child = world.create("admin", "customer", {"name": "B", "parent": customer})
    moved = world.create("admin", "customer", {"name": "C", "parent": customer})
    other = world.create("admin", "customer", {"name": "D"})
    part = world.create("admin", "note", {"text": "x", "customer": customer, "about": {"customer": customer}})
    mention = world.create("admin", "note", {"text": "y", "about": {"customer": customer}})
    world.delete("admin", "customer", customer)
    world.update("admin", "customer", moved, {"parent": other})
    restore(world, "rep", "customer", customer)
    parents = [(world.stored("customer", each) or {})["parent"] for each in (child, moved)]
    assert parents == [customer, other]
    assert (world.stored("note", mention) or {})["about"] == {"customer": customer}
    note = world.stored("note", part) or {}
    assert (note["customer"], note["about"], note["version"]) == (customer, {"customer": customer}, 3)
    with world.database.read() as connection:
        [last, *_] = logged(connection, record_id=child)
    assert (last.operation, last.version, last.fields) == ("update", 3, {"parent": [None, customer]})


def test_many_relations_are_given_back_in_few_statements(world: World) -> None:
    parent = world.create("admin", "customer", {"name": "P"})
    with world.database.begin() as connection:
        rows = [{"name": str(number), "parent": parent} for number in range(40)]
        children = world.records.create_many(connection, world.caller("admin"), "customer", rows)
    world.delete("admin", "customer", parent)
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(world.database.engine, "before_cursor_execute", note)
    try:
        restore(world, "admin", "customer", parent)
    finally:
        event.remove(world.database.engine, "before_cursor_execute", note)
    assert len(statements) < 40
    for each in (world.stored("customer", id_) or {} for id_ in children):
        assert (each["parent"], each["version"]) == (parent, 3)


def test_relations_that_go_round_come_back(world: World) -> None:
    customer = world.create("admin", "customer", {"name": "A"})
    world.update("admin", "customer", customer, {"parent": customer})
    world.delete("admin", "customer", customer)
    restore(world, "admin", "customer", customer)
    assert (world.stored("customer", customer) or {})["parent"] == customer


def test_what_stands_in_the_way_is_said_and_nothing_is_restored(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "A", "number": "7"})
    world.delete("admin", "customer", id_)
    world.create("admin", "customer", {"name": "B", "number": "7"})
    before = world.state()
    with pytest.raises(ValidationFailed) as refused:
        restore(world, "admin", "customer", id_)
    assert [(each["field"], each["rule"]) for each in refused.value.problems] == [("number", "unique")]
    assert (world.state(), in_trash(world)) == (before, 1)


def test_a_relation_whose_target_went_meanwhile_is_empty_or_in_the_way(world: World) -> None:
    parent = world.create("admin", "customer", {"name": "P"})
    child = world.create("admin", "customer", {"name": "C", "parent": parent})
    note = world.create("admin", "note", {"text": "x", "customer": parent})
    world.delete("admin", "customer", child)
    world.delete("admin", "note", note)
    world.delete("admin", "customer", parent)
    restore(world, "admin", "customer", child)
    assert (world.stored("customer", child) or {})["parent"] is None
    with pytest.raises(ValidationFailed) as refused:
        restore(world, "admin", "note", note)
    assert [(each["field"], each["rule"]) for each in refused.value.problems] == [("customer", "relation")]


def test_rights_are_those_on_the_record_in_the_trash_and_as_a_new_one(world: World) -> None:
    mine = world.create("rep", "customer", {"name": "Mine"})
    bens = world.create("rep", "customer", {"name": "Ben's"}, user="ben")
    for user, id_ in (("anna", mine), ("ben", bens)):
        world.delete("rep", "customer", id_, user=user)
    assert [each["name"] for each in listed(world, "rep", "customer")["nodes"]] == ["Mine"]
    assert listed(world, "admin", "customer")["count"] == 2
    for role in ("viewer", "clerk", "nobody"):
        with pytest.raises(Forbidden):
            listed(world, role, "customer")
        with pytest.raises(Forbidden):
            restore(world, role, "customer", mine)
    with pytest.raises(NotFound):
        restore(world, "rep", "customer", bens)
    live = world.create("rep", "customer", {"name": "Live"})
    with pytest.raises(NotFound):
        restore(world, "rep", "customer", live)
    restore(world, "rep", "customer", mine)
    with pytest.raises(NotFound):
        restore(world, "rep", "customer", mine)


def test_only_what_was_asked_for_is_listed_and_can_be_asked_for(world: World) -> None:
    customer = world.create("admin", "customer", {"name": "A"})
    note = world.create("admin", "note", {"text": "x", "customer": customer})
    world.delete("admin", "customer", customer)
    assert in_trash(world) == 2
    assert listed(world, "admin", "note")["nodes"] == []
    with pytest.raises(NotFound):
        restore(world, "admin", "note", note)


def test_the_list_answers_and_filters_as_that_of_the_entity(world: World) -> None:
    for name, revenue in (("A", "12.50"), ("B", "-0.05"), ("C", None)):
        values = {"name": name, "revenue": revenue, "since": "2026-02-01", "city": f"{name}-Stadt"}
        id_ = world.create("admin", "customer", {**values, **({} if revenue != "-0.05" else {"revenue": "0.05"})})
        world.delete("admin", "customer", id_, user="ben")
    [first, second, third] = sorted(listed(world, "admin", "customer")["nodes"], key=lambda each: each["name"])
    assert (first["revenue"], second["revenue"], third["revenue"]) == ("12.50", "0.05", None)
    assert (first["since"], first["status"], first["version"]) == ("2026-02-01", "lead", 2)
    assert (first["created_by"], first["updated_by"]) == (world.users["anna"], world.users["ben"])
    much = Compare("revenue", Op.GT, Literal_("1"))
    assert [each["name"] for each in listed(world, "admin", "customer", much)["nodes"]] == ["A"]
    text = Compare("city", Op.EQ, Literal_("B-Stadt"))
    assert [each["name"] for each in listed(world, "admin", "customer", text)["nodes"]] == ["B"]


def test_what_has_another_type_by_now_is_not_shown(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "A", "revenue": "1.00", "city": "Köln"})
    world.delete("admin", "customer", id_)
    with world.database.begin() as connection:
        kept = connection.scalar(select(TRASH.c.record)) or {}
        # as if the model had changed since: a decimal that was a text, a date that did not exist, a word that has gone
        kept["string"] |= {"revenue": "much", "since": "2026-02-31", "status": "gone"}
        del kept["exactdecimal_2"], kept["day"]["since"]
        connection.execute(update(TRASH).values(record=kept))
    assert listed(world, "admin", "customer")["nodes"] == []
    with pytest.raises(ValidationFailed) as refused:
        restore(world, "admin", "customer", id_)
    assert [each["field"] for each in refused.value.problems] == ["status", "revenue", "since"]
    kept["string"] |= {"status": "lead"}
    with world.database.begin() as connection:
        connection.execute(update(TRASH).values(record=kept))
    [shown] = listed(world, "admin", "customer")["nodes"]
    assert (shown["revenue"], shown["since"], shown["city"]) == (None, None, "Köln")


def test_fields_that_are_new_get_their_defaults_and_those_that_are_gone_are_left_out(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "A"})
    world.delete("admin", "customer", id_)
    with world.database.begin() as connection:
        kept = connection.scalar(select(TRASH.c.record)) or {}
        del kept["string"]["status"]
        kept["string"]["nickname"] = "gone"
        connection.execute(update(TRASH).values(record=kept))
    restore(world, "admin", "customer", id_)
    assert (world.stored("customer", id_) or {})["status"] == "lead"


def test_an_id_that_is_given_again_takes_the_place_in_the_trash(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "A"})
    world.delete("admin", "customer", id_)
    restore(world, "admin", "customer", id_)
    world.update("admin", "customer", id_, {"name": "B"})
    world.delete("admin", "customer", id_)
    restore(world, "admin", "customer", id_)
    assert (world.stored("customer", id_) or {})["version"] == 6


def test_a_record_is_deleted_and_restored_however_much_its_fields_hold(database: Database, tmp_path: Path) -> None:
    deepest: dict[str, Any] = {}
    for _ in range(MAX_JSON_DEPTH - 1):
        deepest = {"in": deepest}
    longest = {"text": "x" * (MAX_JSON_BYTES - len('{"text":""}'))}
    fields = {"text": {"type": "string", "x-type": "long_text"}, **dict.fromkeys(("one", "two"), JSON_FIELD)}
    files = {"user": {"properties": {"name": {"type": "string"}}}, "paper": {"properties": fields}}
    roles = {"roles": {"admin": {}}}
    world = build(
        database, tmp_path, pack=Pack(files, roles, "role,entity,action,fields,rule,effect\nadmin,*,*,*,,allow\n")
    )
    values = {"text": "ä" * 90_000, "one": longest, "two": deepest}
    id_ = world.create("admin", "paper", values)

    world.delete("admin", "paper", id_)
    assert world.stored("paper", id_) is None
    restore(world, "admin", "paper", id_)

    after = world.stored("paper", id_) or {}
    assert {name: after[name] for name in values} == values
