"""A log that is long since nobody has cut it, and a reader far behind: who looks for news does not look through it."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.events.kit import Notebook, ReaderWorld
from tests.events.test_readers import until
from tests.query.examples import NIGHT
from xrm_core.changes.sealing import seal_all

ENTRIES = 1_000_000 if NIGHT else 20_000
AT_ONCE = 10_000

_THROUGH_ALL = re.compile(r"Seq Scan on xrm_change\b|^SCAN xrm_change\b")


@contextmanager
def plans(world: ReaderWorld) -> Iterator[list[str]]:
    """How the database does what it is asked meanwhile, on any connection."""
    found: list[str] = []
    asking = threading.local()

    def explain(connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        words = statement.lstrip().split(maxsplit=1)[0].upper()
        if getattr(asking, "now", False) or words not in ("SELECT", "WITH", "UPDATE", "DELETE", "INSERT"):
            return
        asking.now = True
        try:
            how = "EXPLAIN QUERY PLAN" if world.database.is_sqlite else "EXPLAIN"
            rows = connection.exec_driver_sql(f"{how} {statement}", values[0] if many else values).all()
            found.extend(str(row[-1]) for row in rows)
        finally:
            asking.now = False

    event.listen(world.database.engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        event.remove(world.database.engine, "before_cursor_execute", explain)


@pytest.mark.slow
def test_who_looks_for_news_does_not_look_through_a_long_log(world: ReaderWorld) -> None:
    # given a long log, a reader that is at its end, and one that has not begun to read it
    world.begin("behind")
    caller = world.world.caller("admin")
    for first in range(0, ENTRIES, AT_ONCE):
        rows = [{"name": f"N{first + place}"} for place in range(AT_ONCE)]
        with world.database.begin() as connection:
            world.world.records.create_bulk(connection, caller, "customer", rows)
        seal_all(world.database, world.keys)
    world.begin()
    reader = Notebook()
    readers = world.readers(reader)
    with world.database.begin() as connection:
        connection.exec_driver_sql("ANALYZE xrm_change")
    # when there is nothing, and then one change
    with plans(world) as found:
        readers.visit(world.place)
        id_ = world.customer("A")
        until(lambda: (readers.visit(world.place) and False) or bool(reader.got))
        until(lambda: world.state().lag_entries == 0)
    readers.stop(5)
    # then nobody has gone through the log
    assert reader.told == [(id_, 1)]
    assert any("xrm_change" in plan for plan in found)
    assert [plan for plan in found if _THROUGH_ALL.search(plan)] == []
