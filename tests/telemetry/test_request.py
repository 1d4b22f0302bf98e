"""The id of a request: whose it is, what form it may have, and that threads know it."""

import asyncio
import re
import threading
from collections.abc import Iterator

import pytest

from xrm_core.telemetry.request import REQUEST, RequestRecord, id_of, request_id
from xrm_core.telemetry.threads import ThreadPool

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
MADE = re.compile(rb"[0-9a-f]{32,}")


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    made = ThreadPool(1, "test")
    yield made
    made.shutdown(wait=False, cancel_futures=True)


@pytest.mark.parametrize("given", ["8f3a2b1c", "A.b-c_d.0123", "x" * 64])
def test_an_id_in_safe_form_is_taken(given: str) -> None:
    assert id_of([(b"x-request-id", given.encode())]) == given.encode()


@pytest.mark.parametrize(
    "given",
    [
        "",
        "short",
        "x" * 65,
        "with blank",
        "line\nbreak",
        "eva@example.com",
        "ä" * 10,
        '"}{"a":1}',
        "-leading-dash",
        "xrm_" + "a" * 40,
    ],
)
def test_any_other_id_is_replaced(given: str) -> None:
    found = id_of([(b"x-request-id", given.encode())])

    assert MADE.fullmatch(found)
    assert found != id_of([(b"x-request-id", given.encode())])


def test_without_one_the_trace_is_the_id() -> None:
    assert id_of([(b"traceparent", PARENT.encode())]) == TRACE.encode()
    assert id_of([(b"traceparent", PARENT.encode()), (b"x-request-id", b"12345678")]) == b"12345678"
    for wrong in (PARENT.upper(), PARENT[:-1], f"ff{PARENT[2:]}", PARENT.replace(TRACE, "0" * 32), PARENT + "x"):
        assert id_of([(b"traceparent", wrong.encode())]) != TRACE.encode()


async def test_a_thread_knows_for_which_request_it_works(pool: ThreadPool) -> None:
    async def one(name: str) -> tuple[str, str]:
        REQUEST.set(RequestRecord(name.encode()))
        return name, await asyncio.get_running_loop().run_in_executor(pool, request_id)

    found = await asyncio.gather(*(one(f"request {number}") for number in range(5)))

    assert all(name == seen for name, seen in found)
    assert REQUEST.get() is None


def test_a_pool_counts_what_works_and_what_waits(pool: ThreadPool) -> None:
    go, began = threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        go.wait(10)

    jobs = [pool.submit(work) for _ in range(3)]
    assert began.wait(10)
    assert (pool.busy, pool.waiting) == (1, 2)

    assert jobs[2].cancel()
    assert pool.waiting == 1
    go.set()
    for job in jobs[:2]:
        job.result(10)
    pool.shutdown()
    assert (pool.busy, pool.waiting) == (0, 0)
    with pytest.raises(RuntimeError):
        pool.submit(work)
    assert pool.waiting == 0
