"""What before-hooks have follow: jobs that are there if and only if the record is written."""

import json
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from tests.records.kit import World, build
from xrm_core.api import HookContext, Refuse, Write, enqueue, hookimpl
from xrm_core.errors import RefusedByPlugin, ValidationFailed
from xrm_core.storage.engines import Database
from xrm_core.storage.job_tables import JOB


def _job(what: str, write: Write) -> None:
    def act(context: HookContext, id_: str) -> None:
        enqueue(context.connection, f"test.{what}", {"id": id_}, owner=write.actor)

    write.then(act)


@hookimpl
def before_record_create(entity: str, record: Any, write: Write) -> None:
    _job("created", write)
    if record.get("name") == "Late":
        write.then(_refuse)
    if record.get("name") == "Crash":
        write.then(lambda _context, _id: 1 / 0)


def _refuse(_context: HookContext, id_: str) -> None:
    raise Refuse(f"{len(id_)} letters are too many.", field="name")


@hookimpl
def before_record_update(entity: str, before: Any, changes: Any, write: Write) -> None:
    _job("updated", write)


@hookimpl
def before_record_delete(before: Any, write: Write) -> None:
    _job("deleted", write)


@hookimpl
def before_record_restore(record: Any, write: Write) -> None:
    _job("restored", write)


PLUGIN = SimpleNamespace(
    before_record_create=before_record_create,
    before_record_update=before_record_update,
    before_record_delete=before_record_delete,
    before_record_restore=before_record_restore,
)


@pytest.fixture
def hooked(database: Database, tmp_path: Path) -> World:
    return build(database, tmp_path, PLUGIN)


def taken(world: World) -> list[tuple[str, str]]:
    """The jobs there are, each with the record that it is about; they are taken away."""
    with world.database.begin() as connection:
        rows = connection.execute(select(JOB.c.name, JOB.c.payload, JOB.c.owner).order_by(JOB.c.id)).all()
        connection.execute(JOB.delete())
    users = {world.users["anna"]} if rows else set()
    found = [(row.name.removeprefix("test."), json.loads(row.payload)["id"]) for row in rows if row.owner in users]
    assert len(found) == len([row for row in rows if row.owner is not None])
    return found


def test_jobs_of_hooks_are_there_if_the_record_is(hooked: World) -> None:
    taken(hooked)  # those of the users
    id_ = hooked.create("admin", "customer", {"name": "A", "number": "1"})
    hooked.update("admin", "customer", id_, {"city": "Ulm"})
    hooked.delete("admin", "customer", id_)
    with hooked.database.begin() as connection:
        hooked.records.restore(connection, hooked.caller("admin"), "customer", id_)
    assert taken(hooked) == [(what, id_) for what in ("created", "updated", "deleted", "restored")]
    with pytest.raises(ValidationFailed):
        hooked.create("admin", "customer", {"name": "B", "number": "1"})  # which only the database finds
    with suppress(ZeroDivisionError), hooked.database.begin() as connection:
        hooked.records.create(connection, hooked.caller("admin"), "customer", {"name": "C"})
        raise ZeroDivisionError
    assert taken(hooked) == []


def test_of_many_each_that_is_written_has_its_job_once(hooked: World) -> None:
    taken(hooked)
    records, caller = hooked.records, hooked.caller("admin")
    there = hooked.create("admin", "customer", {"name": "A", "number": "1"})
    rows = [{"name": name, "number": str(number)} for number, name in enumerate("XBYZ")]  # B has the number 1, too
    with hooked.database.begin() as connection:
        made = records.create_bulk(connection, caller, "customer", rows, skip=True)
        ids = [id_ for id_ in made.ids if id_ is not None]
        records.update_bulk(connection, caller, "customer", ids, {"city": "Ulm"})
        records.upsert_bulk(connection, caller, "customer", ["number"], [rows[0], {"number": "2", "city": "Bonn"}])
        records.delete_bulk(connection, caller, "customer", ids)
    assert len(ids) == 3
    first, second, third = ids
    each = [(what, id_) for id_ in ids for what in ("created", "updated", "deleted")]
    assert sorted(taken(hooked)) == sorted([("created", there), *each, ("updated", second)])
    assert third not in (first, second)


def test_plugins_are_asked_once_about_each_of_many_however_often_it_is_tried(
    database: Database, tmp_path: Path
) -> None:
    asked: list[str] = []

    @hookimpl
    def before_record_create(entity: str, record: Any) -> None:
        asked.append(record["name"])
        if record["name"] == "refused":
            raise Refuse("No.")

    @hookimpl
    def before_record_update(before: Any) -> None:
        asked.append(before["name"])

    plugin = SimpleNamespace(before_record_create=before_record_create, before_record_update=before_record_update)
    world = build(database, tmp_path, plugin)
    records, caller = world.records, world.caller("admin")
    for number in ("0", "1"):
        world.create("admin", "customer", {"name": f"old {number}", "number": number})
    world.create("admin", "customer", {"name": "taken", "city": "Ulm"})
    asked.clear()
    rows = [{"number": str(number), "city": "Bonn"} for number in (0, 1)]
    rows += [{"number": str(number), "name": f"new {number}"} for number in range(2, 32)]
    rows += [{"number": "40", "name": "refused"}, {"number": "41", "name": "taken", "city": "Ulm"}]
    with world.database.begin() as connection:
        done = records.upsert_bulk(connection, caller, "customer", ["number"], rows, skip=True)
    assert set(done.errors) == {32, 33}
    assert sorted(asked) == sorted(set(asked)), "each once"
    assert len(asked) == 34
    assert done.count == 32


def test_what_follows_can_refuse(hooked: World) -> None:
    taken(hooked)
    before = hooked.state()
    for name, message in (("Late", "36 letters are too many."), ("Crash", "The plugin test failed")):
        with pytest.raises(RefusedByPlugin) as refused:
            hooked.create("admin", "customer", {"name": name})
        assert refused.value.message.startswith(message)
    assert (hooked.state(), taken(hooked)) == (before, [])
