"""Workers let readers read: soon, each by one of them, and after another worker was killed."""

import random
import signal
import textwrap
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.events.kit import Notebook, ReaderWorld, working
from tests.nursed import run
from xrm_core.changes.reading import LoggedChange
from xrm_core.events import cursors
from xrm_core.events.consumer import EntryFailed, Patience
from xrm_core.events.lanes import Wanted, deliver


def until(condition: Callable[[], Any], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def test_what_is_written_is_sealed_and_read_at_once(world: ReaderWorld) -> None:
    reader, other = Notebook(), Notebook("other", entity="nothing")
    with working(world, reader, other):
        until(lambda: world.has("other"))
        one = world.customer("A", updates=2)
        until(lambda: len(reader.got) == 3)
        until(lambda: world.state("other").lag_entries == 0)  # though nothing was for it
    assert reader.told == [(one, 1), (one, 2), (one, 3)]
    assert world.state().worker is None


def test_a_reader_that_fails_holds_up_no_other(world: ReaderWorld) -> None:
    def fail(_entry: LoggedChange) -> None:
        raise EntryFailed("NO")

    bad, good = Notebook("bad", fails=fail), Notebook("good")
    world.begin("bad", "good")
    with working(world, bad, good):
        one = world.customer("A")
        until(lambda: good.told == [(one, 1)] and world.state("bad").waiting == 1)


def test_several_workers_and_writers_lose_nothing_and_keep_the_order(world: ReaderWorld) -> None:
    lucky = random.Random(1)

    def fail(_entry: LoggedChange) -> None:
        if lucky.random() < 0.1:
            raise EntryFailed("BAD_LUCK", 0.01)

    reader = Notebook(patience=Patience(50, 0.01), fails=fail)
    world.begin()
    records: list[str] = []

    def write() -> None:
        records.append(world.customer("W", updates=6))

    with working(world, reader), working(world, reader), working(world, reader):
        writers = [threading.Thread(target=write, daemon=True) for _ in range(6)]
        for each in writers:
            each.start()
        for each in writers:
            each.join(60)
        until(lambda: len(set(reader.told)) == 6 * 7)
        until(lambda: world.state().lag_entries == 0)
    versions = defaultdict(list)
    for record, version in reader.told:
        versions[record].append(version)
    assert dict(versions) == {each: list(range(1, 8)) for each in records}  # nobody was killed, so none came twice


def test_a_worker_that_shows_no_sign_of_life_loses_its_reader(world: ReaderWorld) -> None:
    world.begin()
    lost = world.write(cursors.claim, "test", "dead")
    one = world.customer("A")
    reader = Notebook()
    with working(world, reader, lease_seconds=0.2):
        until(lambda: reader.told == [(one, 1)])
    with pytest.raises(cursors.LeaseLost):
        world.write(cursors.beat, lost)


def test_a_slow_delivery_keeps_its_reader(world: ReaderWorld) -> None:
    world.begin()
    reader = Notebook(fails=lambda _entry: time.sleep(0.8))
    with working(world, reader, lease_seconds=0.3), working(world, reader, lease_seconds=0.3):
        one = world.customer("A")
        until(lambda: reader.told)
        until(lambda: world.state().lag_entries == 0)
    assert reader.told == [(one, 1)]


def test_a_killed_worker_loses_nothing_and_repeats_one_at_most(world: ReaderWorld, tmp_path: Path) -> None:
    world.begin()
    one = world.customer("A", updates=9)
    told = tmp_path / "told"
    program = textwrap.dedent(
        """
        import os, signal, sys
        from tests.events.kit import Notebook, ReaderWorld, working
        from tests.events.test_readers import until
        from tests.jobs.kit import *
        from xrm_core.changes.keys import ChainKeys
        from xrm_core.events.readers import Readers
        from xrm_core.jobs.place import Place
        from xrm_core.plugins import Plugins
        from xrm_core.storage.engines import Database

        def tell(entry):
            with open(sys.argv[2], "a") as file:
                file.write(f"{entry.version}\\n")
            if entry.version == 4 and sys.argv[3] == "kill":
                os.kill(os.getpid(), signal.SIGKILL)  # it is delivered, and not noted

        world = ReaderWorld(None, Place("", Database(sys.argv[1]), Plugins()))
        reader = Notebook(fails=tell)
        readers = world.readers(reader, lease_seconds=0.3)
        until(lambda: readers.visit(world.place) and False or len(reader.got) >= 7)
        readers.stop(5)
        """
    )
    url = world.database.url.render_as_string(hide_password=False)
    if world.database.schema:
        url += f"?schema={world.database.schema}"
    for what, code in (("kill", -signal.SIGKILL), ("live", 0)):
        ended = run(program, url, str(told), what, timeout=60)
        assert ended.returncode == code, ended.stderr
    assert [int(line) for line in told.read_text().split()] == [1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10]
    assert world.world.stored("customer", one) is not None
    assert world.state().lag_entries == 0


@pytest.mark.parametrize("there_are", [0, 2])
def test_records_for_which_there_is_no_thread_go_by_those_there_are(
    there_are: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, told = threading.Thread.start, []
    left = iter(range(there_are))

    def start_some(thread: threading.Thread) -> None:
        if next(left, None) is None:
            raise RuntimeError("can't start new thread")
        start(thread)

    def wanted(position: int) -> Wanted:
        entry = LoggedChange(position, position, "", "customer", str(position), "create", 1, None, (), {}, ())
        return entry, 1, lambda _attempt: told.append(position) or (lambda _connection: None)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start_some)
        outcome = deliver([wanted(position) for position in range(1, 9)], 8, lambda: False, ())
    assert sorted(told) == sorted(outcome.notes) == list(range(1, 9))
