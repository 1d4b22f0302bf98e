"""Former values of a record go from the change log and the trash, on request of a plugin."""

import json

import pytest
from sqlalchemy import select

from tests.records.kit import World
from xrm_core.api import Erased, erase_values
from xrm_core.changes.reading import logged
from xrm_core.errors import NotFound
from xrm_core.records.context import Context
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.trash_tables import TRASH


def erase(world: World, id_: str, *fields: str) -> Erased:
    with world.database.begin() as connection:
        context = Context(world.records, connection, world.caller("admin", "anna"), ("action", "mk.forget"))
        return erase_values(context, "customer", id_, fields or None)


def everything_kept(world: World) -> str:
    with world.database.read() as connection:
        rows = [*connection.execute(select(CHANGE)), *connection.execute(select(TRASH))]
        return json.dumps([[str(value) for value in row] for row in rows], ensure_ascii=False)


def test_values_of_a_field_go_from_all_versions_and_the_rest_stays(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "Albatros", "city": "Köln"})
    world.update("admin", "customer", id_, {"city": "Kanariendorf"})
    world.update("admin", "customer", id_, {"city": None})

    found = erase(world, id_, "city")

    assert found == Erased(entries=3, trash=False)
    kept = everything_kept(world)
    assert "Kanariendorf" not in kept
    assert "Köln" not in kept
    assert "Albatros" in kept
    with world.database.read() as connection:
        assert [each.version for each in logged(connection, record_id=id_)] == [3, 2, 1]
    assert erase(world, id_, "city") == Erased(entries=0, trash=False)


def test_a_deleted_record_comes_back_without_what_was_erased(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "Albatros", "city": "Kanariendorf"})
    world.delete("admin", "customer", id_)

    assert erase(world, id_, "city") == Erased(entries=2, trash=True)
    assert "Kanariendorf" not in everything_kept(world)
    assert erase(world, id_, "city") == Erased(entries=0, trash=False)

    with world.database.begin() as connection:
        world.records.restore(connection, world.caller("admin", "anna"), "customer", id_)
    stored = world.stored("customer", id_) or {}
    assert (stored["name"], stored["city"]) == ("Albatros", None)


def test_without_names_all_goes_and_nothing_brings_it_back(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "Albatros", "city": "Kanariendorf"})
    other = world.create("admin", "customer", {"name": "Bussard"})
    world.delete("admin", "customer", id_)

    assert erase(world, id_).trash

    kept = everything_kept(world)
    assert "Kanariendorf" not in kept
    assert "Albatros" not in kept
    assert "Bussard" in kept
    assert world.stored("customer", other) is not None
    with world.database.begin() as connection, pytest.raises(NotFound):
        world.records.restore(connection, world.caller("admin", "anna"), "customer", id_)


def test_a_field_that_is_not_there_is_a_mistake_of_the_plugin(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "Albatros"})
    with pytest.raises(KeyError, match=r"customer\.colour"):
        erase(world, id_, "colour")
