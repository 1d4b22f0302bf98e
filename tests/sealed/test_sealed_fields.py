"""Sealed fields: what is written lies nowhere in clear, and is opened for nobody but who has the right to it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update
from uuid_utils import uuid7

from tests.records.kit import World
from tests.sealed.world import sealed_world
from xrm_core.errors import FieldSealed, Forbidden, NotFound, ValidationFailed, XrmError
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import SEALED, Action
from xrm_core.records import looking, read_log
from xrm_core.records.merging import Wanted
from xrm_core.sealed.errors import SealedKeyDestroyed, SealedValueForeign, SealingUnavailable
from xrm_core.sealed.tables import BLIND, KEY
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.engines import Database

IBAN, OTHER = "DE4455667788", "DE9988776655"
HEALTH = "Nußallergie bei Kürbis"


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    """Contacts with sealed fields, once for each database."""
    with sealed_world(database, tmp_path) as found:
        yield found


def _opened(world: World, id_: str, role: str = "dsb", *fields: str, entity: str = "contact") -> dict[str, str | None]:
    with world.database.begin() as connection:
        found = world.records.open_sealed(connection, world.caller(role), entity, id_, fields)
        return {name: each.text for name, each in found.items()}


def _find(world: World, value: str, role: str = "dsb", field: str = "iban") -> list[str]:
    with world.database.read() as connection:
        return world.records.find_sealed(connection, world.caller(role), "contact", field, value)


def test_what_is_written_is_opened_and_changed_and_emptied(world: World) -> None:
    # given
    id_ = world.create("clerk", "contact", {"name": "Anna", "iban": IBAN, "health": HEALTH})
    assert _opened(world, id_) == {"iban": IBAN, "health": HEALTH}

    # when
    world.update("clerk", "contact", id_, {"health": None, "iban": OTHER})
    world.update("clerk", "contact", id_, {"name": "Anne"})

    # then
    assert _opened(world, id_) == {"iban": OTHER, "health": None}
    assert world.stored("contact", id_) is not None
    assert str((world.stored("contact", id_) or {})["iban"]).startswith("xs1.")


def test_the_clear_value_is_in_no_table_and_no_file(world: World, tmp_path: Path) -> None:
    # given what was written, changed, deleted and brought back
    id_ = world.create("clerk", "contact", {"name": "Anna", "iban": IBAN, "health": HEALTH})
    world.update("clerk", "contact", id_, {"iban": OTHER})
    world.delete("admin", "contact", id_)
    with world.database.begin() as connection:
        world.records.restore(connection, world.caller("admin"), "contact", id_)
    assert _opened(world, id_) == {"iban": OTHER, "health": HEALTH}
    needles = [IBAN, OTHER, "allergie", "Kürbis"]

    # then
    if world.database.is_sqlite:
        content = b"".join(each.read_bytes() for each in tmp_path.rglob("*") if each.is_file())
        assert b"Anna" in content
    else:
        with world.database.read() as connection:
            tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"))
            rows = [str(tuple(row)) for table in tables for row in connection.execute(text(f'SELECT * FROM "{table}"'))]
        content = "\n".join(rows).encode()
        assert b"Anna" in content
        content += b"".join(each.read_bytes() for each in tmp_path.rglob("*") if each.is_file())
    for needle in needles:
        for form in (needle, json.dumps(needle)[1:-1]):
            assert form.encode() not in content
            assert form.encode("utf-16-le") not in content


@pytest.mark.invariant("I29")
def test_the_change_log_has_the_sealed_form(world: World) -> None:
    # given
    id_ = world.create("clerk", "contact", {"name": "Anna", "iban": IBAN})

    # when
    world.update("clerk", "contact", id_, {"iban": OTHER})

    # then
    with world.database.read() as connection:
        entries = [json.loads(each) for each in connection.scalars(select(CHANGE.c.fields).order_by(CHANGE.c.id))][-2:]
    assert "Anna" in json.dumps(entries)
    assert all(str(each).startswith("xs1.") for each in (entries[0]["iban"], *entries[1]["iban"]))


def test_what_is_wrong_is_refused_before_it_is_sealed(world: World) -> None:
    before = world.state()
    wrong: list[dict[str, Any]] = [{"iban": "no"}, {"iban": None}, {"health": "x" * 41}]
    for values in wrong:
        with pytest.raises(ValidationFailed):
            world.create("clerk", "contact", {"name": "Anna", "iban": IBAN, **values})
    assert world.state() == before
    id_ = world.create("clerk", "contact", {"name": "Anna", "iban": IBAN})
    for values in wrong:
        with pytest.raises(ValidationFailed):
            world.update("clerk", "contact", id_, values)
    assert _opened(world, id_)["iban"] == IBAN


@pytest.mark.parametrize("role", ["admin", "clerk"])
def test_nobody_opens_without_the_right_of_its_own(world: World, role: str) -> None:
    id_ = world.create("clerk", "contact", {"name": "Anna", "iban": IBAN})
    access = world.caller(role).access
    assert access.may("contact", Action.READ)
    assert not access.may(SEALED, Action.READ)
    for action in (Action.READ, Action.HISTORY):
        found = access.get("contact", action)
        assert found is None or not {"iban", "health"} & set(found.fields)
    with pytest.raises(Forbidden, match="open"):
        _opened(world, id_, role)
    with pytest.raises(Forbidden):
        _find(world, IBAN, role)


def test_the_right_is_held_to_fields_and_records(world: World) -> None:
    # given
    anna = world.create("clerk", "contact", {"name": "Anna", "iban": IBAN, "health": HEALTH})
    ben = world.create("clerk", "contact", {"name": "Ben", "iban": OTHER, "health": HEALTH})

    # then
    assert _opened(world, anna, "half") == {"iban": IBAN}
    with pytest.raises(Forbidden, match="health"):
        _opened(world, anna, "half", "health")
    with pytest.raises(Forbidden, match="name"):
        _opened(world, anna, "dsb", "name")
    assert _opened(world, anna, "own")["iban"] == IBAN
    with pytest.raises(NotFound):
        _opened(world, ben, "own")
    assert _find(world, OTHER, "own") == []
    assert _find(world, OTHER, "half") == [ben]


def test_who_has_opened_it_is_logged(world: World) -> None:
    # given
    id_ = world.create("clerk", "contact", {"name": "Anna", "iban": IBAN, "health": HEALTH})

    # when
    _opened(world, id_, "dsb", "health")

    # then
    with world.database.read() as connection:
        [line] = read_log.logged(connection, record_id=id_)
    assert (line.user_id, line.entity, line.fields) == (world.users["anna"], "contact", ("health",))


def test_equal_values_are_found_and_no_others(world: World) -> None:
    # given
    ids = {value: world.create("clerk", "contact", {"name": "A", "iban": value}) for value in (IBAN, OTHER, "FR1234")}
    twin = world.create("clerk", "contact", {"name": "B", "iban": IBAN})

    # then
    assert _find(world, IBAN) == sorted([ids[IBAN], twin])
    assert _find(world, "de44 5566 7788") == sorted([ids[IBAN], twin])
    assert _find(world, "DE4455667789") == []
    world.update("clerk", "contact", twin, {"iban": "FR1234"})
    assert _find(world, IBAN) == [ids[IBAN]]
    assert _find(world, "FR1234") == sorted([ids["FR1234"], twin])
    with pytest.raises(FieldSealed, match="looked for"):
        _find(world, HEALTH, field="health")


def test_filters_cannot_look_at_it(world: World) -> None:
    for where in (
        {"iban": {"eq": IBAN}},
        {"not": {"iban": {"startsWith": "DE"}}},
        {"or": [{"health": {"isNull": True}}]},
    ):
        with world.database.read() as connection, pytest.raises(FieldSealed, match="sealed"):
            looking.find(world.records, connection, "contact", where, 10)


def test_a_destroyed_key_leaves_a_mark_and_nothing_else(world: World) -> None:
    # given
    anna, ben = (world.create("clerk", "contact", {"name": "A", "iban": IBAN, "health": HEALTH}) for _ in range(2))
    store = world.records.key_store
    assert store is not None
    with world.database.read() as connection:
        mark = str(connection.scalar(text("SELECT mark FROM xrm_sealed_data")))

    # when
    store.destroy(mark, anna, ["art9"])

    # then
    with world.database.begin() as connection:
        found = world.records.open_sealed(connection, world.caller("dsb"), "contact", anna)
    assert (found["health"].text, found["health"].destroyed) == (None, True)
    assert (found["iban"].text, found["iban"].destroyed) == (IBAN, False)
    assert _opened(world, ben)["health"] == HEALTH
    with pytest.raises(SealedKeyDestroyed):
        world.update("clerk", "contact", anna, {"health": "again"})
    world.update("clerk", "contact", anna, {"name": "Other"})
    world.update("clerk", "contact", anna, {"health": None})
    store.destroy(mark, anna)
    assert _find(world, IBAN) == [ben]


def test_what_is_of_somebody_else_by_now_is_sealed_with_their_key(world: World) -> None:
    # given
    anna, ben = (world.create("clerk", "contact", {"name": name, "iban": IBAN}) for name in ("Anna", "Ben"))
    note = world.create("admin", "note", {"title": "t", "text": "ein Geheimnis", "contact": anna})
    loose = world.create("admin", "note", {"text": "lose"})
    store = world.records.key_store
    assert store is not None
    with world.database.read() as connection:
        mark = str(connection.scalar(text("SELECT mark FROM xrm_sealed_data")))

    # when
    world.update("admin", "note", note, {"contact": ben})
    store.destroy(mark, anna)

    # then
    assert _opened(world, note, entity="note") == {"text": "ein Geheimnis"}
    assert _opened(world, loose, entity="note") == {"text": "lose"}
    store.destroy(mark, ben)
    assert _opened(world, note, entity="note") == {"text": None}


def test_a_ciphertext_that_was_moved_in_the_database_is_told(world: World) -> None:
    # given
    anna, ben = (world.create("clerk", "contact", {"name": "A", "iban": value}) for value in (IBAN, OTHER))
    table = world.records.tables["contact"]
    with world.database.begin() as connection:
        stolen = connection.scalar(select(table.c.iban).where(table.c.id == anna))
        connection.execute(update(table).where(table.c.id == ben).values(iban=stolen))

    # then
    with pytest.raises(SealedValueForeign):
        _opened(world, ben)
    assert _opened(world, anna)["iban"] == IBAN


def test_it_is_not_taken_along_by_a_merge(world: World) -> None:
    # given
    anna, ben = (world.create("clerk", "contact", {"name": "A", "iban": value}) for value in (IBAN, OTHER))

    # then
    with world.database.begin() as connection, pytest.raises(ValidationFailed, match="taken"):
        world.records.merge(connection, world.caller("admin"), "contact", Wanted(anna, (ben,), {ben: ("iban",)}, {}))
    assert _opened(world, anna)["iban"] == IBAN


def test_many_at_once_and_by_key(world: World) -> None:
    # given
    caller = world.caller("clerk")
    with world.database.begin() as connection:
        made = world.records.create_bulk(
            connection, caller, "contact", [{"name": f"n{i}", "iban": f"DE{i:04}"} for i in range(3)]
        )
    ids = [each for each in made.ids if each is not None]

    # when
    with world.database.begin() as connection:
        world.records.update_bulk(connection, caller, "contact", ids, {"health": HEALTH})

    # then
    assert [_opened(world, id_) for id_ in ids] == [{"iban": f"DE{i:04}", "health": HEALTH} for i in range(3)]
    assert len({(world.stored("contact", id_) or {})["health"] for id_ in ids}) == 3


def test_what_is_refused_leaves_no_key_and_nothing_to_be_found_by(world: World) -> None:
    # given
    world.create("clerk", "contact", {"name": "Anna", "iban": IBAN})
    store = world.records.key_store
    assert store is not None
    with store.database.read() as connection:
        before = [connection.execute(select(each)).all() for each in (KEY, BLIND)]

    # when
    with pytest.raises(ValidationFailed):
        world.create("admin", "note", {"text": "a", "contact": str(uuid7())})
    for values in ({"name": "Ben", "iban": "no"}, {"iban": IBAN, "health": "x" * 41}):
        with pytest.raises(ValidationFailed):
            world.create("clerk", "contact", values)

    # then
    with store.database.read() as connection:
        assert [connection.execute(select(each)).all() for each in (KEY, BLIND)] == before


def test_of_many_those_that_can_be_sealed_are_stored(world: World) -> None:
    # given
    gone, there = (world.create("clerk", "contact", {"name": "A", "iban": IBAN}) for _ in range(2))
    _destroy(world, gone)
    rows = [{"text": str(number), "contact": each} for number, each in enumerate((there, gone, there))]

    # when
    with world.database.begin() as connection:
        made = world.records.create_bulk(connection, world.caller("admin"), "note", rows, skip=True)

    # then
    assert [each is None for each in made.ids] == [False, True, False]
    assert _opened(world, str(made.ids[2]), entity="note") == {"text": "2"}


def test_without_a_key_store_nothing_is_written(world: World) -> None:
    # given
    id_ = world.create("clerk", "contact", {"name": "Anna", "iban": IBAN})
    before, world.records.key_store = world.state(), None

    # then
    for act in (
        lambda: world.create("clerk", "contact", {"name": "Anna", "iban": IBAN}),
        lambda: world.update("clerk", "contact", id_, {"iban": OTHER}),
        lambda: _opened(world, id_),
    ):
        with pytest.raises(SealingUnavailable):
            act()
    assert world.state() == before
    world.update("clerk", "contact", id_, {"name": "Anne"})


def test_errors_do_not_name_the_value(world: World) -> None:
    id_ = world.create("clerk", "contact", {"name": "Anna", "iban": IBAN})
    caller: User = world.caller("clerk")
    refused: list[XrmError] = []
    for act in (
        lambda: world.update("clerk", "contact", id_, {"iban": OTHER}, version=99),
        lambda: _find(world, IBAN, "clerk"),
    ):
        with pytest.raises(XrmError) as found:
            act()
        refused.append(found.value)
    assert caller.id
    for error in refused:
        assert IBAN not in json.dumps(error.to_json())
        assert OTHER not in json.dumps(error.to_json())
        assert "xs1." not in json.dumps(error.to_json())


def test_what_is_created_together_is_sealed_by_the_key_of_whom_it_refers_to(world: World) -> None:
    # given
    notes = {"create": [{"text": "von unten"}]}
    anna = world.create("admin", "contact", {"name": "Anna", "iban": IBAN, "notes": notes})
    above = world.create("admin", "note", {"text": "von oben", "contact": {"create": {"name": "Ben", "iban": OTHER}}})
    below = _only(world, "note", lambda record: record["contact"] == anna)
    ben = str((world.stored("note", above) or {})["contact"])
    assert _opened(world, below, entity="note") == {"text": "von unten"}

    # when
    _destroy(world, anna)
    _destroy(world, ben)

    # then
    assert _opened(world, below, entity="note") == _opened(world, above, entity="note") == {"text": None}


def test_a_merge_seals_what_it_moves_by_the_key_of_the_record_that_stays(world: World) -> None:
    # given
    anna, twin = (world.create("clerk", "contact", {"name": "Anna", "iban": value}) for value in (IBAN, OTHER))
    note = world.create("admin", "note", {"text": "bleibt", "contact": twin})
    with world.database.begin() as connection:
        world.records.merge(connection, world.caller("admin"), "contact", Wanted(anna, (twin,), {}, {}))

    # when
    _destroy(world, twin)

    # then
    assert _opened(world, note, entity="note") == {"text": "bleibt"}
    assert _opened(world, anna)["iban"] == IBAN
    _destroy(world, anna)
    assert _opened(world, note, entity="note") == {"text": None}


def _destroy(world: World, subject: str) -> None:
    store = world.records.key_store
    with world.database.read() as connection:
        mark = str(connection.scalar(text("SELECT mark FROM xrm_sealed_data")))
    assert store is not None
    store.destroy(mark, subject)


def _only(world: World, entity: str, fits: Callable[[dict[str, Any]], bool]) -> str:
    with world.database.read() as connection:
        [found] = [each for each in looking.find(world.records, connection, entity, {}, 100) if fits(each)]
    return str(found["id"])
