"""What the change log costs a write: the door with it and without it, in turns.

    python bench/change_log.py                  # SQLite in a temporary folder; about a minute
    python bench/change_log.py postgresql://…   # in this database, which must be empty

Each single write is a transaction of its own; a bulk is 1 000 records in one. Shown are writes per second with the log,
as a share of those without, in the middle of all rounds, and the least and the greatest share of a round.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Dialect

from xrm_core.changes import log
from xrm_core.changes.entry import Change
from xrm_core.metadata.loader import load_texts
from xrm_core.permissions.caller import System, system
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.storage.apply import apply
from xrm_core.storage.driver_statements import Call
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables

KEEP = log.append, log.appending
ROUNDS, SINGLE, BULK = 15, 100, 1_000
TEXT = {"type": "string", "maxLength": 100}


def keep_nothing(_connection: Connection, _changes: Sequence[Change], _at: Any) -> None:
    """Stands in for the log."""


def nothing_to_keep(_dialect: Dialect, _changes: Sequence[Change], _at: Any) -> list[Call]:
    """The same, for the statements of single writes."""
    return []


KEEP_NOTHING = keep_nothing, nothing_to_keep


def make(database: Database) -> Records:
    """The door of a model of customers with twelve fields."""
    properties = {f"f{number}": TEXT for number in range(9)}
    properties |= {"number": {"type": "integer"}, "since": {"type": "string", "format": "date"}}
    properties["revenue"] = {"type": "number", "x-type": "decimal"}
    body = {"x-entity": "customer", "type": "object", "properties": properties}
    model = load_texts([("customer.json", json.dumps(body), "core")])
    apply(database, model)
    return Records(model, Tables(model), Plugins())


def values(number: int) -> dict[str, Any]:
    """A record."""
    texts = {f"f{each}": f"some text {number} {each}" for each in range(9)}
    return {**texts, "number": number, "since": "2026-11-26", "revenue": "1234.50"}


def rates(database: Database, records: Records, caller: System) -> dict[str, float]:
    """Writes per second of each kind."""
    found: dict[str, float] = {}

    def timed(what: str, count: int, work: Callable[[], None]) -> None:
        began = time.perf_counter()
        work()
        found[what] = count / (time.perf_counter() - began)

    ids: list[str] = []

    def create() -> None:
        for number in range(SINGLE):
            with database.begin() as connection:
                ids.append(records.create(connection, caller, "customer", values(number)))

    def update() -> None:
        for number, id_ in enumerate(ids):
            with database.begin() as connection:
                records.update(connection, caller, "customer", id_, {"f1": f"other {number}", "revenue": "2"})

    def delete() -> None:
        for id_ in ids:
            with database.begin() as connection:
                records.delete(connection, caller, "customer", id_)

    def bulk() -> None:
        with database.begin() as connection:
            records.create_many(connection, caller, "customer", [values(number) for number in range(BULK)])

    timed("create", SINGLE, create)
    timed("update", SINGLE, update)
    timed("delete", SINGLE, delete)
    timed("bulk of 1 000", BULK, bulk)
    return found


def main(url: str) -> None:
    """Measure, and print the shares."""
    database = Database(url)
    records = make(database)
    caller = system(records.model, "benchmark")
    shares: dict[str, list[float]] = {}
    for number in range(ROUNDS + 1):
        pair: list[dict[str, float]] = []
        for kept in (KEEP, KEEP_NOTHING) if number % 2 else (KEEP_NOTHING, KEEP):
            log.append, log.appending = kept  # type: ignore[assignment]
            pair.append(rates(database, records, caller))
        with_log, without = pair if number % 2 else reversed(pair)
        for what in with_log if number else ():  # the first warms up
            shares.setdefault(what, []).append(with_log[what] / without[what])
    database.close()
    for what, found in shares.items():
        print(f"{what:14} {statistics.median(found):5.0%}  ({min(found):.0%} … {max(found):.0%})")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(f"sqlite:///{Path(temporary) / 'log.db'}")
