"""A name whose servers do not answer takes no longer than any other request, and no thread for each that asks."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.outgoing.test_client import code
from xrm_core.outgoing import Outgoing, names
from xrm_core.outgoing.names import Lookups


class Slow:
    """Answers nothing before it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        self.let.wait(20)
        return ["8.8.8.8"]


@pytest.fixture
def slow() -> Iterator[Slow]:
    found = Slow()
    try:
        yield found
    finally:
        found.let.set()


def test_a_lookup_is_within_the_time_of_the_request(slow: Slow) -> None:
    began = time.monotonic()
    assert code(Outgoing(seconds=0.2, resolve=slow), "https://slow.example/") == "TIMED_OUT"
    assert time.monotonic() - began < 5


def test_whoever_asks_for_a_name_that_is_asked_for_waits_along(slow: Slow) -> None:
    lookups = Lookups(slow)
    found: list[Sequence[str] | None] = []
    threads = [
        threading.Thread(target=lambda: found.append(lookups.look_up("a.example", 443, 20)), daemon=True)
        for _ in range(5)
    ]
    for each in threads:
        each.start()
    until(lambda: sum(map(len, lookups._under_way.values())) == 5)
    slow.let.set()
    for each in threads:
        each.join(20)
    assert (found, slow.asked) == ([["8.8.8.8"]] * 5, ["a.example"])


def test_only_so_many_names_are_looked_up_at_a_time(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "MOST", 2)
    lookups = Lookups(slow)
    assert [lookups.look_up(f"{name}.example", 443, 0.05) for name in "abc"] == [None] * 3
    assert sorted(slow.asked) == ["a.example", "b.example"]
    slow.let.set()
    until(lambda: not lookups._under_way)
    assert lookups.look_up("c.example", 443, 20) == ["8.8.8.8"]


def test_slow_names_of_one_tenant_leave_others_theirs(slow: Slow) -> None:
    def resolve(host: str, port: int) -> Sequence[str]:
        return slow(host, port) if host.startswith("slow") else ["8.8.8.8"]

    lookups = Lookups(resolve)
    for number in range(names.MOST_OF_ONE):
        assert lookups.look_up(f"slow{number}.example", 443, 0.01, "a") is None
    assert lookups.look_up("quick.example", 443, 20, "a") is None  # all its own are under way
    assert lookups.look_up("quick.example", 443, 20, "b") == ["8.8.8.8"]
    slow.let.set()
    until(lambda: not lookups._under_way)
    assert lookups.look_up("quick.example", 443, 20, "a") == ["8.8.8.8"]


def test_a_name_for_which_there_was_no_thread_is_looked_up_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    lookups = Lookups(lambda _host, _port: ["8.8.8.8"])
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        assert lookups.look_up("a.example", 443, 0.05) is None
    assert lookups.look_up("a.example", 443, 20) == ["8.8.8.8"]


def test_a_resolver_that_fails_has_found_nothing() -> None:
    assert code(Outgoing(resolve=lambda _host, _port: []), "https://x.example/") == "NAME_UNKNOWN"
    assert names.resolved("a" * 300, 443) == []


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)
