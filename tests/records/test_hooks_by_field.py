"""Hooks for an entity and some of its fields: when they are asked, and what they may do."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.changes.kit import log_of
from tests.records.kit import World, build
from xrm_core.api import HookContext, On, RecordChange, Refuse, hookimpl
from xrm_core.errors import Forbidden, PluginLoadError, RefusedByPlugin
from xrm_core.plugins import InstalledPlugin, Plugins
from xrm_core.plugins.resting import Resting
from xrm_core.records.door import Records
from xrm_core.records.hooks import check_hooks
from xrm_core.storage.engines import Database


def plugin(*hooks: On) -> Any:
    """A plugin with these hooks."""
    return SimpleNamespace(register_record_hooks=hookimpl(lambda: list(hooks)))


def note(change: RecordChange) -> None:
    """A note of each new status, by the platform on behalf of who has changed it."""

    def act(context: HookContext, id_: str) -> None:
        text = f"{change.before.get('status')} → {change.changes['status']}"
        context.records.create(context.connection, context.system, "note", {"text": text, "customer": id_})

    change.then(act)


def notes_of(world: World, customer: str) -> list[str]:
    found = [row for row in log_of(world) if row.entity == "note" and customer in row.fields]
    return [json.loads(row.fields)["text"] for row in found]


def test_a_hook_is_on_all_entities_that_a_function_means(database: Database, tmp_path: Path) -> None:
    asked: list[str] = []
    has_city = On(lambda entity: "city" in entity.fields, "create", before=lambda change: asked.append(change.entity))

    world = build(database, tmp_path, plugin(has_city))
    world.create("admin", "customer", {"name": "A"})
    with world.database.begin() as connection:
        world.records.create(connection, world.caller("admin"), "note", {"text": "x"})

    assert asked == ["customer"]
    # and writes of all others need not wait for it
    hooks = world.records.hooks
    assert (hooks.are_there("customer", "create"), hooks.are_there("note", "create")) == (True, False)


def test_a_hook_is_asked_when_one_of_its_fields_gets_another_value(database: Database, tmp_path: Path) -> None:
    asked: list[Any] = []

    def before(change: RecordChange) -> None:
        asked.append((change.entity, change.operation, change.before["status"], change.changes, change.after["name"]))

    world = build(database, tmp_path, plugin(On("customer", "update", fields=("status", "revenue"), before=before)))
    id_ = world.create("admin", "customer", {"name": "A", "revenue": "1.50"})
    world.update("admin", "customer", id_, {"city": "Ulm"})
    world.update("admin", "customer", id_, {"status": "lead", "revenue": 1.5, "city": "Bonn"})
    world.update("admin", "user", world.users["anna"], {"name": "Anna"})
    assert asked == []
    world.update("admin", "customer", id_, {"status": "active", "city": "Ulm"})
    assert asked == [("customer", "update", "lead", {"status": "active", "city": "Ulm"}, "A")]
    with world.database.begin() as connection:  # and of many at once those that it concerns
        other = world.records.create(connection, world.caller("admin"), "customer", {"name": "B"})
        world.records.update_bulk(connection, world.caller("admin"), "customer", [id_, other], {"status": "active"})
        rows = [{"id": each, "status": "lead", "city": "Bonn"} for each in (id_, other)]
        world.records.upsert_bulk(connection, world.caller("admin"), "customer", ["id"], rows)
    assert [(each[2], each[4]) for each in asked[1:]] == [("lead", "B"), ("active", "A"), ("active", "B")]


def test_each_operation_is_asked_about_what_it_has(database: Database, tmp_path: Path) -> None:
    asked: list[Any] = []

    def before(change: RecordChange) -> None:
        said = change.operation, change.before.get("email"), change.changes.get("email"), change.after.get("email")
        asked.append(said)

    every = On("customer", ("create", "update", "delete", "restore"), fields=["email"], before=before)
    world = build(database, tmp_path, plugin(every))
    one, other = (world.create("admin", "customer", {"name": name}) for name in "AB")
    world.delete("admin", "customer", other)  # it has no address, and never had
    assert asked == []
    world.update("admin", "customer", one, {"email": "a@example.com"})
    world.delete("admin", "customer", one)
    with world.database.begin() as connection:
        world.records.restore(connection, world.caller("admin"), "customer", one)
    world.create("admin", "customer", {"name": "C", "email": "c@example.com"})
    address = "a@example.com"
    assert asked == [
        ("update", None, address, address),
        ("delete", address, None, None),
        ("restore", None, address, address),
        ("create", None, "c@example.com", "c@example.com"),
    ]


def test_a_hook_changes_and_refuses_what_it_is_asked_about(database: Database, tmp_path: Path) -> None:
    def before(change: RecordChange) -> Mapping[str, Any] | None:
        if change.changes["status"] == "active" and not change.after.get("email"):
            missing: dict[str, str | Mapping[str, str]] = {
                "email": "is needed.",
                "city": {"en": "is needed, too.", "de": "auch."},
            }
            raise Refuse("An active customer can be reached.", field="status", problems=missing)
        return {"number": f"{change.after['name']}-1"}

    hook = On("customer", ("create", "update"), fields=("status",), before=before)
    world = build(database, tmp_path, plugin(hook))
    id_ = world.create("admin", "customer", {"name": "A"})
    assert (world.stored("customer", id_) or {})["number"] == "A-1"
    before_refusal = world.state()
    with pytest.raises(RefusedByPlugin) as refused:
        world.update("admin", "customer", id_, {"status": "active"})
    assert refused.value.to_json() == {
        "code": "REFUSED_BY_PLUGIN",
        "message": "An active customer can be reached.",
        "details": {
            "plugin": "test",
            "entity": "customer",
            "field": "status",
            "problems": [
                {"field": "email", "message": "is needed."},
                {"field": "city", "message": "is needed, too."},
            ],
        },
    }
    assert world.state() == before_refusal
    world.update("admin", "customer", id_, {"status": "active", "email": "a@example.com"})


def test_what_a_hook_writes_is_there_with_the_record_and_says_why(database: Database, tmp_path: Path) -> None:
    world = build(database, tmp_path, plugin(On("customer", ("create", "update"), fields=("status",), before=note)))
    id_ = world.create("rep", "customer", {"name": "A"})
    world.update("admin", "customer", id_, {"status": "active"})
    assert notes_of(world, id_) == ["None → lead", "lead → active"]
    last = log_of(world)[-1]
    assert (last.actor, json.loads(last.causes)) == (world.users["anna"], [["hook", "test"]])
    before = world.state()
    with suppress(ZeroDivisionError), world.database.begin() as connection:
        world.records.update(connection, world.caller("admin"), "customer", id_, {"status": "lead"})
        raise ZeroDivisionError
    assert world.state() == before


def test_what_the_platform_refuses_a_hook_is_told_as_it_is(database: Database, tmp_path: Path) -> None:
    def before(change: RecordChange) -> None:
        change.then(
            lambda context, id_: context.records.create(
                context.connection, context.caller, "note", {"text": "by who asks", "customer": id_}
            )
        )

    world = build(database, tmp_path, plugin(On("customer", "update", before=before)))
    id_ = world.create("admin", "customer", {"name": "A"})
    before_refusal = world.state()
    with pytest.raises(Forbidden, match="You may not create notes"):
        world.update("clerk", "customer", id_, {"city": "Ulm"})
    assert world.state() == before_refusal


def test_a_hook_looks_at_other_records(database: Database, tmp_path: Path) -> None:
    seen: list[Any] = []

    def before(change: RecordChange) -> None:
        parent = change.read("customer", change.after.get("parent"))
        found = change.find("note", {"customer": {"name": {"startsWith": "A"}}}, limit=2)
        seen.append((parent and parent["revenue"], [each["text"] for each in found]))

    world = build(database, tmp_path, plugin(On("customer", "update", before=before)))
    parent = world.create("admin", "customer", {"name": "A", "revenue": "1.50"})
    child = world.create("admin", "customer", {"name": "B"})
    for text in "123":
        world.create("admin", "note", {"text": text, "customer": parent})
    world.update("admin", "customer", child, {"city": "Ulm"})
    world.update("clerk", "customer", child, {"city": "Bonn"})  # whoever asks
    with world.database.begin() as connection:
        caller = world.caller("admin")
        world.records.update(connection, caller, "customer", parent, {"revenue": "2.50", "name": "AA"})
        world.records.update(connection, caller, "customer", child, {"parent": parent})  # sees what was written before
    assert [str(each[0]) for each in seen] == ["None", "None", "None", "2.50"]
    assert {tuple(each[1]) for each in seen} == {("1", "2")}


def test_hooks_that_lead_to_themselves_are_stopped(database: Database, tmp_path: Path) -> None:
    def before(change: RecordChange) -> None:
        changes = {"city": f"{change.after['city']}!"}
        change.then(
            lambda context, id_: context.records.update(context.connection, context.system, "customer", id_, changes)
        )

    world = build(database, tmp_path, plugin(On("customer", "update", fields=("city",), before=before)))
    id_ = world.create("admin", "customer", {"name": "A"})
    before_refusal = world.state()
    with pytest.raises(RefusedByPlugin, match="lead to each other in a circle, the last one of test"):
        world.update("admin", "customer", id_, {"city": "Ulm"})
    assert world.state() == before_refusal


def test_hooks_are_asked_in_the_order_of_plugins_and_see_what_was_changed_before(
    database: Database, tmp_path: Path
) -> None:
    def adding(sign: str) -> Any:
        return lambda change: {"number": (change.changes.get("number") or "") + sign}

    @hookimpl
    def before_record_update(changes: dict[str, Any]) -> dict[str, Any]:
        return {"number": (changes.get("number") or "") + "g"}

    def made(*signs: str) -> Any:
        hooks = [On("customer", "update", before=adding(sign)) for sign in signs]
        found = plugin(*hooks, On("customer", "update", fields=("number",), before=adding("n")))
        found.before_record_update = before_record_update
        return type("Plugin", (), {name: staticmethod(value) for name, value in vars(found).items()})()

    world = build(database, tmp_path)
    installed = [InstalledPlugin("a", made("1", "2")), InstalledPlugin("b", made("3"))]
    world.records = Records(world.model, world.records.tables, Plugins(installed))
    id_ = world.create("admin", "customer", {"name": "A"})
    world.update("admin", "customer", id_, {"city": "Ulm"})
    assert (world.stored("customer", id_) or {})["number"] == "g12ng3n"


def test_what_is_switched_off_stands_among_the_hooks_of_others(database: Database, tmp_path: Path) -> None:
    asked: list[Any] = []
    world = build(database, tmp_path)
    fitted = On("customer", "create", before=lambda change: asked.append(change.entity))
    found = type("Plugin", (), {"register_record_hooks": staticmethod(hookimpl(lambda: [fitted]))})()
    more = {"name": {"x-zoo": "shown", "maxLength": 10}, "cage": {"type": "string"}}
    files = {"cage.json": {"x-entity": "cage"}, "customer.json": {"x-extends": "customer", "properties": more}}
    resting = Resting("zoo", "xrm-zoo", "1.0", [(name, json.dumps(text)) for name, text in files.items()])
    plugins = Plugins([InstalledPlugin("test", found)], resting=[resting])
    world.records = Records(world.model, world.records.tables, plugins)
    world.create("admin", "customer", {"name": "A"})  # the name is not the plugin's, though it says something of it
    assert asked == ["customer"]
    assert resting.fields() == {"customer": {"cage": {"type": "string"}}}


def test_a_hook_that_does_not_fit_the_model_of_the_database_is_left_out(database: Database, tmp_path: Path) -> None:
    hooks = [
        On("customer", "update", fields=("mood",), before=lambda _change: 1 / 0),  # type: ignore[arg-type, return-value]
        On("vehicle", "create", before=lambda _change: None),
        On("customer", "update", fields=("status",), before=note),
    ]
    with capture_logs() as logs:
        world = build(database, tmp_path, plugin(*hooks))
    assert [log["entity"] for log in logs if log["event"] == "record_hook_left_out"] == ["customer", "vehicle"]
    id_ = world.create("admin", "customer", {"name": "A"})
    world.update("admin", "customer", id_, {"status": "active"})
    assert notes_of(world, id_) == ["lead → active"]
    # but the files of a model in which it cannot be used are not taken
    cause = "the hook on 'customer' names the field 'mood', which is none that is written; there are name, number"
    with pytest.raises(PluginLoadError, match=f"The plugin test cannot be loaded: {cause}"):
        check_hooks(world.records.plugins, world.model)
