"""What a write costs beside the same rows written by the bare driver: one at a time, 10 000 at once, and imported.

    python bench/writes.py                  # SQLite in a temporary folder; about a minute
    python bench/writes.py postgresql://…   # that, and the same in this database, which must be empty; three minutes

The platform does all that it always does: rights with row rules, validation, hooks (a plugin that has nothing to say),
versions, the change log. It is asked at its door for writes, and in GraphQL without HTTP. The limit writes the same rows
of the same table, with their indexes and foreign keys, and no more: one INSERT or UPDATE to a transaction, or all by
executemany (SQLite) or COPY (PostgreSQL; INSERT … ON CONFLICT where half of them are there already) in one. Both take
turns within a round.

A line shows writes per second of both, the share of the limit in the middle of all rounds with the least and the
greatest, and microseconds of processor time of this process for each write. PostgreSQL's own are not in them.
"""

import asyncio
import csv
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from uuid_utils import uuid7

from xrm_core.api import hookimpl
from xrm_core.cli.garbage import leave_what_is_there
from xrm_core.graphql.engine import Engine, Request
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.caller import User, system
from xrm_core.permissions.policy import parse_files
from xrm_core.plugins import InstalledPlugin, Plugins
from xrm_core.records.door import Records
from xrm_core.records.importing.importer import import_csv
from xrm_core.records.importing.options import ImportOptions
from xrm_core.server.assembly import read_model
from xrm_core.server.policy_changes import policies_along
from xrm_core.server.site import make_reader
from xrm_core.settings import load_settings
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.policy_sets import newest_set
from xrm_core.storage.tables import Tables

ROUNDS, SINGLE, BULK, BULK_ROUNDS = 9, 100, 10_000, 3
COMPANIES, OPPORTUNITIES = 500, 1_000
STAGES = ("prospect", "qualified", "proposal", "negotiation")
CREATE = """mutation ($company: ID!, $f: String!, $l: String!, $e: String!, $p: String!) {
  createContact(input: {companyId: $company, firstName: $f, lastName: $l, email: $e, phone: $p}) {
    id firstName lastName email } }"""
UPDATE = "mutation ($id: ID!, $s: OpportunityStage!) { updateOpportunity(id: $id, input: {stage: $s}) { id stage } }"
CREATE_MANY = "mutation ($rows: [CreateContactInput!]!) { createContacts(input: $rows) { count } }"
MOMENT = "2026-11-26T10:00:00+00:00"


class Silent:
    """A plugin that is asked about each record."""

    @hookimpl
    def before_record_create(self, entity: str, record: dict[str, Any]) -> None:
        """Nothing to say."""

    @hookimpl
    def before_record_update(self, entity: str, before: dict[str, Any], changes: dict[str, Any]) -> None:
        """Nothing to say."""


class World:
    """The model of the benchmark in an empty database, with some records, and who writes: the role ``bench_rep``."""

    def __init__(self, url: str, folder: Path) -> None:
        settings = load_settings(database_url=url, schemas=Path(__file__).parent / "pack", data_dir=folder)
        plugins = Plugins([InstalledPlugin("silent", Silent())])
        self.model = read_model(settings, plugins)
        self.database = Database(url)
        apply(self.database, self.model, along=policies_along(settings, self.database, self.model))
        self.records = Records(self.model, Tables(self.model), plugins)
        self.numbers = count()
        self.folder = folder
        caller = system(self.model, "benchmark")
        with self.database.begin() as connection:
            many = self.records.create_many
            [self.user] = many(connection, caller, "user", [{"name": "Rep", "email": "rep@bench.invalid"}])
            companies = [{"name": f"c{each}", "country": "DE", "employees": 100} for each in range(COMPANIES)]
            self.companies = many(connection, caller, "company", companies)
            opportunities = [
                {"company": self.companies[each % COMPANIES], "owner": self.user, "stage": "won", "amount": "100.25"}
                for each in range(OPPORTUNITIES)
            ]
            self.opportunities = many(connection, caller, "opportunity", opportunities)
            self.contacts = many(connection, caller, "contact", [self.contact() for _ in range(BULK // 2)])
        with self.database.read() as connection:
            in_force = newest_set(connection)
        policies = parse_files({} if in_force is None else in_force.files, self.model)
        authority, causes = Authority(self.model, policies), (("request", "benchmark"),)
        self.caller = User(self.user, authority.access(frozenset({"bench_rep"})), causes=causes)
        self.admin = User(self.user, authority.access(frozenset({"admin"})), causes=causes)
        self.policies = policies.version

    def contact(self) -> dict[str, Any]:
        """A record to create, another each time."""
        number = next(self.numbers)
        return {
            "company": self.companies[number % COMPANIES],
            "first_name": "Bench",
            "last_name": f"Mark{number}",
            "email": f"bench.{number}@bench.invalid",
            "phone": "+1000",
        }

    def known_and_new(self) -> list[dict[str, Any]]:
        """Many records with their ids: half of them are there already, with other values."""
        ids = [*self.contacts, *(str(uuid7()) for _ in range(BULK // 2))]
        return [{"id": id_, **self.contact()} for id_ in ids]

    def change(self) -> tuple[str, str]:
        """An opportunity and its next stage."""
        number = next(self.numbers)
        return self.opportunities[number % OPPORTUNITIES], STAGES[number // 7 % len(STAGES)]


class Limit:
    """The bare driver of the database, on a connection of its own."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._raw = world.database.engine.raw_connection()
        self.driver: Any = self._raw.driver_connection
        self._sqlite = isinstance(self.driver, sqlite3.Connection)
        place = "?" if self._sqlite else "%s"
        self._columns = [column.name for column in world.records.tables["contact"].columns]
        names = ", ".join(self._columns)
        self._insert = f"INSERT INTO contact ({names}) VALUES ({', '.join([place] * len(self._columns))})"  # noqa: S608
        self._copy = f"COPY contact ({names}) FROM STDIN"
        sets = f"stage = {place}, updated_at = {place}, updated_by = {place}, version = version + 1"
        self._update = f"UPDATE opportunity SET {sets} WHERE id = {place}"  # noqa: S608

        own = ", ".join(f"{name} = excluded.{name}" for name in self._columns if name not in ("id", "version"))
        self._upsert = f"{self._insert} ON CONFLICT (id) DO UPDATE SET {own}, version = contact.version + 1"

    def _row(self, values: dict[str, Any]) -> tuple[Any, ...]:
        world = self._world
        system_values = {"created_at": MOMENT, "updated_at": MOMENT, "created_by": world.user, "updated_by": world.user}
        row = {"id": str(uuid7()), **values, **system_values, "company_id": values["company"], "version": 1}
        return tuple(row[name] for name in self._columns)

    def create(self) -> None:
        """One record."""
        self._alone(self._insert, self._row(self._world.contact()))

    def update(self) -> None:
        """One record."""
        id_, stage = self._world.change()
        self._alone(self._update, (stage, MOMENT, self._world.user, id_))

    def bulk(self) -> None:
        """Many records."""
        rows = [self._row(self._world.contact()) for _ in range(BULK)]
        if self._sqlite:
            self.driver.execute("BEGIN IMMEDIATE")
            self.driver.executemany(self._insert, rows)
        else:
            with self.driver.cursor() as cursor, cursor.copy(self._copy) as copy:
                for row in rows:
                    copy.write_row(row)
        self.driver.commit()

    def upsert(self) -> None:
        """Many records."""
        rows = [self._row(each) for each in self._world.known_and_new()]
        if self._sqlite:
            self.driver.execute("BEGIN IMMEDIATE")
        self.driver.cursor().executemany(self._upsert, rows)
        self.driver.commit()

    def _alone(self, sql: str, values: tuple[Any, ...]) -> None:
        if self._sqlite:
            self.driver.execute("BEGIN IMMEDIATE")
        self.driver.execute(sql, values)
        self.driver.commit()

    def close(self) -> None:
        """Give the connection back."""
        self._raw.close()


class Platform:
    """The same by the platform."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._loop = asyncio.new_event_loop()
        self._engine = self._loop.run_until_complete(self._make())

    async def _make(self) -> Engine:
        world = self._world
        return Engine(world.records, world.database, make_reader(world.database, 30), policies=world.policies)

    def create(self) -> None:
        """One record at the door."""
        world = self._world
        with world.database.begin(30) as connection:
            world.records.create(connection, world.caller, "contact", world.contact())

    def update(self) -> None:
        """One record at the door."""
        world, (id_, stage) = self._world, self._world.change()
        with world.database.begin(30) as connection:
            world.records.update(connection, world.caller, "opportunity", id_, {"stage": stage})

    def bulk(self) -> None:
        """Many records at the door."""
        world = self._world
        rows = [world.contact() for _ in range(BULK)]
        with world.database.begin(30) as connection:
            world.records.create_bulk(connection, world.caller, "contact", rows)

    def upsert(self) -> None:
        """Many records at the door, by their ids."""
        world, rows = self._world, self._world.known_and_new()
        with world.database.begin(30) as connection:
            world.records.upsert_bulk(connection, world.admin, "contact", ("id",), rows)

    def ask_create(self) -> None:
        """One record in GraphQL."""
        values = self._world.contact()
        keys = {"company": "company", "f": "first_name", "l": "last_name", "e": "email", "p": "phone"}
        self._ask(CREATE, {key: values[name] for key, name in keys.items()})

    def ask_update(self) -> None:
        """One record in GraphQL."""
        id_, stage = self._world.change()
        self._ask(UPDATE, {"id": id_, "s": stage})

    def ask_bulk(self) -> None:
        """Many records in GraphQL."""
        keys = {"companyId": "company", "firstName": "first_name", "lastName": "last_name", "email": "email"}
        keys["phone"] = "phone"
        contacts = (self._world.contact() for _ in range(BULK))
        self._ask(CREATE_MANY, {"rows": [{key: each[name] for key, name in keys.items()} for each in contacts]})

    def load(self) -> None:
        """Many records out of a CSV file."""
        world, path = self._world, self._world.folder / "contacts.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["company", "first_name", "last_name", "email", "phone"])
            writer.writeheader()
            writer.writerows(world.contact() for _ in range(BULK))
        with world.database.begin() as connection:
            options = ImportOptions(columns={"company": "company.id"})
            result = import_csv(world.records, connection, "contact", path, options)
        assert result.written == BULK, result.problems[:3]

    def _ask(self, document: str, variables: dict[str, Any]) -> None:
        answer = self._loop.run_until_complete(self._engine.execute(Request(document, variables), self._world.caller))
        assert b'"errors"' not in answer.body, answer.body[:500]

    def close(self) -> None:
        """End its threads."""
        self._engine.close()
        self._loop.run_until_complete(self._engine.reader.close())
        self._loop.close()


def measured(work: Callable[[], None], times: int, records: int) -> tuple[float, float]:
    """Writes per second, and processor time of each in microseconds."""
    began, used = time.perf_counter(), time.process_time()
    for _ in range(times):
        work()
    return records / (time.perf_counter() - began), (time.process_time() - used) / records * 1e6


def compare(what: str, limit: Callable[[], None], ours: Callable[[], None], *, many: bool) -> None:
    """Measure both in turns, and print the line."""
    times, rounds = (1, BULK_ROUNDS) if many else (SINGLE, ROUNDS)
    records = BULK if many else SINGLE
    found: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for number in range(rounds + 1):
        works = (limit, ours) if number % 2 else (ours, limit)
        first, second = (measured(each, times, records) for each in works)
        if number:  # the first warms up
            found.append((first, second) if number % 2 else (second, first))
    shares = sorted(mine[0] / bare[0] for bare, mine in found)
    rates = [statistics.median(pair[side][0] for pair in found) for side in (1, 0)]
    used = [min(pair[side][1] for pair in found) for side in (1, 0)]
    print(
        f"{what:28} {rates[0]:8.0f}/s  limit {rates[1]:8.0f}/s  "
        f"{statistics.median(shares):5.2f} ({shares[0]:.2f} … {shares[-1]:.2f})  "
        f"CPU {used[0]:7.1f} µs, limit {used[1]:6.1f} µs",
        flush=True,
    )


def run(url: str, folder: Path) -> None:
    """All lines of one database."""
    world = World(url, folder)
    leave_what_is_there()  # as a server does: Python looks for garbage less often, and not among what it has from its start
    with closing(world.database), closing(Limit(world)) as limit, closing(Platform(world)) as platform:
        compare("create", limit.create, platform.create, many=False)
        compare("create in GraphQL", limit.create, platform.ask_create, many=False)
        compare("update", limit.update, platform.update, many=False)
        compare("update in GraphQL", limit.update, platform.ask_update, many=False)
        compare("bulk of 10 000", limit.bulk, platform.bulk, many=True)
        compare("bulk of 10 000 in GraphQL", limit.bulk, platform.ask_bulk, many=True)
        compare("upsert of 10 000, half new", limit.upsert, platform.upsert, many=True)
        compare("import of 10 000 from CSV", limit.bulk, platform.load, many=True)


def urls() -> Iterator[tuple[str, str]]:
    """Each database by name; a temporary folder in its URL is filled in."""
    yield "SQLite", "sqlite:///{folder}/writes.db"
    yield from (("PostgreSQL", url) for url in sys.argv[1:])


if __name__ == "__main__":
    for name, url in urls():
        print(name)
        with tempfile.TemporaryDirectory() as temporary:
            run(url.format(folder=temporary), Path(temporary))
