"""Merges of the same records at the same time: each has an answer, and no reference is lost."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.records.kit import World
from tests.records.merge_world import built, customers, ids_of, merged
from xrm_core.errors import Busy, NotFound, ValidationFailed
from xrm_core.storage.engines import Database

_SECONDS = 60


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return built(database, tmp_path)


def together(*works: Callable[[], Any]) -> list[Any]:
    """What each of these answers, or the error that it raises; all of them begin at the same moment."""
    found: list[Any] = [TimeoutError()] * len(works)
    begin = threading.Barrier(len(works))

    def run(place: int, work: Callable[[], Any]) -> None:
        try:
            begin.wait(_SECONDS)
            found[place] = work()
        except Exception as error:
            found[place] = error

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(works)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(_SECONDS)
    return found


def contacts_of(world: World) -> list[str]:
    return [(world.stored("contact", each) or {})["customer"] for each in sorted(ids_of(world, "contact"))]


def test_each_into_the_other(world: World) -> None:
    for _ in range(4):
        one, two = customers(world, "A", "B")
        contact = [world.create("admin", "contact", {"name": "c", "customer": each}) for each in (one, two)]
        done = together(lambda: merged(world, one, two), lambda: merged(world, two, one))  # noqa: B023 - run here
        [refused] = [each for each in done if isinstance(each, Exception)]
        stays, gone = (one, two) if done[1] is refused else (two, one)
        assert isinstance(refused, NotFound)
        assert refused.details == {"mergedInto": stays}
        assert (world.stored("customer", gone), world.stored("customer", stays) is None) == (None, False)
        assert {(world.stored("contact", each) or {})["customer"] for each in contact} == {stays}


def test_two_into_one_and_along_a_chain(world: World) -> None:
    stays, one, two, three = customers(world, "S", "A", "B", "C")
    for each in (one, one, two, three):
        world.create("admin", "contact", {"name": "c", "customer": each})
    done = together(lambda: merged(world, stays, one), lambda: merged(world, stays, two))
    assert [len(each) for each in done] == [1, 1]
    assert (world.stored("customer", stays) or {})["version"] == 3
    last, _ = together(lambda: merged(world, three, stays), lambda: merged(world, stays, three))
    end = stays if isinstance(last, Exception) else three
    assert contacts_of(world) == [end] * 4


def test_who_refers_to_it_meanwhile_is_moved_or_refused(world: World) -> None:
    stays, gone = customers(world, "S", "A")

    def refer() -> str:
        return world.create("admin", "contact", {"name": "c", "customer": gone})

    *made, moved = together(*[refer] * 6, lambda: merged(world, stays, gone))
    assert not isinstance(moved, Exception), moved
    kept = [each for each in made if isinstance(each, str)]
    assert {type(each) for each in made} <= {str, ValidationFailed}
    assert ids_of(world, "contact") == set(kept)
    assert contacts_of(world) == [stays] * len(kept)


def test_two_merges_with_records_between_them_end_and_lose_nothing(world: World) -> None:
    for _ in range(3):
        one, two, other, another = customers(world, "A", "B", "C", "D")
        contact = world.create("admin", "contact", {"name": "c", "customer": two, "former": another})
        ends = {"source": {"customer": two}, "target": {"customer": another}}
        rivals = world.create("admin", "competes_with", ends)
        pairs = [(one, two), (other, another)]
        done = together(*(partial(merged, world, *pair) for pair in pairs))
        for pair, each in zip(pairs, done, strict=True):
            if isinstance(each, Exception):  # each held what the other needed, and one had to give way
                assert isinstance(each, Busy)
                merged(world, *pair)
        record = world.stored("contact", contact) or {}
        assert (record["customer"], record["former"]) == (one, other)
        record = world.stored("competes_with", rivals) or {}
        assert (record["source"], record["target"]) == ({"customer": one}, {"customer": other})
