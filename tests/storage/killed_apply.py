"""Apply two models in turn, or go back from one to the other, killed (-9) again and again until one comes through.

Run as a program of its own, since it forks: the database's URL, «there» or «back», and how: «later N» kills each
attempt N writing statements later than the one before, «random SEED» at random moments. Ends with 0 if the former model
had its records after each kill, and prints how many kills there were.
"""

import itertools
import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from sqlalchemy import event, select

from tests.no_sync import do_not_wait
from tests.storage.worlds import add_rows, dump, entity, integer, model, record_id, relation, text
from xrm_core.metadata.model import Model
from xrm_core.storage import batches, draft_sqlite, phases_postgresql
from xrm_core.storage.applied import current_model
from xrm_core.storage.apply import apply, undo
from xrm_core.storage.engines import Database
from xrm_core.storage.system_upgrade import newest_revision
from xrm_core.storage.tables import Tables
from xrm_core.storage.under_way import change_under_way

BEFORE = model(
    entity("customer", text("name", searched=True), text("fax"), integer("rank"), relation("parent", "customer"),
           relation("main", "contact")),
    entity("contact", relation("customer", "customer"), text("mail", searched=True), text("score", searched=True)),
)  # fmt: skip
AFTER = model(
    entity("client", text("name", required=True, searched=True), integer("rank", required=True, default=5),
           relation("parent", "client"), renamed_from="customer", indexes=(("name", "rank"),)),
    entity("contact", relation("customer", "client", on_delete="cascade"), text("mail", unique=True),
           integer("score"), text("city", required=True, default="?", indexed=True, searched=True)),
    entity("partner", text("name", indexed=True)),
)  # fmt: skip
ACCEPT = ("drop_field:client.fax", "drop_field:client.main")
BACK = ("drop_field:contact.city", "drop_entity:partner")
WRITES = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "LOCK")


Moments = Callable[[], Iterator[tuple[int, float]]]
"""After how many writing statements, or seconds, each attempt is killed."""


AT_HAND = (draft_sqlite, phases_postgresql, newest_revision())
"""What each attempt would import and read for itself."""


def main(url: str, moments: Moments, *, back: bool) -> None:
    there = _never if back else moments
    kills = killed_until_done(url, BEFORE, there)
    database = Database(url)
    add_rows(database, BEFORE, "customer", {"name": "A", "fax": "1"},
             {"name": "B", "parent_id": record_id(1)}, {"name": "C", "rank": 7})  # fmt: skip
    add_rows(database, BEFORE, "contact", {"customer_id": record_id(2), "mail": "b@b.example", "score": "12"})
    before = _records(database)
    database.close()
    kills += killed_until_done(url, AFTER, there, compare=not back)
    if back:
        kills += killed_until_done(url, None, moments)
        database = Database(url)
        assert _records(database) == before
        database.close()
    print(kills)


def killed_until_done(url: str, target: Model | None, moments: Moments, *, compare: bool = False) -> int:
    """How often it was killed. With ``compare``, the records of the former model may not differ after a kill.

    ``target`` is the model, or None to go back to the one before.
    """
    before = _seen(url) if compare else None
    for kills, (writes, seconds) in enumerate(moments()):
        child = os.fork()
        if child == 0:
            _apply_and_die_after(url, target, writes, seconds)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            return kills
        assert os.WTERMSIG(status) == signal.SIGKILL
        seen = _seen(url) if compare else None
        assert seen in (before, None), f"killed after {writes} writes and {seconds} seconds: {seen} {before}"
    raise AssertionError("unreachable")


def _never() -> Iterator[tuple[int, float]]:
    return iter([(0, 0.0)])


def _later_and_later(step: int) -> Iterator[tuple[int, float]]:
    return ((writes, 0.0) for writes in itertools.count(1, step))


def _random(seed: int) -> Iterator[tuple[int, float]]:
    """So many writes, or so many seconds from the start; more and more of both, so that it comes to an end.

    The first is by writes, and so few that it always hits: seconds may be over before they begin.
    """
    chosen = random.Random(seed)
    yield chosen.randint(1, 10), 0.0
    for attempt in itertools.count(2):
        if chosen.random() < 0.5:
            yield chosen.randint(1, 10 + 3 * attempt), 0.0
        else:
            yield 0, chosen.uniform(0.01, 0.1 * attempt)


def _seen(url: str) -> Any:
    """All that the former model sees (on SQLite: all that there is); None once the database has the next one."""
    database = Database(url)
    try:
        with database.read() as connection:
            if current_model(connection) != BEFORE:
                return None
        return dump(database) if database.is_sqlite else _records(database)
    finally:
        database.close()


def _records(database: Database) -> Any:
    """What the former model sees of its tables."""
    with database.read() as connection:
        tables = [Tables(BEFORE)[found.name] for found in BEFORE]
        return {table.name: sorted(map(str, connection.execute(select(table)))) for table in tables}


def _apply_and_die_after(url: str, target: Model | None, writes: int, seconds: float) -> None:
    batches._BATCH = 1
    database = Database(url)
    counter = itertools.count(1)

    def after(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.lstrip().upper().startswith(WRITES) and next(counter) == writes:
            os.kill(os.getpid(), signal.SIGKILL)

    if seconds:
        threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
    event.listen(database.engine, "after_cursor_execute", after)
    if target is not None:
        apply(database, target, ACCEPT if target is AFTER else ())
    else:
        with database.read() as connection:
            there = current_model(connection) == BEFORE
            under_way = change_under_way(connection)
        if not there or under_way is not None:
            undo(database, BACK)
    os._exit(0)


def begin() -> None:
    """By the words that the program was called with."""
    do_not_wait()  # who is killed loses nothing that it has written, whether the disk has it or not
    way = {"later": _later_and_later, "random": _random}[sys.argv[3]]
    main(sys.argv[1], partial(way, int(sys.argv[4])), back=sys.argv[2] == "back")


if __name__ == "__main__":
    begin()
