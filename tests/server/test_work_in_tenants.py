"""What a server does in all of its tenants beside the requests."""

import asyncio
from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import pytest

from xrm_core.server.tenants import Tenants


@pytest.mark.parametrize("at_a_time", [1, 3])
async def test_it_is_done_in_so_many_at_a_time_and_a_slow_one_holds_up_no_other(at_a_time: int) -> None:
    tenants: Any = Tenants.__new__(Tenants)
    tenants._open = OrderedDict((name, SimpleNamespace(name=name, busy=0)) for name in "abcdefgh")
    may_end, begun, most = asyncio.Event(), [], 0

    async def work(site: Any) -> None:
        nonlocal most
        assert site.busy == 1  # it stays open meanwhile
        begun.append(site.name)
        most = max(most, sum(each.busy for each in tenants._open.values()))
        if site.name == "a":
            await may_end.wait()
        await asyncio.sleep(0)

    doing = asyncio.create_task(tenants.do_in_all(work, at_a_time))
    for _ in range(100):
        await asyncio.sleep(0)
    assert begun == (["a"] if at_a_time == 1 else list("abcdefgh"))
    may_end.set()
    await asyncio.wait_for(doing, 5)
    assert sorted(begun) == list("abcdefgh")
    assert most == at_a_time
    assert all(each.busy == 0 for each in tenants._open.values())
