"""One timer for many works: each that is still there when its time is over is told so once."""

import asyncio

from xrm_core.storage.late import Late


async def test_only_what_is_still_there_is_late() -> None:
    late: list[str] = []
    works: Late[str] = Late(0.05, late.append)

    works.add("short")
    works.add("long")
    works.remove("short")
    await asyncio.sleep(0.02)
    works.add("later")
    await asyncio.sleep(0.045)
    first = list(late)
    await asyncio.sleep(0.05)

    assert first == ["long"]
    assert late == ["long", "later"]


async def test_it_begins_again_after_a_rest() -> None:
    late: list[str] = []
    works: Late[str] = Late(0.02, late.append)

    works.add("before")
    works.remove("before")
    await asyncio.sleep(0.05)
    works.add("after")
    await asyncio.sleep(0.05)

    assert late == ["after"]


async def test_what_was_removed_twice_or_never_added_does_no_harm() -> None:
    late: list[str] = []
    works: Late[str] = Late(0.02, late.append)

    works.remove("never")
    works.add("once")
    works.remove("once")
    works.remove("once")
    await asyncio.sleep(0.04)

    assert late == []
