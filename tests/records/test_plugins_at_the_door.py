"""Before-hooks as the write door calls them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.records.kit import build
from xrm_core.api import Refuse, hookimpl
from xrm_core.errors import RefusedByPlugin, ValidationFailed
from xrm_core.storage.engines import Database
from xrm_core.translation import speaking


@hookimpl
def before_record_create(entity: str, record: dict[str, Any]) -> dict[str, Any] | None:
    if record.get("name") == "Test":
        raise Refuse("No test records, please.", field="name")
    if record.get("name") == "Prüfung":
        raise Refuse({"de": "Bitte keine Probedatensätze.", "en": "No trial records, please."})
    if record.get("name") == "Crash":
        raise ZeroDivisionError("secret detail")
    if record.get("name") == "Bend":
        return {"name": "x" * 100}
    return {"city": "Hooked"} if entity == "customer" else None


@hookimpl
def before_record_update(entity: str, before: Any, changes: dict[str, Any]) -> dict[str, Any] | None:
    if before["city"] == "Hooked" and "city" in changes:
        return {"number": f"{entity}-{before['version']}"}
    return None


@hookimpl
def before_record_delete(entity: str, before: Any) -> None:
    raise Refuse(f"{entity} {before['name']} stays.")


@hookimpl
def before_record_restore(entity: str, record: Any) -> None:
    if record["name"] == "Stays away":
        raise Refuse(f"{entity} {record['id']} stays away.")


PLUGIN = SimpleNamespace(
    before_record_create=before_record_create,
    before_record_update=before_record_update,
    before_record_delete=before_record_delete,
)


def test_hooks_change_and_refuse_writes(database: Database, tmp_path: Path) -> None:
    world = build(database, tmp_path, PLUGIN)
    id_ = world.create("admin", "customer", {"name": "A"})
    assert (world.stored("customer", id_) or {})["city"] == "Hooked"
    world.update("admin", "customer", id_, {"city": "Köln"})
    assert (world.stored("customer", id_) or {})["number"] == "customer-1"
    before = world.state()
    with pytest.raises(RefusedByPlugin, match="No test records"):
        world.create("admin", "customer", {"name": "Test"})
    for language, said in (("de", "Bitte keine Probedatensätze."), (None, "No trial records, please.")):
        with speaking(language), pytest.raises(RefusedByPlugin) as refused:
            world.create("admin", "customer", {"name": "Prüfung"})
        assert refused.value.message == said
    with pytest.raises(RefusedByPlugin) as crashed:
        world.create("admin", "customer", {"name": "Crash"})
    assert "secret" not in str(crashed.value.to_json())
    with pytest.raises(ValidationFailed):  # what a hook changes is validated like everything else
        world.create("admin", "customer", {"name": "Bend"})
    with pytest.raises(RefusedByPlugin, match="stays"):
        world.delete("admin", "customer", id_)
    assert world.state() == before


def test_hooks_refuse_that_a_record_comes_back(database: Database, tmp_path: Path) -> None:
    world = build(database, tmp_path, SimpleNamespace(before_record_restore=before_record_restore))
    ids = [world.create("admin", "customer", {"name": name}) for name in ("Stays away", "Comes")]
    for id_ in ids:
        world.delete("admin", "customer", id_)
    before = world.state()
    with pytest.raises(RefusedByPlugin, match=f"customer {ids[0]} stays away"), world.database.begin() as connection:
        world.records.restore(connection, world.caller("admin"), "customer", ids[0])
    assert world.state() == before
    with world.database.begin() as connection:
        world.records.restore(connection, world.caller("admin"), "customer", ids[1])
