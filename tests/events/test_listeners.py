"""After-hooks of plugins: called from the log, each effect in the database once, with its causes in the log."""

import json
from types import SimpleNamespace
from typing import Any

from tests.changes.kit import log_of
from tests.events.kit import ReaderWorld
from tests.jobs.conftest import Clock
from xrm_core.api import On, RecordEvent, hookimpl
from xrm_core.events.by_hand import dead
from xrm_core.events.consumer import Consumer
from xrm_core.events.listeners import listeners
from xrm_core.plugins import InstalledPlugin, Plugins


class _Plugin(SimpleNamespace):
    __hash__ = object.__hash__  # type: ignore[assignment]


def listening(world: ReaderWorld, **hooks: Any) -> Consumer:
    """The plugin «sample» with these hooks, whose reader begins now."""
    plugin = _Plugin(**{name: hookimpl(function) for name, function in hooks.items()})
    [found] = listeners(Plugins([InstalledPlugin("sample", plugin)]))
    world.begin(found.name)
    return found


def test_hook_after_record_create(world: ReaderWorld) -> None:
    heard: list[Any] = []

    def after_record_create(entity: str, record: dict[str, Any], event: RecordEvent) -> None:
        heard.append((entity, record["name"], record["id"], event.version, event.attempt, event.operation))

    reader = listening(world, after_record_create=after_record_create)
    one = world.customer("A", updates=1)
    world.read(reader)
    stored = world.world.stored("customer", one)
    assert stored is not None
    assert heard == [("customer", stored["name"], one, 1, 1, "create")]
    assert reader.name == "plugin:sample"


def test_hook_after_record_update(world: ReaderWorld) -> None:
    heard: list[Any] = []
    reader = listening(
        world, after_record_update=lambda changes, event: heard.append((event.record_id, event.version, changes))
    )
    one = world.customer("A", updates=2)
    world.read(reader)
    assert heard == [(one, 2, {"city": (None, "A 0")}), (one, 3, {"city": ("A 0", "A 1")})]


def test_hook_after_record_delete(world: ReaderWorld) -> None:
    heard: list[Any] = []
    reader = listening(world, after_record_delete=lambda entity, before: heard.append((entity, before["id"])))
    one = world.customer("A")
    note = world.world.create("admin", "note", {"text": "along", "customer": one})
    world.world.delete("admin", "customer", one)
    world.read(reader)
    assert heard == [("note", note), ("customer", one)]


def test_functions_for_an_entity_and_fields_hear_of_those_only(world: ReaderWorld, time: Clock) -> None:
    heard: list[Any] = []

    def moved(event: RecordEvent) -> None:
        heard.append((event.operation, event.changes["city"]))

    def fails(event: RecordEvent) -> None:
        heard.append("email")
        raise ValueError("never")

    def register_record_hooks() -> list[On]:
        return [
            On("customer", ("create", "update", "delete"), fields=("city",), after=moved),
            On("customer", "update", fields=("email",), after=fails),
            On("note", "create", before=lambda _change: None),
        ]

    reader = listening(world, register_record_hooks=register_record_hooks)
    one = world.customer("A", updates=2)
    other = world.customer("B")
    for id_, changes in ((one, {"email": "a@example.com"}), (other, {"number": "7"}), (other, {"city": "Ulm"})):
        world.world.update("admin", "customer", id_, changes)
    world.world.update("admin", "customer", one, {"revenue": "7.00"})  # waits for nothing: nobody is to be told of it
    world.world.delete("admin", "customer", other)
    world.read(reader)
    assert heard == [
        ("update", (None, "A 0")),
        ("update", ("A 0", "A 1")),
        "email",
        ("update", (None, "Ulm")),
        ("delete", ("Ulm", None)),
    ]
    assert world.state(reader.name).waiting == 1


def test_who_has_nothing_to_hear_has_no_reader() -> None:
    hooks = [On("customer", "update", before=lambda _change: None)]
    plugin = _Plugin(register_record_hooks=hookimpl(lambda: hooks))
    assert listeners(Plugins([InstalledPlugin("sample", plugin)])) == []


def test_what_a_listener_writes_is_there_once_and_says_why(world: ReaderWorld, time: Clock) -> None:
    attempts: list[int] = []

    def after_record_create(entity: str, record: dict[str, Any], event: RecordEvent) -> None:
        if entity != "customer":
            return
        attempts.append(event.attempt)
        note = {"text": f"Hello {record['id']}", "customer": record["id"]}
        event.records.create(event.connection, event.caller, "note", note)
        if event.attempt < 3:
            raise ValueError("not yet")

    reader = listening(world, after_record_create=after_record_create)
    one = world.customer("A")
    for _ in range(3):
        world.read(reader)
        time.forward(minutes=5)
    world.read(reader)
    assert attempts == [1, 2, 3]
    notes = [row for row in log_of(world.world) if row.entity == "note" and one in row.fields]
    assert [json.loads(row.causes) for row in notes] == [[["hook", "sample"]]]
    assert notes[0].actor is None


def test_listeners_that_lead_to_each_other_for_ever_are_stopped(world: ReaderWorld) -> None:
    def after_record_update(entity: str, event: RecordEvent) -> None:
        event.records.update(event.connection, event.caller, entity, event.record_id, {"city": f"v{event.version}"})

    reader = listening(world, after_record_update=after_record_update)
    one = world.customer("A", updates=1)
    for _ in range(12):
        world.read(reader)
    stored = world.world.stored("customer", one)
    assert stored is not None
    assert stored["version"] == 2 + 8
    with world.database.read() as connection:
        [given_up] = dead(connection, reader.name, 10)
    assert given_up.error == "HOOKS_IN_A_CIRCLE"
    last = json.loads(log_of(world.world, one)[-1].causes)
    assert last == [["hook", "sample"]] * 8


def test_a_coroutine_is_refused(world: ReaderWorld) -> None:
    async def later() -> None: ...

    reader = listening(world, after_record_create=lambda event: later())
    world.customer("A")
    world.read(reader)
    assert world.state(reader.name).waiting == 1


def test_plugins_that_do_not_listen_have_no_reader() -> None:
    assert listeners(Plugins([InstalledPlugin("sample", _Plugin())])) == []
