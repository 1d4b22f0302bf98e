"""Records and values in the vault: found by nobody, written in clear nowhere, and back as they were."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from tests.records.kit import FILES, POLICIES, ROLES, Pack, World, build
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.reading import logged
from xrm_core.changes.sealing import seal_all
from xrm_core.changes.verifying import verify
from xrm_core.errors import Forbidden, NotFound, ValidationFailed, VaultRefused
from xrm_core.records import read_log
from xrm_core.records.context import Context
from xrm_core.records.vault.deposits import Deposit
from xrm_core.records.vault.ending import erase_in_vault
from xrm_core.records.vault.looking import Vaulted, in_vault
from xrm_core.records.vault.moving import move_to_vault
from xrm_core.records.vault.returning import bring_back
from xrm_core.sealed.errors import SealedKeyDestroyed, SealedValueForeign, SealingUnavailable
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage.engines import Database
from xrm_core.storage.sealed_tables import mark_of
from xrm_core.storage.system import METADATA

SUBJECT = "01a21e32-b621-734e-9829-05c2e3018e0a"
PACK = Pack(
    FILES,
    {**ROLES, "roles": {**ROLES["roles"], "dsb": {}}},
    f"{POLICIES}dsb,xrm_sealed,read,*,,allow\n",
)
SECRET = "a key of the tests 0123456789 abcdefgh"


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    """Customers and notes about them."""
    found = build(database, tmp_path, None, PACK)
    store = KeyStore(f"sqlite:///{tmp_path / 'keys' / 'sealed.db'}", SECRET)
    found.records.key_store = store
    yield found
    store.close()


def _context(world: World, connection: Any, role: str = "admin") -> Context:
    return Context(world.records, connection, world.caller(role), ("action", "mk.restrict"))


def _move(world: World, *keys: tuple[str, str], values: Any = None) -> Deposit:
    with world.database.begin() as connection:
        return move_to_vault(_context(world, connection), SUBJECT, keys, values)


def _back(world: World, deposit: Deposit) -> Deposit:
    with world.database.begin() as connection:
        return bring_back(_context(world, connection), deposit.id)


def _look(world: World, role: str = "admin", **which: str) -> list[Vaulted]:
    with world.database.begin() as connection:
        return in_vault(_context(world, connection, role), **which)


def _dump(world: World) -> str:
    """All that stands in any table."""
    tables = [*METADATA.sorted_tables, *(world.records.tables[each.name] for each in world.model)]
    with world.database.read() as connection:
        rows = [[str(value) for value in row] for table in tables for row in connection.execute(select(table))]
    return json.dumps(rows, ensure_ascii=False)


def _versions(world: World, id_: str) -> list[tuple[str, int, dict[str, Any]]]:
    with world.database.read() as connection:
        return [(each.operation, each.version, each.fields) for each in logged(connection, record_id=id_)]


def _findings(world: World, keys: ChainKeys) -> Any:
    with world.database.read() as connection:
        return verify(connection, keys).findings


def _with_notes(world: World) -> tuple[str, str, str]:
    """A customer with a note that belongs to it, and one that only mentions it."""
    customer = world.create("admin", "customer", {"name": "Albatros", "number": "7", "email": "kanari@example.com"})
    world.update("admin", "customer", customer, {"city": "Kanariendorf"})
    own = world.create("admin", "note", {"text": "Zeisig", "customer": customer})
    other = world.create("admin", "note", {"text": "Amsel", "about": {"customer": customer}})
    return customer, own, other


def test_a_record_leaves_all_tables_and_comes_back_as_it_was(world: World) -> None:
    # given
    customer, own, other = _with_notes(world)
    before, entries = world.stored("customer", customer) or {}, _versions(world, customer)

    # when
    deposit = _move(world, ("customer", customer))

    # then nothing of it is anywhere, and what only mentions it has stayed
    assert deposit.counts == {"customer": 1, "note": 1}
    dump = _dump(world)
    assert not [word for word in ("Albatros", "kanari@example.com", "Kanariendorf", "Zeisig") if word in dump]
    assert world.stored("customer", customer) is None
    assert world.stored("note", own) is None
    assert (world.stored("note", other) or {})["about"] is None

    # when
    assert _back(world, deposit).counts == {"customer": 1, "note": 1}

    # then all is there again, also in the log, whose versions went on
    after = world.stored("customer", customer) or {}
    changed = {"version", "updated_at", "updated_by"}
    assert {name: value for name, value in after.items() if name not in changed} == {
        name: value for name, value in before.items() if name not in changed
    }
    assert (world.stored("note", own) or {})["customer"] == customer
    assert (world.stored("note", other) or {})["about"] == {"customer": customer}
    found = _versions(world, customer)
    assert found[-len(entries) :] == entries
    assert [(operation, version) for operation, version, _ in found[:2]] == [("restore", 4), ("delete", 3)]
    assert "xs1." not in _dump(world)  # the vault is empty


def test_it_is_known_of_which_entities_something_is_in_the_trash_or_the_vault(world: World) -> None:
    customer, own, _ = _with_notes(world)

    def aside() -> frozenset[str]:
        with world.database.read() as connection:
            return _context(world, connection).set_aside()

    assert aside() == set()
    world.delete("admin", "note", own)
    assert aside() == {"note"}
    deposit = _move(world, ("customer", customer))
    assert aside() == {"customer", "note"}
    _back(world, deposit)
    assert aside() == {"note"}


def test_the_chain_of_the_log_verifies_before_meanwhile_and_after(world: World) -> None:
    keys = ChainKeys("")
    customer, *_ = _with_notes(world)
    seal_all(world.database, keys)

    deposit = _move(world, ("customer", customer))
    seal_all(world.database, keys)
    assert not _findings(world, keys)

    _back(world, deposit)
    seal_all(world.database, keys)
    assert not _findings(world, keys)


def test_values_of_a_record_that_stays(world: World) -> None:
    # given
    customer, *_ = _with_notes(world)

    # when
    world.update("admin", "customer", customer, {"revenue": "12.50", "since": "2026-01-31"})
    wanted = {"email": None, "name": "Ohne Namen", "revenue": None, "since": None}
    deposit = _move(world, values={("customer", customer): wanted})

    # then
    stored = world.stored("customer", customer) or {}
    assert (stored["email"], stored["name"], stored["city"], stored["version"]) == (
        None,
        "Ohne Namen",
        "Kanariendorf",
        4,
    )
    dump = _dump(world)
    assert "kanari@example.com" not in dump
    assert "Albatros" not in dump

    # when somebody writes one of them meanwhile
    world.update("admin", "customer", customer, {"name": "Uhu"})
    _back(world, deposit)

    # then that one stays
    stored = world.stored("customer", customer) or {}
    assert (stored["email"], stored["name"]) == ("kanari@example.com", "Uhu")
    assert (str(stored["revenue"]), stored["since"]) == ("12.50", "2026-01-31")
    assert "Albatros" in _dump(world)  # in the history of the field


def test_what_is_in_the_trash_goes_there_again(world: World) -> None:
    # given
    customer, own, other = _with_notes(world)
    world.delete("admin", "customer", customer)
    assert "Zeisig" in _dump(world)

    # when
    with world.database.begin() as connection:
        key = ("customer", customer)
        deposit = move_to_vault(_context(world, connection), SUBJECT, [], trashed=[key, ("customer", SUBJECT)])

    # then
    assert deposit.counts == {"customer": 1, "note": 1}
    dump = _dump(world)
    assert not [word for word in ("Albatros", "kanari@example.com", "Kanariendorf", "Zeisig") if word in dump]
    with pytest.raises(NotFound), world.database.begin() as connection:
        world.records.restore(connection, world.caller("admin"), "customer", customer)

    # when
    _back(world, deposit)
    with world.database.begin() as connection:
        world.records.restore(connection, world.caller("admin"), "customer", customer)

    # then
    assert (world.stored("customer", customer) or {})["city"] == "Kanariendorf"
    assert (world.stored("note", own) or {})["customer"] == customer
    assert (world.stored("note", other) or {})["about"] == {"customer": customer}


def test_what_went_along_is_in_the_trash_alone_once_its_deletion_has_ended(world: World) -> None:
    # given
    customer, own, _ = _with_notes(world)
    world.delete("admin", "customer", customer)
    with world.database.begin() as connection:
        deposit = move_to_vault(_context(world, connection), SUBJECT, [], trashed=[("note", own)])
    with world.database.begin() as connection:
        world.records.restore(connection, world.caller("admin"), "customer", customer)
    assert world.stored("note", own) is None

    # when
    _back(world, deposit)
    with world.database.begin() as connection:
        world.records.restore(connection, world.caller("admin"), "note", own)

    # then
    assert (world.stored("note", own) or {})["text"] == "Zeisig"


def test_values_of_a_record_that_was_deleted_since_come_back_into_the_trash(world: World) -> None:
    # given
    customer, *_ = _with_notes(world)
    deposit = _move(world, values={("customer", customer): {"email": None, "name": "Ohne Namen"}})
    world.delete("admin", "customer", customer)

    # when
    _back(world, deposit)
    with world.database.begin() as connection:
        world.records.restore(connection, world.caller("admin"), "customer", customer)

    # then
    stored = world.stored("customer", customer) or {}
    assert (stored["email"], stored["name"]) == ("kanari@example.com", "Albatros")


def test_values_wait_for_their_record_which_was_moved_since(world: World) -> None:
    customer, *_ = _with_notes(world)
    values = _move(world, values={("customer", customer): {"email": None}})
    whole = _move(world, ("customer", customer))

    with pytest.raises(VaultRefused):
        _back(world, values)
    _back(world, whole)
    _back(world, values)

    assert (world.stored("customer", customer) or {})["email"] == "kanari@example.com"


def test_what_a_new_record_has_taken_meanwhile_is_refused_and_the_vault_keeps_all(world: World) -> None:
    customer, *_ = _with_notes(world)
    deposit = _move(world, ("customer", customer))
    world.create("admin", "customer", {"name": "Uhu", "number": "7"})
    state = world.state()

    with pytest.raises(ValidationFailed) as caught:
        _back(world, deposit)

    assert caught.value.details["problems"][0]["field"] == "number"
    assert world.state() == state
    assert [each.id for each in _look(world, "dsb", deposit=deposit.id) if each.entity == "customer"] == [customer]


def test_who_may_open_sealed_values_looks_and_that_is_logged(world: World) -> None:
    customer, own, _ = _with_notes(world)
    deposit = _move(world, ("customer", customer))
    _move(world, values={("user", world.users["anna"]): {"name": None}})

    found = _look(world, "dsb", subject=SUBJECT)

    assert [(each.entity, each.id, each.whole) for each in found] == [
        ("customer", customer, True),
        ("note", own, True),
        ("user", world.users["anna"], False),
    ]
    assert found[0].values["email"] == "kanari@example.com"
    with pytest.raises(Forbidden):
        _look(world, "admin", deposit=deposit.id)
    with world.database.read() as connection:
        reads = {(each.entity, *each.record_ids): each.fields for each in read_log.logged(connection)}
    assert "email" in reads["customer", customer]
    assert reads["user", world.users["anna"]] == ("name",)
    with pytest.raises(ValueError, match="deposit or a subject"):
        _look(world)


def test_what_is_erased_in_the_vault_does_not_come_back(world: World) -> None:
    customer, *_ = _with_notes(world)
    deposit = _move(world, ("customer", customer))

    with world.database.begin() as connection:
        assert erase_in_vault(_context(world, connection), deposit.id).counts == {"customer": 1, "note": 1}

    with pytest.raises(KeyError):
        _back(world, deposit)
    assert "xs1." not in _dump(world)


def test_nobody_opens_what_the_key_was_destroyed_of(world: World) -> None:
    customer, *_ = _with_notes(world)
    deposit = _move(world, ("customer", customer))
    with world.database.read() as connection:
        mark = mark_of(connection) or ""
    assert world.records.key_store is not None
    world.records.key_store.destroy(mark, SUBJECT)

    with pytest.raises(SealedKeyDestroyed):
        _back(world, deposit)
    with pytest.raises(SealedKeyDestroyed):
        _move(world, values={("user", world.users["anna"]): {"name": None}})


def test_what_cannot_be_moved_is_refused_and_nothing_is_done(world: World) -> None:
    customer, *_ = _with_notes(world)
    state = world.state()

    with pytest.raises(VaultRefused, match="Users and teams"):
        _move(world, ("user", world.users["anna"]))
    with pytest.raises(NotFound):
        _move(world, ("customer", SUBJECT))
    with pytest.raises(KeyError):
        _move(world, ("nothing", SUBJECT))
    world.records.key_store = None
    with pytest.raises(SealingUnavailable):
        _move(world, ("customer", customer))
    assert world.state() == state


def test_what_lies_in_the_vault_is_bound_to_its_place(world: World) -> None:
    customer, own, _ = _with_notes(world)
    deposit = _move(world, ("customer", customer))

    with world.database.begin() as connection:
        connection.execute(
            text(
                "UPDATE xrm_vault SET content = (SELECT content FROM xrm_vault WHERE entity = 'note')"
                " WHERE entity = 'customer'"
            )
        )

    with pytest.raises(SealedValueForeign):
        _back(world, deposit)
    assert world.stored("note", own) is None


def test_values_that_are_not_searched_are_found_by_the_ids_of_their_records_alone(world: World) -> None:
    # given a record with a value that is to lie there for long, and one with a value for a time
    customer, own, other = _with_notes(world)
    with world.database.begin() as connection:
        kept = move_to_vault(_context(world, connection), SUBJECT, (), {("note", own): {"text": "–"}}, searched=False)
    asked = _move(world, values={("note", other): {"text": "–"}})

    # then who looks for something of somebody opens the latter alone
    with world.database.begin() as connection:
        context = _context(world, connection)
        assert (context.set_aside(), context.kept_aside()) == (frozenset({"note"}), frozenset({"note"}))
        assert [each.id for each in context.vaulted("note")] == [other]
        of_both = context.vaulted("note", [own, other, customer, "no id"])
        assert {(each.id, each.values["text"], each.whole) for each in of_both} == {
            (own, "Zeisig", False),
            (other, "Amsel", False),
        }
        assert context.vaulted("note", []) == []
    assert [each.id for each in _look(world, "dsb", deposit=kept.id)] == [own]

    # and both come back
    for deposit in (kept, asked):
        _back(world, deposit)
    texts = {str((world.stored("note", each) or {})["text"]) for each in (own, other)}
    assert texts == {"Zeisig", "Amsel"}
    with world.database.begin() as connection:
        assert _context(world, connection).kept_aside() == frozenset()
