"""Former values of a record of which several things lie in the vault: each comes back with what it went with."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.changes.kit import KEY, a_year_ago
from tests.records.kit import World, build
from xrm_core.changes.erasing import erase_record
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.reading import logged
from xrm_core.changes.retention import remove
from xrm_core.changes.sealing import seal_all
from xrm_core.changes.verifying import verify
from xrm_core.records.context import Context
from xrm_core.records.vault.looking import vaulted
from xrm_core.records.vault.moving import move_to_vault
from xrm_core.records.vault.returning import bring_back
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage.engines import Database
from xrm_core.storage.sealed_tables import mark_of

SUBJECT, OTHER = "01a21e32-b621-734e-9829-05c2e3018e0a", "01a21e32-b621-734e-9829-05c2e3018e0b"
SECRET, KEYS = "a key of the tests 0123456789 abcdefgh", ChainKeys(KEY)


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    """Customers, and keys for them."""
    found = build(database, tmp_path)
    store = KeyStore(f"sqlite:///{tmp_path / 'keys' / 'sealed.db'}", SECRET)
    found.records.key_store = store
    yield found
    store.close()


def _context(world: World, connection: Any) -> Context:
    return Context(world.records, connection, world.caller("admin"), ("action", "mk.restrict"))


def _moved(world: World, id_: str, *names: str) -> str:
    """Some values of a customer are moved; without names the customer is. The id of the deposit."""
    key = ("customer", id_)
    with world.database.begin() as connection:
        records, values = ([], {key: dict.fromkeys(names)}) if names else ([key], {})
        return move_to_vault(_context(world, connection), SUBJECT, records, values).id


def _back(world: World, deposit: str) -> None:
    with world.database.begin() as connection:
        bring_back(_context(world, connection), deposit)


def _former(world: World, id_: str) -> list[dict[str, Any]]:
    with world.database.read() as connection:
        return [each.fields for each in logged(connection, record_id=id_)]


def _verified(world: World) -> bool:
    seal_all(world.database, KEYS)
    with world.database.read() as connection:
        return not verify(connection, KEYS).findings


def _customer(world: World) -> str:
    values = {"name": "Albatros", "number": "7", "email": "kanari@example.com", "city": "Köln"}
    id_ = world.create("admin", "customer", values)
    world.update("admin", "customer", id_, {"city": "Bonn", "number": "8", "email": "uhu@example.com"})
    return id_


@pytest.mark.parametrize("sealed_before", [True, False])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)])
def test_they_come_back_in_any_order(world: World, order: tuple[int, ...], sealed_before: bool) -> None:
    # given values that went in three goes, out of the same entries
    id_ = _customer(world)
    before = _former(world, id_)
    if sealed_before:
        assert _verified(world)
    deposits = [_moved(world, id_, *names) for names in (["email"], ["number"], ["city"])]
    assert _verified(world)
    assert not [word for word in ("kanari", "uhu", "Bonn", "Köln") if word in str(_former(world, id_))]

    # when
    for number in order:
        _back(world, deposits[number])
        assert _verified(world)

    # then
    assert _former(world, id_)[-len(before) :] == before


def test_what_is_still_elsewhere_stays_there(world: World) -> None:
    id_ = _customer(world)
    first, second = _moved(world, id_, "email"), _moved(world, id_)

    _back(world, second)
    former = json.dumps(_former(world, id_))
    assert "Bonn" in former
    assert "kanari" not in former

    _back(world, first)
    assert "kanari" in json.dumps(_former(world, id_))
    assert _verified(world)


def test_what_was_erased_meanwhile_does_not_come_back(world: World) -> None:
    # given
    id_ = _customer(world)
    deposit = _moved(world, id_, "email")

    # when
    with world.database.begin() as connection:
        erase_record(connection, id_)
    _back(world, deposit)

    # then
    assert "kanari" not in json.dumps(_former(world, id_))
    assert _verified(world)


def test_what_the_log_has_let_go_meanwhile_does_not_come_back(world: World) -> None:
    # given a log whose first entries are a year old
    id_ = _customer(world)
    assert _verified(world)
    deposit = _moved(world, id_)
    a_year_ago(world.database, 1, keys=KEYS)
    assert _verified(world)
    assert remove(world.database, dt.datetime.now(dt.UTC) - dt.timedelta(days=100), keys=KEYS, by="test") > 0

    # when
    _back(world, deposit)

    # then
    assert _verified(world)
    assert (world.stored("customer", id_) or {})["city"] == "Bonn"
    assert "Köln" not in json.dumps(_former(world, id_), ensure_ascii=False)


def test_the_end_of_the_keys_of_one_person_is_in_nobodys_way(world: World) -> None:
    # given what lies in the vault of two
    first, second = _customer(world), world.create("admin", "customer", {"name": "Uhu"})
    _moved(world, first)
    with world.database.begin() as connection:
        move_to_vault(_context(world, connection), OTHER, [("customer", second)])
        mark = mark_of(connection) or ""

    # when
    assert world.records.key_store is not None
    world.records.key_store.destroy(mark, OTHER)

    # then
    with world.database.read() as connection:
        assert [each.id for each in vaulted(world.records, connection, "customer")] == [first]
