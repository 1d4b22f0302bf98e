"""Batches of the log are sealed in a chain, and whoever has meddled with it is found out."""

import json
import threading
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from tests.changes.kit import KEY, log_of, verified
from tests.records.kit import World
from xrm_core.changes import sealing
from xrm_core.changes.erasing import erase_actor, erase_record
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.sealing import seal, seal_all
from xrm_core.storage.change_tables import CHANGE, CHANGE_BATCH, put_unsealed_last


@pytest.fixture
def sealed(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Some batches of three entries."""
    monkeypatch.setattr(sealing, "MOST", 3)
    for number in range(5):
        id_ = world.create("admin", "customer", {"name": f"A{number}"})
        world.update("admin", "customer", id_, {"city": "Köln"})
    assert seal_all(world.database, ChainKeys(KEY)) == 12
    return world


def change(world: World, *statements: Any) -> None:
    with world.database.begin() as connection:
        for statement in statements:
            connection.execute(statement)


def test_what_has_come_from_postgresql_is_sealed_wherever_its_ids_are(sealed: World) -> None:
    # given entries of which some, with ids before those of others, were not sealed when they were taken along
    ids = sealed.create("admin", "customer", {"name": "late"}), sealed.create("admin", "customer", {"name": "later"})
    change(
        sealed,
        update(CHANGE).where(CHANGE.c.record_id == ids[0]).values(id=-2),
        update(CHANGE).where(CHANGE.c.record_id == ids[1]).values(id=-1),
    )
    # when they come to their place
    with sealed.database.begin() as connection:
        put_unsealed_last(connection)
    # then they are sealed, in their order
    assert seal_all(sealed.database, ChainKeys(KEY)) == 2
    assert [row.record_id for row in log_of(sealed) if row.position in (13, 14)] == list(ids)
    assert verified(sealed).findings == ()


def test_positions_have_no_gap_and_follow_each_record(sealed: World) -> None:
    rows = sorted(log_of(sealed), key=lambda row: row.position)
    assert [row.position for row in rows] == list(range(1, 13))
    for id_ in {row.record_id for row in rows}:
        versions = [row.version for row in rows if row.record_id == id_]
        assert versions == sorted(versions)
    found = verified(sealed)
    assert (found.batches, found.entries, found.unsealed, found.findings) == (4, 12, 0, ())


def test_what_is_sealed_later_follows_on(sealed: World) -> None:
    head = verified(sealed).head
    sealed.create("admin", "customer", {"name": "B"})
    assert verified(sealed).unsealed == 1
    assert seal(sealed.database, ChainKeys(KEY)) == 1
    assert seal(sealed.database, ChainKeys(KEY)) == 0
    found = verified(sealed, expected=head)
    assert (found.batches, found.entries, found.findings) == (5, 13, ())


@pytest.mark.invariant("I23")
@pytest.mark.parametrize(
    ("meddle", "what"),
    [
        (update(CHANGE).where(CHANGE.c.position == 5).values(fields='{"name":"X"}'), "one of its entries was changed"),
        (update(CHANGE).where(CHANGE.c.position == 5).values(actor=None), "one of its entries was changed"),
        (update(CHANGE).where(CHANGE.c.position == 5).values(causes="[]x"), "its entry 5 cannot be read"),
        (update(CHANGE).where(CHANGE.c.position == 5).values(version=9), "one of its entries was changed"),
        (update(CHANGE).where(CHANGE.c.position == 5).values(salt=b"x"), "one of its entries was changed"),
        (update(CHANGE).where(CHANGE.c.position == 5).values(salt=None), "its entry 5 cannot be read"),
        (delete(CHANGE).where(CHANGE.c.position == 5), "1 of its entries are missing"),
        (update(CHANGE).where(CHANGE.c.position == 5).values(position=None), "1 of its entries are missing"),
        (update(CHANGE_BATCH).where(CHANGE_BATCH.c.number == 2).values(root=b"x"), "does not follow"),
        (update(CHANGE_BATCH).where(CHANGE_BATCH.c.number == 2).values(last=7), "do not follow"),
        (update(CHANGE_BATCH).where(CHANGE_BATCH.c.number == 2).values(mac=b"x"), "is not by a key"),
        (update(CHANGE_BATCH).where(CHANGE_BATCH.c.number == 2).values(removed=True), "although"),
        (delete(CHANGE_BATCH).where(CHANGE_BATCH.c.number == 2), "batches before it are missing"),
    ],
)
def test_whoever_has_meddled_is_found_out(sealed: World, meddle: Any, what: str) -> None:
    change(sealed, meddle)
    found = verified(sealed)
    assert any(what in each.what for each in found.findings), found.findings
    assert found.findings[0].batch in (2, 3)


def test_an_entry_slipped_in_is_found(sealed: World) -> None:
    row = dict(log_of(sealed)[0]._mapping)
    change(sealed, insert(CHANGE).values({**row, "id": 999, "position": 13}))
    assert [each.what for each in verified(sealed).findings] == ["1 entries after it are in no batch"]


def test_a_chain_made_anew_has_no_signature_of_the_server(sealed: World) -> None:
    change(
        sealed, delete(CHANGE_BATCH), delete(CHANGE).where(CHANGE.c.position == 5), update(CHANGE).values(position=None)
    )
    seal_all(sealed.database, ChainKeys("somebody else's key, somebody else's key"))
    assert {each.what for each in verified(sealed).findings} == {"its signature is not by a key of this server"}


def test_a_chain_made_anew_without_signatures_is_told_and_has_another_head(sealed: World) -> None:
    head = verified(sealed).head
    change(sealed, delete(CHANGE_BATCH), update(CHANGE).values(position=None))
    seal_all(sealed.database, ChainKeys(""))
    found = verified(sealed, expected=head)
    assert found.unsigned == found.batches
    unexpected, unsigned = (each.what for each in found.findings)
    assert unexpected == "is not the batch that was expected"
    assert unsigned.startswith("it and all before it have no signature")


def test_batches_without_signature_are_findings_unless_there_was_no_key_then(world: World) -> None:
    # given a log that was begun without a key, and goes on with one
    seal_all(world.database, ChainKeys(""))
    assert verified(world, key="").findings == ()  # nobody can expect any
    world.create("admin", "customer", {"name": "A"})
    seal_all(world.database, ChainKeys(KEY))
    # then who has the key is told, up to which one, and it is the operator's to say that this was so
    [found] = verified(world).findings
    assert (found.batch, "--unsigned-to 1" in found.what) == (1, True)
    assert verified(world, unsigned_to=1).findings == ()
    # and what has lost its signature since is found all the same
    change(world, update(CHANGE_BATCH).values(mac=None))
    assert [each.batch for each in verified(world, unsigned_to=1).findings] == [2]


def test_a_batch_that_has_lost_its_signature_is_found(sealed: World) -> None:
    change(sealed, update(CHANGE_BATCH).where(CHANGE_BATCH.c.number > 2).values(mac=None))
    assert [(each.batch, each.what) for each in verified(sealed).findings] == [
        (3, "it has no signature although the one before it has")
    ]


def test_a_log_that_was_cut_lacks_its_head(sealed: World) -> None:
    head = verified(sealed).head
    change(sealed, delete(CHANGE_BATCH).where(CHANGE_BATCH.c.number == 4), delete(CHANGE).where(CHANGE.c.position > 9))
    assert verified(sealed).findings == ()
    assert [each.what for each in verified(sealed, expected=head).findings] == ["is missing: it was expected"]


def test_a_former_key_still_verifies(sealed: World) -> None:
    assert verified(sealed, key=f"{'n' * 40},{KEY}").findings == ()


@pytest.mark.invariant("I23")
def test_erased_values_are_gone_and_the_chain_holds(sealed: World) -> None:
    id_ = log_of(sealed)[-1].record_id
    sealed.update("admin", "customer", id_, {"city": "Bonn", "email": "a@b.de"})  # not sealed yet
    with sealed.database.begin() as connection:
        assert erase_record(connection, id_, ["city"]) == 2
    assert "Köln" not in str(log_of(sealed, id_))
    seal_all(sealed.database, ChainKeys(KEY))
    assert verified(sealed).findings == ()
    with sealed.database.begin() as connection:
        assert erase_record(connection, id_, ["city"]) == 0
        assert erase_record(connection, id_) == 3
    rows = log_of(sealed, id_)
    assert [(row.fields, row.causes, row.actor, row.salt) for row in rows] == [("{}", "[]", None, None)] * 3
    assert [row.operation for row in rows] == ["create", "update", "update"]
    assert verified(sealed).findings == ()


def test_an_author_can_be_erased_from_what_others_may_still_read(sealed: World) -> None:
    with sealed.database.begin() as connection:
        assert erase_actor(connection, sealed.users["anna"]) == 10
    assert world_actors(sealed) == {None}
    assert '"city":[null,"Köln"]' in str(log_of(sealed))
    assert verified(sealed).findings == ()


def test_an_author_can_be_erased_from_deletions_of_what_they_have_made(sealed: World) -> None:
    anna, ben = sealed.users["anna"], sealed.users["ben"]
    for author in ("anna", "ben"):
        id_ = sealed.create("admin", "customer", {"name": "X"}, user=author)
        sealed.delete("admin", "customer", id_, user="ben")
    seal_all(sealed.database, ChainKeys(KEY))
    with sealed.database.begin() as connection:
        erase_actor(connection, anna)
    fields = [json.loads(row.fields) for row in log_of(sealed) if row.operation == "delete"]
    assert [each.get("created_by") for each in fields[-2:]] == [None, ben]
    assert verified(sealed).findings == ()


def test_what_is_erased_while_its_author_is_erased_does_not_come_back(sealed: World) -> None:
    id_ = log_of(sealed)[-1].record_id

    def author() -> None:
        with sealed.database.begin() as connection:
            erase_actor(connection, sealed.users["anna"])

    thread = threading.Thread(target=author, daemon=True)
    with sealed.database.begin() as connection:
        erase_record(connection, id_, ["city"])
        thread.start()
        thread.join(0.5)  # it has found the entries, and waits for this transaction
    thread.join(30)
    assert not thread.is_alive()
    assert "Köln" not in str(log_of(sealed, id_))
    assert world_actors(sealed) == {None}
    assert verified(sealed).findings == ()


def world_actors(world: World) -> set[str | None]:
    with world.database.read() as connection:
        return set(connection.scalars(select(CHANGE.c.actor)))


def test_what_was_erased_cannot_be_put_back(sealed: World) -> None:
    row = log_of(sealed)[-1]
    with sealed.database.begin() as connection:
        erase_record(connection, row.record_id, ["city"])
    mine = update(CHANGE).where(CHANGE.c.id == row.id)
    change(sealed, mine.values(fields='{"city":[null,"Rom"]}'))
    assert [each.what for each in verified(sealed).findings] == ["its entry 12 cannot be read"]
    change(sealed, mine.values(erased=row.erased, salt=row.salt))
    assert [each.what for each in verified(sealed).findings] == ["one of its entries was changed"]


def test_an_entry_that_commits_after_a_later_one_is_not_skipped(world: World) -> None:
    if world.database.is_sqlite:
        return  # one writes at a time
    first, second = (world.create("admin", "customer", {"name": name}) for name in "AB")
    keys = ChainKeys(KEY)
    with world.database.begin() as slow:
        world.records.update(slow, world.caller("admin"), "customer", first, {"city": "Köln"})
        world.update("admin", "customer", second, {"city": "Bonn"})
        assert seal_all(world.database, keys) == 5
    assert seal_all(world.database, keys) == 1
    late, early = log_of(world, first)[-1], log_of(world, second)[-1]
    assert (late.id < early.id, late.position, early.position) == (True, 6, 5)
    assert verified(world).findings == ()


def test_nothing_is_skipped_that_commits_late(world: World) -> None:
    """Two writers and one that seals all the time: each entry is in the chain once, each record's in its order."""
    keys, failures = ChainKeys(KEY), []
    ids = [world.create("admin", "customer", {"name": f"A{number}"}) for number in range(2)]

    def write(id_: str) -> None:
        try:
            for _ in range(15):
                with world.database.begin() as connection:
                    caller = world.caller("admin")
                    world.records.update(connection, caller, "customer", id_, {"city": "Köln"})
        except Exception as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(id_,), daemon=True) for id_ in ids]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        seal(world.database, keys)
    for writer in writers:
        writer.join(30)
    seal_all(world.database, keys)
    rows = sorted(log_of(world), key=lambda row: row.position)
    assert failures == []
    assert [row.position for row in rows] == list(range(1, 35))
    for id_ in ids:
        assert [row.version for row in rows if row.record_id == id_] == list(range(1, 17))
    assert verified(world).findings == ()
