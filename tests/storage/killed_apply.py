"""Apply two models in turn, killed (-9) after each statement that writes, until one attempt comes through.

Run as a program of its own with the database's URL, since it forks. Ends with 0 if every attempt that was killed left
the database as it was before.
"""

import itertools
import os
import signal
import sys

from sqlalchemy import event

from tests.storage.worlds import add_rows, dump, entity, model, record_id, relation, text
from xrm_core.metadata.model import Model
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database

BEFORE = model(
    entity("customer", text("name"), text("fax"), relation("parent", "customer"), relation("main", "contact")),
    entity("contact", relation("customer", "customer")),
)
AFTER = model(
    entity("client", text("name", required=True), relation("parent", "client"), renamed_from="customer"),
    entity("contact", relation("customer", "client", on_delete="cascade"), text("city", required=True, default="?")),
    entity("partner", text("name", indexed=True)),
)
ACCEPT = ("drop_field:client.fax", "drop_field:client.main")
WRITES = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE")


def main(url: str) -> None:
    kills = killed_until_done(url, BEFORE)
    database = Database(url)
    add_rows(database, BEFORE, "customer", {"name": "A", "fax": "1"}, {"name": "B", "parent_id": record_id(1)})
    add_rows(database, BEFORE, "contact", {"customer_id": record_id(2)})
    database.close()
    kills += killed_until_done(url, AFTER, compare=True)
    print(kills)


def killed_until_done(url: str, target: Model, *, compare: bool = False) -> int:
    """How often it was killed. With ``compare``, nothing may differ after a kill."""
    before = _dump(url) if compare else None
    for writes in itertools.count(1):
        child = os.fork()
        if child == 0:
            _apply_and_die_after(url, target, writes)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            return writes - 1
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert before is None or _dump(url) == before, f"killed after {writes} writes"
    raise AssertionError("unreachable")


def _dump(url: str) -> dict[str, object]:
    database = Database(url)
    try:
        return dump(database)
    finally:
        database.close()


def _apply_and_die_after(url: str, target: Model, writes: int) -> None:
    database = Database(url)
    counter = itertools.count(1)

    def after(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.lstrip().upper().startswith(WRITES) and next(counter) == writes:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(database.engine, "after_cursor_execute", after)
    apply(database, target, ACCEPT if target is AFTER else ())
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
