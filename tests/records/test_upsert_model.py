"""Random upserts, one and many, against a dict: values, versions, and what was created."""

import random
from typing import Any

import pytest

from tests.records.conftest import wipe
from tests.records.kit import World, build
from xrm_core.storage.engines import Database

BATCHES, NUMBERS = 40, 7


@pytest.fixture(scope="module")
def made(database_of_module: Database, tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(database_of_module, tmp_path_factory.mktemp("world"))


@pytest.mark.parametrize("seed", [1, 2])
def test_random_upserts_are_those_of_a_dict(made: World, seed: int) -> None:
    world, chance = wipe(made), random.Random(seed)
    known: dict[str, dict[str, Any]] = {}
    for batch in range(BATCHES):
        rows = [values(chance) for _ in range(chance.choice((1, 1, 3, 6)))]
        expected: list[tuple[bool | None, dict[str, Any] | None]] = []
        seen: set[str] = set()
        for row in rows:
            number = row["number"]
            new = number not in known
            if number in seen or len(row.get("name") or known.get(number, {}).get("name", "")) not in range(1, 21):
                expected.append((None, None))
                seen |= {number}
                continue
            seen.add(number)
            before = known.get(number, {"status": "lead", "city": None, "version": 0})
            after = {**before, **row}
            known[number] = {**after, "version": before["version"] + (after != before)}
            expected.append((new, known[number]))
        with world.database.begin() as connection:
            call = (connection, world.caller("admin"), "customer", ("number",))
            if len(rows) == 1 and expected[0][0] is not None:
                found = [world.records.upsert(*call, rows[0])]
            else:
                outcome = world.records.upsert_bulk(*call, rows, skip=True)
                found = [(str(id_), place in outcome.created) for place, id_ in enumerate(outcome.ids)]
                assert set(outcome.errors) == {place for place, (new, _) in enumerate(expected) if new is None}, batch
        for (id_, created), (new, record) in zip(found, expected, strict=True):
            if record is not None and new is not None:
                stored = world.stored("customer", id_) or {}
                assert created == new, batch
                assert {name: stored[name] for name in record} == record, batch


def values(chance: random.Random) -> dict[str, Any]:
    """Some values of one of few records; some have no name, and some too long a one."""
    found: dict[str, Any] = {"number": str(chance.randrange(NUMBERS))}
    if chance.random() < 0.7:
        found["name"] = f"N{found['number']}" + "x" * chance.choice((0, 1, 1, 30))
    if chance.random() < 0.5:
        found["city"] = chance.choice(("Ulm", "Bonn", None))
    if chance.random() < 0.3:
        found["status"] = chance.choice(("lead", "active"))
    return found
