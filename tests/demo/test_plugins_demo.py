"""Demo data of plugins: stored after those of the pack, the same each time, or not at all."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.records.kit import World, build
from xrm_core.api import DemoContext, DemoData, Record, hookimpl
from xrm_core.contributions.demo import load_plugins_demo
from xrm_core.errors import PluginLoadError
from xrm_core.permissions.caller import system
from xrm_core.storage.engines import Database

NOW = dt.datetime(2026, 6, 30, 16, 0, tzinfo=dt.UTC)


def plugin(*data: DemoData) -> Any:
    return SimpleNamespace(register_demo=hookimpl(lambda: list(data)))


def loaded(world: World) -> dict[str, list[str]]:
    """The ids of all records there are then."""
    found: dict[str, list[str]] = {}
    with world.database.begin() as connection:
        caller = system(world.model, "demo data", sets_system_fields=True)
        load_plugins_demo(world.records, connection, caller, {"admin": world.users["anna"]}, NOW, found)
    return found


def customers(demo: DemoContext) -> Iterator[tuple[str, list[Record]]]:
    first = {"id": demo.new_id(), "name": f"No. {demo.random.randint(1, 9999)}", "created_at": demo.now.isoformat()}
    yield "customer", [first, {"name": "Second", "owner": demo.users["admin"]}]
    yield "note", [{"text": "hello", "customer": each} for each in demo.ids("customer")]


def test_what_a_plugin_yields_is_stored_the_same_each_time(database: Database, tmp_path: Path) -> None:
    world = build(database, tmp_path, plugin(DemoData(customers, ("customer", "note"))))
    made = loaded(world)
    first, second = made["customer"]
    stored = [world.stored("customer", first) or {}, world.stored("customer", second) or {}]
    assert (stored[0]["created_at"][:10], stored[1]["owner"]) == ("2026-06-30", world.users["anna"])
    assert len(made["note"]) == 2
    # the same again
    [(_, [again, _]), *_] = list(customers(DemoContext("test", {"admin": ""}, NOW, {})))
    assert (again["id"], again["name"]) == (first, stored[0]["name"])


def test_a_record_that_is_there_is_changed(database: Database, tmp_path: Path) -> None:
    def steps(demo: DemoContext) -> Iterator[tuple[str, list[Record]]]:
        yield "customer", [{"id": demo.new_id(), "name": "First"}]
        [first] = demo.ids("customer")
        yield "customer", [{"id": first, "name": "Changed"}, {"name": "Second"}]

    world = build(database, tmp_path, plugin(DemoData(steps, ("customer",))))

    first, second = loaded(world)["customer"]

    assert [(world.stored("customer", each) or {})["name"] for each in (first, second)] == ["Changed", "Second"]


def test_what_the_model_does_not_have_is_left_out(database: Database, tmp_path: Path) -> None:
    world = build(database, tmp_path, plugin(DemoData(lambda _demo: 1 / 0, ("vehicle",))))  # type: ignore[arg-type, return-value]
    assert loaded(world) == {}


@pytest.mark.parametrize(
    ("records", "cause"),
    [
        (lambda _demo: [("vehicle", [{}])], "its demo data are for the entity 'vehicle', which is not there"),
        (lambda _demo: [("customer", [{"name": "x" * 30}])], "its demo data cannot be stored: customer: "),
        (lambda _demo: 1 / 0, "its demo data raised ZeroDivisionError"),
        (lambda _demo: [7], "its demo data raised TypeError"),
    ],
)
def test_data_that_cannot_be_used_name_the_plugin(database: Database, tmp_path: Path, records: Any, cause: str) -> None:
    world = build(database, tmp_path, plugin(DemoData(customers), DemoData(records)))
    before = world.state()
    with pytest.raises(PluginLoadError, match=f"The plugin test cannot be loaded: {cause}"):
        loaded(world)
    assert world.state() == before
