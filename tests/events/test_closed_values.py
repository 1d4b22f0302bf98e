"""Readers of the log open what they look at, and nothing else: each use of a key is counted, and what left is read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.events.kit import ReaderWorld, working
from tests.events.test_listeners import listening
from tests.events.test_readers import until
from tests.events.webhook_kit import Hooks
from xrm_core.api import On, RecordEvent
from xrm_core.changes import closing, opening, reading
from xrm_core.changes.erasing import erase_record
from xrm_core.changes.sealing import seal_all
from xrm_core.metadata.in_log import InLog
from xrm_core.sealed.errors import SealingUnavailable
from xrm_core.sealed.key_store import KeyStore

RULES = {"customer": {name: InLog("sealed", name) for name in ("name", "city", "email", "status")}}


class Counting(KeyStore):
    """Counts looks, and the keys that were asked for; ``away``: it does not answer."""

    looks: list[int]
    away = False

    def by_ids(self, tenant: str, ids: Any, **more: Any) -> Any:
        if self.away:
            raise SealingUnavailable("It is away.")
        self.looks.append(len(set(ids)))
        return super().by_ids(tenant, ids, **more)


@pytest.fixture
def store(world: ReaderWorld, tmp_path: Path) -> Iterator[Counting]:
    found = Counting(f"sqlite:///{tmp_path / 'keys.db'}", "s" * 40)
    found.looks = []
    opening.remember(world.database.engine, found)
    closing.close_all(world.database, found, RULES)  # what other tests have written, by keys that go with this one
    yield found
    found.close()


def close(world: ReaderWorld, store: KeyStore) -> None:
    seal_all(world.database, world.keys)
    assert closing.close_all(world.database, store, RULES) > 0


def changed(world: ReaderWorld, **values: str) -> str:
    """A customer from Ulm, changed once."""
    one = world.world.create(
        "admin", "customer", {"name": f"Ada {uuid4().hex[:8]}", "city": "Ulm", "email": "ada@example.com"}
    )
    world.world.update("admin", "customer", one, values)
    return one


def test_who_asks_for_no_values_opens_none_and_needs_no_key_store(world: ReaderWorld, store: Counting) -> None:
    # given a listener that looks at the names of what has changed
    heard: list[Any] = []

    def told(entity: str, event: RecordEvent) -> None:
        heard.append((event.operation, "city" in event.changes, sorted(event.changes)))

    reader = listening(world, after_record_create=told, after_record_update=told, after_record_delete=told)
    one = changed(world, city="Bonn")
    world.world.delete("admin", "customer", one)
    close(world, store)
    store.away = True

    # when
    world.read(reader)

    # then
    assert [(operation, city) for operation, city, _ in heard] == [("create", True), ("update", True), ("delete", True)]
    assert heard[1][2] == ["city"]
    assert store.looks == []


def test_of_what_is_asked_for_alone_keys_are_used(world: ReaderWorld, store: Counting) -> None:
    # given one that is told of cities
    heard: list[Any] = []
    on = On("customer", ("create", "update"), fields=("city",), after=lambda event: heard.append(event.changes["city"]))
    reader = listening(world, register_record_hooks=lambda: [on])
    changed(world, city="Bonn", email="a@example.com")
    changed(world, email="b@example.com")  # not of the city: nothing of it is opened
    close(world, store)

    # when
    world.read(reader)

    # then
    assert heard == [(None, "Ulm"), ("Ulm", "Bonn"), (None, "Ulm")]
    assert store.looks == [1, 1, 1]


def test_who_takes_all_values_has_them_by_one_look(world: ReaderWorld, store: Counting) -> None:
    heard: list[Any] = []
    reader = listening(
        world,
        after_record_create=lambda record: heard.append(record),
        after_record_update=lambda changes, event: heard.append((changes, dict(event.changes.items()))),
    )
    one = changed(world, city="Bonn", email="a@example.com")
    close(world, store)
    world.read(reader)
    pairs = {"city": ("Ulm", "Bonn"), "email": ("ada@example.com", "a@example.com")}
    assert heard[0].items() >= {"id": one, "city": "Ulm", "status": "lead"}.items()
    assert heard[1] == (pairs, pairs)
    assert store.looks == [4, 2]  # the name, status, city and address of a creation; the two that were changed


def test_while_the_key_store_is_away_who_needs_it_waits_and_nothing_is_dead(
    world: ReaderWorld, store: Counting
) -> None:
    # given
    heard: list[Any] = []
    reader = listening(world, after_record_update=lambda changes: heard.append(changes))
    changed(world, city="Bonn")
    close(world, store)
    store.away = True

    # when
    world.read(reader)

    # then the reader waits, not the entry
    state = world.state(reader.name)
    assert (heard, state.error, state.waiting, state.dead) == ([], "SEALING_UNAVAILABLE", 0, 0)

    # and goes on
    store.away = False
    world.read(reader)
    assert heard == [{"city": ("Ulm", "Bonn")}]


def test_a_worker_that_looks_whom_entries_are_for_opens_none(world: ReaderWorld, store: Counting) -> None:
    # given
    heard: list[str] = []
    reader = listening(world, after_record_delete=lambda event: heard.append(event.record_id))
    one = changed(world, city="Bonn")
    world.world.delete("admin", "customer", one)
    close(world, store)
    store.away = True

    # when
    with working(world, reader):
        until(lambda: heard == [one])

    # then how far it is takes no key either
    assert world.state(reader.name).error is None


def test_a_webhook_opens_what_its_filter_asks_of_what_was(hooks: Hooks, store: Counting) -> None:
    # given one with a filter on a closed value, one with none
    hooks.make(filter={"status": {"eq": "active"}}, fields=("status",), name="active")
    world = hooks.world
    one = changed(world, status="active", city="Bonn")
    close(world, store)
    hooks.send()
    assert store.looks == []  # it is there, and seen as it is
    hooks.receiver.got.clear()

    # when it leaves the filter, and is deleted
    world.world.update("admin", "customer", one, {"status": "lead", "city": "Trier", "email": "x@example.com"})
    close(world, store)
    hooks.send()

    # then one value of the change was opened, and nothing of what is closed has left
    assert [each["type"] for each in hooks.events] == ["customer.removed"]
    assert store.looks == [1]
    assert not any(value in str(hooks.receiver.got) for value in ("Ulm", "Bonn", "Ada", "ada@", "xl1."))


def test_a_deletion_takes_keys_where_a_rule_asks_for_a_closed_value(hooks: Hooks, store: Counting) -> None:
    # given one that sees all, and one that is told of those in Ulm
    world = hooks.world
    hooks.make(name="all")
    one, other = changed(world, email="a@example.com"), changed(world, city="Bonn")
    hooks.send()
    for id_ in (one, other):
        world.world.delete("admin", "customer", id_)
    close(world, store)
    hooks.receiver.got.clear()
    store.away = True

    # when
    hooks.send()

    # then who needs no value is told while the key store is away
    assert [each["type"] for each in hooks.events] == ["customer.deleted", "customer.deleted"]
    assert (hooks.events[0]["data"]["record"], store.looks) == (None, [])

    # and who needs one waits for it, and is told once it is there
    hooks.receiver.got.clear()
    id_, _ = hooks.make(filter={"city": {"eq": "Ulm"}}, name="ulm")
    one, other = changed(world, email="a@example.com"), changed(world, city="Bonn")
    for each in (one, other):
        world.world.delete("admin", "customer", each)
    close(world, store)
    hooks.send()
    name = f"webhook:{id_}"
    assert world.state(name).error == "SEALING_UNAVAILABLE"
    store.away = False
    hooks.send()
    gone = [each["subject"] for each in hooks.events if each["type"] == "customer.deleted"]
    assert (gone.count(one), gone.count(other)) == (2, 1)
    assert set(store.looks) == {1}
    assert "Ulm" not in str(hooks.receiver.got)


def test_what_was_erased_since_it_was_read_is_not_opened(world: ReaderWorld, store: Counting) -> None:
    # given an entry that was read
    one = changed(world, city="Bonn")
    close(world, store)
    with world.database.read() as connection:
        [entry] = [each for each in reading.logged(connection, record_id=one, opens=()) if each.operation == "update"]
    assert (entry.closed, repr(entry.fields["city"])) == ({"city"}, "CLOSED")

    # when it is erased
    with world.database.begin() as connection:
        erase_record(connection, one, frozenset({"city"}))

    # then
    with world.database.read() as connection:
        [now] = reading.opened(connection, [entry])
    assert (dict(now.fields), now.closed, store.looks) == ({}, frozenset(), [])
