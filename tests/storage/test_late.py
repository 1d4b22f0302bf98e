"""One timer for many works: each that is still there when its time is over is told so once."""

import asyncio

from xrm_core.storage.late import Late


class Told:
    """Works of which somebody was told that they are late."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self.works = Late(0.05, self._queue.put_nowait)

    async def next(self) -> str:
        """The next of them."""
        return await asyncio.wait_for(self._queue.get(), 20)

    async def is_all(self) -> bool:
        """Whether there are no others, also some time later."""
        await asyncio.sleep(0.2)
        return self._queue.empty()


async def test_only_what_is_still_there_is_late() -> None:
    told = Told()

    told.works.add("short")
    told.works.add("long")
    told.works.remove("short")
    first = await told.next()
    told.works.add("later")
    told.works.add("ended")
    told.works.remove("ended")
    second = await told.next()

    assert (first, second) == ("long", "later")
    assert await told.is_all()


async def test_it_begins_again_after_a_rest() -> None:
    told = Told()

    told.works.add("before")
    told.works.remove("before")
    assert await told.is_all()
    told.works.add("after")

    assert await told.next() == "after"


async def test_what_was_removed_twice_or_never_added_does_no_harm() -> None:
    told = Told()

    told.works.remove("never")
    told.works.add("once")
    told.works.remove("once")
    told.works.remove("once")

    assert await told.is_all()
