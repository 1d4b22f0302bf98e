"""Work in threads of its own: tenants take turns, and nothing gets lost on the way."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from xrm_core.errors import Busy
from xrm_core.server.apart import Apart


class Gate:
    """Holds up the threads until it is opened; notes in which order the rest was done."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.done: list[str] = []

    def hold(self) -> None:
        assert self.open.wait(10)

    def note(self, what: str) -> str:
        self.done.append(what)
        return what


@pytest.fixture
async def gate() -> AsyncIterator[Gate]:
    made = Gate()
    yield made
    made.open.set()


@pytest.fixture
async def apart(gate: Gate) -> AsyncIterator[Apart]:
    made = Apart("test", 1, 5, "Too much waits.")
    yield made
    gate.open.set()
    made.close()


async def begun(apart: Apart, gate: Gate) -> asyncio.Task[None]:
    """Something that has the only thread."""
    task = asyncio.create_task(apart("loud", gate.hold))
    await asyncio.sleep(0)
    return task


async def waiting(apart: Apart, gate: Gate, tenant: str, count: int) -> list[asyncio.Task[str]]:
    tasks = [asyncio.create_task(apart(tenant, gate.note, f"{tenant} {number}")) for number in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_tenants_take_turns(apart: Apart, gate: Gate) -> None:
    # given one tenant that has a lot waiting, and others that come later with a little
    tasks = [await begun(apart, gate), *await waiting(apart, gate, "loud", 5)]
    tasks += [*await waiting(apart, gate, "quiet", 2), *await waiting(apart, gate, "shy", 1)]
    # when the thread gets free
    gate.open.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 10)
    # then none of them waits for all of the first
    assert gate.done == ["loud 0", "quiet 0", "shy 0", "loud 1", "quiet 1", "loud 2", "loud 3", "loud 4"]


async def test_who_has_too_much_waiting_is_refused_and_nobody_else(apart: Apart, gate: Gate) -> None:
    tasks = [await begun(apart, gate), *await waiting(apart, gate, "loud", 5)]
    with pytest.raises(Busy, match="Too much waits"):
        await apart("loud", gate.note, "one too many")
    tasks += await waiting(apart, gate, "quiet", 1)
    gate.open.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 10)
    assert "quiet 0" in gate.done
    assert "one too many" not in gate.done
    # and afterwards there is room again
    assert await apart("loud", gate.note, "now") == "now"


async def test_who_has_gone_keeps_no_thread(apart: Apart, gate: Gate) -> None:
    # given some that go while they wait, and one that goes while its work is done
    first = await begun(apart, gate)
    gone = await waiting(apart, gate, "loud", 3)
    for each in gone[:2]:
        each.cancel()
    first.cancel()
    await asyncio.sleep(0)
    assert not gone[2].done()  # the thread is still busy with what nobody waits for
    # when that has ended
    gate.open.set()
    # then the rest is done, and all threads are free
    assert await asyncio.wait_for(gone[2], 10) == "loud 2"
    assert await asyncio.wait_for(apart("quiet", gate.note, "quiet"), 10) == "quiet"
    assert gate.done == ["loud 2", "quiet"]


async def test_a_turn_that_comes_to_who_has_just_gone_goes_on(apart: Apart, gate: Gate) -> None:
    first = await begun(apart, gate)
    [gone, stays] = await waiting(apart, gate, "loud", 2)
    gate.open.set()
    await first
    gone.cancel()  # in the same round in which it may have got the thread
    assert await asyncio.wait_for(stays, 10) == "loud 1"
    assert await asyncio.wait_for(apart("loud", gate.note, "more"), 10) == "more"


async def test_what_goes_wrong_comes_to_who_asked_and_frees_the_thread(apart: Apart, gate: Gate) -> None:
    def fail() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await apart("loud", fail)
    assert await asyncio.wait_for(apart("loud", gate.note, "right"), 10) == "right"
