"""Many write at once, commit late or not at all, and a reader reads all the while: it is told of each change that was
committed, once, those of a record in their order, and of nothing else.
"""

import random
import threading
import time
from contextlib import suppress

import pytest

from tests.events.kit import Notebook, ReaderWorld, working
from tests.query.examples import NIGHT

WRITERS = 8
CHANGES = 100_000 if NIGHT else 4_000
"""Of all writers together, about."""

LATEST_SECONDS = 0.2 if NIGHT else 0.02
"""How long a writer may think before it commits."""

PATIENCE = 600.0


class _TakenBackError(Exception):
    """As where something else of the transaction fails."""


def write(world: ReaderWorld, committed: list[tuple[str, int]], failures: list[BaseException]) -> None:
    mine: dict[str, int] = {}
    caller, records = world.world.caller("admin"), world.world.records
    count = 0
    try:
        while count < CHANGES // WRITERS:
            told: list[tuple[str, int]] = []
            with suppress(_TakenBackError), world.database.begin() as connection:
                for _ in range(random.choice([1, 1, 5, 50])):
                    if mine and random.random() < 0.7:
                        id_ = random.choice(sorted(mine)[-20:])
                        version = dict(told).get(id_, mine[id_])
                        records.update(connection, caller, "customer", id_, {"city": f"C{random.random()}"})
                        told.append((id_, version + 1))
                    else:
                        new = records.create(connection, caller, "customer", {"name": f"{random.getrandbits(60):x}"})
                        told.append((new, 1))
                if not world.database.is_sqlite:  # there one writes at a time
                    time.sleep(random.random() * LATEST_SECONDS)
                if random.random() < 0.1:
                    told.clear()
                    raise _TakenBackError
            committed += told
            mine |= dict(told)
            count += len(told)
    except BaseException as error:
        failures.append(error)


@pytest.mark.slow
def test_each_change_is_told_however_late_it_is_committed(world: ReaderWorld) -> None:
    # given a reader that reads while many write
    world.begin()
    reader, failures = Notebook(), list[BaseException]()
    committed: list[list[tuple[str, int]]] = [[] for _ in range(WRITERS)]
    threads = [threading.Thread(target=write, args=(world, each, failures), daemon=True) for each in committed]
    with working(world, reader):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        assert failures == []
        wanted = [each for of_one in committed for each in of_one]
        # when all have committed
        until, last = time.monotonic() + PATIENCE, 0
        while len(reader.got) < len(wanted):
            if len(reader.got) - last > CHANGES // 100:  # as long as it gets on
                until, last = time.monotonic() + PATIENCE, len(reader.got)
            assert time.monotonic() < until, f"{len(reader.got)} of {len(wanted)}"
            time.sleep(0.1)
    # then it was told of each, and of nothing that was taken back
    assert len(wanted) >= CHANGES * 0.9
    assert sorted(reader.told) == sorted(wanted)
    seen: dict[str, int] = {}
    for id_, version in reader.told:
        assert version == seen.get(id_, 0) + 1
        seen[id_] = version
