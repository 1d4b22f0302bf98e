"""Everything is killed at random, again and again, while clients write: what was acknowledged is there once, whoever
waits for changes has been told of each, and nobody had to mend anything.
"""

import json
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest
from sqlalchemy import select

from tests.outgoing.receiver import Handler, Receiver, receiving
from tests.query.examples import NIGHT
from tests.server.crash_follower import Follower
from tests.server.crash_world import PATIENCE, Site, Writer, make_plugin
from tests.server.live_kit import install
from tests.server.own_postgres import OwnPostgres, own_postgres
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.engines import Database
from xrm_core.storage.job_tables import JOB

pytestmark = pytest.mark.slow
KILLS = 40 if NIGHT else 6
"""Of each kind; by night it takes a quarter of an hour."""
WRITERS = 4
MOST_BACK = 30.0
"""Seconds by which all clocks are set back at once: what is due waits so much longer, and no more than that."""


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, OwnPostgres | None]]:
    """The URL of an empty database; and the PostgreSQL, if it is one."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'shop.db'}", None
        return
    request.getfixturevalue("postgres_server")  # skips where PostgreSQL is off
    with own_postgres() as own, own.database() as url:
        yield url, own


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_everything_is_killed_again_and_again(database: tuple[str, OwnPostgres | None], tmp_path: Path) -> None:
    url, own = database
    with ExitStack() as stack:
        taken: list[bytes] = []  # what the receiver has acknowledged
        receiver = stack.enter_context(receiving(partial(sometimes, taken)))
        site = Site(install(url, tmp_path), tmp_path, url, make_plugin(tmp_path / "plugin"))
        stack.callback(site.stop, SIGKILL)
        for number in range(2 if own else 1):
            site.server(number)
        for number in range(2):
            site.worker(number)
        where = ("--schemas", str(site.shop.pack.folder))
        site.xrm("webhooks", "create", "crash", "--url", receiver.url, "--entity", "product", "--role", "admin", *where)
        until(lambda: "plugin:crash" in site.xrm("log", "readers"), "the listener does not begin")

        # when clients write, and whatever they need is killed
        ended = threading.Event()
        writers = [Writer(site, ended) for _ in range(WRITERS)]
        threads = [threading.Thread(target=each.run, daemon=True) for each in writers]
        unfollowed = threading.Event()
        stack.callback(unfollowed.set)
        follower = Follower(site, unfollowed)
        follower.begin()
        for thread in [*threads, threading.Thread(target=follower.run, daemon=True)]:
            thread.start()
        kills = Counter(chaos(site, own, url))
        ended.set()
        for thread in threads:
            thread.join(PATIENCE + 30)
        assert [each.wrong for each in writers] == [[]] * WRITERS
        assert not any(thread.is_alive() for thread in threads)
        with closing(Database(url)) as opened:
            there, _, _ = contents(opened)
        for each in writers:
            each.find_out(there)
        last = {id_: version for each in writers for id_, version in each.last.items()}
        known = {id_: what for each in writers for id_, what in each.known.items()}
        events = {(id_, n) for id_, version in last.items() for n in range(1, version + 1)}
        assert len(last) > 50
        assert sum(each.repeated for each in writers) > 0

        # then all that waits for changes comes to its end by itself
        until(lambda: set(site.heard()) >= events, "the listener was not told of all", lambda: len(set(site.heard())))
        # A webhook shows records as they are when it is sent: of those that are gone, only that may have been told.
        sure = {(id_, n) for id_, n in events if id_ in known or n == last[id_]}
        until(
            lambda: set(versions(list(taken))) >= sure,
            "the webhook was not told of all",
            lambda: len(set(versions(list(taken)))),
        )
        # A follower is told what has become of each; several changes may come as one.
        until(lambda: followed(follower, known), "the follower was not told of all", lambda: len(follower.told))
        unfollowed.set()
        assert follower.wrong == []
        assert follower.in_order
        assert set(follower.last) <= set(last)
        with closing(Database(url)) as opened:
            until(lambda: not unfinished(opened), "jobs are not done", lambda: -len(unfinished(opened)))
            stored, echoes, entries = contents(opened)
        # and everything is there once, and nothing else
        assert stored == known
        assert entries == {id_: list(range(1, version + 1)) for id_, version in last.items()}
        heard = [f"{id_} {version}" for id_, version in events]
        assert echoes == {"heard": Counter(heard), "greeted": Counter(list(last))}
        assert set(site.heard()) == events
        assert set(received(receiver)) <= events
        assert in_order(site.heard())
        assert in_order(each for each in received(receiver) if each[0] in known)
        assert "changes; head" in site.xrm("log", "verify", *where)
        assert site.xrm("log", "dead").strip() == ""
        site.stop()
    again, unsure = sum(each.repeated for each in writers), sum(len(each.unsure | each.open.keys()) for each in writers)
    print(f"{len(last)} records, {len(events)} changes, killed: {dict(kills)}, sent again: {again}, unsure: {unsure}")
    print(f"followed in {follower.connections} connections, {len(follower.told)} messages")
    if own is None:
        with closing(sqlite3.connect(tmp_path / "shop.db")) as file:
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def chaos(site: Site, own: OwnPostgres | None, url: str) -> Iterator[str]:
    """Kills again and again; says what."""
    kinds = ["server", "worker", *(["database", "connections"] if own else [])]
    others = ["clock", "clock", *(["restart", "restart"] if own else [])]
    for victim in random.sample([*kinds * KILLS, *others], KILLS * len(kinds) + len(others)):
        time.sleep(random.uniform(0.5, 3))
        yield victim
        match victim:
            case "server":
                number = random.randrange(len(site.servers))
                site.servers[number].stop(SIGKILL)
                time.sleep(random.uniform(0, 1))
                site.server(number)
            case "worker":
                number = random.randrange(len(site.workers))
                site.workers[number].stop(SIGKILL)
                time.sleep(random.uniform(0, 1))
                site.worker(number)
            case "connections" if own is not None:
                own.cut(url.rpartition("/")[2].partition("?")[0])
            case "database" if own is not None:
                own.kill()
                time.sleep(random.uniform(0, 2))
                own.start()
            case "restart" if own is not None:
                own.restart()
            case "clock":
                site.set_clock_back(random.uniform(1, MOST_BACK))
    dead = [f"server {number}" for number, each in enumerate(site.servers) if each.process.poll() is not None]
    dead += [each.said[-3000:] for each in site.workers if each.process.poll() is not None]
    assert dead == [], "a process has ended by itself"


def until(holds: Any, otherwise: str, progress: Callable[[], int] = lambda: 0) -> None:
    """Wait until something holds, as long as there is progress: how long it takes is the machine's to say."""
    limit, before = time.monotonic() + PATIENCE, -10_000_000
    while not holds():
        now = progress()
        if now > before:
            limit, before = time.monotonic() + PATIENCE, now
        assert time.monotonic() < limit, f"{otherwise}; stopped at {before}"
        time.sleep(0.5)


def followed(follower: Follower, known: dict[str, tuple[str, int, int]]) -> bool:
    """Whether all that there is was told as it is, and nothing that is gone as if it were there."""
    there = {id_: version for id_, version in follower.last.items() if version is not None}
    return bool(follower.wrong) or there == {id_: version for id_, (_, _, version) in known.items()}


def sometimes(taken: list[bytes], handler: Handler) -> None:
    """A receiver that takes its time now and then, and fails now and then."""
    if random.random() < 0.1:
        time.sleep(random.random() / 5)
    if random.random() < 0.01:
        handler.answer(503)
        return
    taken.append(handler.body)
    handler.answer(204)


def received(receiver: Receiver) -> list[tuple[str, int]]:
    """Record and version of what the webhook was sent, in order."""
    return versions([body for _, _, body in list(receiver.got)])


def versions(bodies: list[bytes]) -> list[tuple[str, int]]:
    """Record and version of what webhooks send."""
    found = [json.loads(body)["data"] for body in bodies]
    return [(each["id"], each["version"]) for each in found]


def in_order(told: Iterable[tuple[str, int]]) -> bool:
    """Whether of each record all came in the order of versions, apart from repeats."""
    seen: dict[str, int] = {}
    for id_, version in told:
        if version > seen.get(id_, 0) + 1:
            return False
        seen[id_] = max(version, seen.get(id_, 0))
    return True


def unfinished(database: Database) -> list[Any]:
    """Jobs of the plugin that are not done."""
    with database.read() as connection:
        mine = JOB.c.name == "crash.greet"
        return list(connection.execute(select(JOB.c.id, JOB.c.state).where(mine, JOB.c.state != "done")))


def contents(database: Database) -> tuple[Any, dict[str, Counter[str]], dict[str, list[int]]]:
    """Products, what the plugin has written, and the versions of each product in the log."""
    with database.read() as connection:
        products = connection.exec_driver_sql("SELECT id, name, rank, version FROM product").all()
        shops = connection.exec_driver_sql("SELECT city, name FROM shop").all()
        log = select(CHANGE.c.record_id, CHANGE.c.version).where(CHANGE.c.entity == "product").order_by(CHANGE.c.id)
        entries: dict[str, list[int]] = {}
        for id_, version in connection.execute(log):
            entries.setdefault(str(id_), []).append(version)
    echoes: dict[str, Counter[str]] = {}
    for city, name in shops:
        echoes.setdefault(city, Counter())[name] += 1
    return {str(id_): (name, rank, version) for id_, name, rank, version in products}, echoes, entries
