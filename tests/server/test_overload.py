"""A database that does not get on, and far more readers than it has connections.

Who comes too late is told so soon, health answers all the while, and all is as before when it gets on again.
"""

import asyncio
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.server.live_kit import install
from xrm_core.storage import pq_pool, pq_reader
from xrm_core.storage.engines import Database

READERS = 200
QUERY = {"query": "{ products { nodes { name } } }"}


async def test_readers_that_wait_hold_up_neither_health_nor_each_other_for_ever(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pq_pool, "WAIT_SECONDS", 1.0)
    shop = install(postgres_url, tmp_path)
    async with shop.server() as server:
        headers = {"Authorization": f"Bearer {server.token}"}

        async def read() -> tuple[int, str | None, float]:
            began = time.monotonic()
            answer = await server.http.post("/graphql", json=QUERY, headers=headers, timeout=30)
            return answer.status_code, answer.headers.get("retry-after"), time.monotonic() - began

        async def health(path: str) -> float:
            began = time.monotonic()
            assert (await server.http.get(path, timeout=30)).status_code == 200
            return time.monotonic() - began

        assert (await read())[0] == 200
        with closing(Database(postgres_url)) as other, other.begin() as holder:
            # given somebody who lets nobody read
            holder.exec_driver_sql("LOCK TABLE product IN ACCESS EXCLUSIVE MODE")
            # when many want to
            readers = [asyncio.create_task(read()) for _ in range(READERS)]
            await asyncio.sleep(0.3)
            lanes = [await health(path) for path in ("/health/live", "/health/ready", "/auth/providers") * 3]
            refused = []
            for each in asyncio.as_completed(readers, timeout=20):
                refused.append(await each)
                if len(refused) == READERS - pq_reader.MAX_CONNECTIONS:
                    break
        # then those that got no connection were told so, in time, and those that had one were answered
        answers = await asyncio.gather(*readers)
        assert {status for status, _, _ in answers} == {200, 503}
        assert sum(status == 200 for status, _, _ in answers) == pq_reader.MAX_CONNECTIONS
        assert all((status, after) == (503, "1") and took < 5 for status, after, took in refused)
        assert sorted(lanes)[len(lanes) // 2] < 0.2
        # and all is as it was
        again = await asyncio.gather(*(read() for _ in range(30)))
        assert {status for status, _, _ in again} == {200}
