"""What ten times the rows cost: the benchmark's data ten times over, beside the same once, each with a server of its own.

``python bench/growth.py [--servers xrm,xrm-sqlite] [--times 10] [--operations Q1,Q2,Q3] [--seconds 5] [--rounds 3]``, with PostgreSQL
running and data loaded as for ``bench.py``. The large database is made of the small one and kept for the next time. Prints, for each
operation and role, the time and the CPU (server and database) of a request on the large one over that on the small one;
asserts nothing.
"""

import argparse
import hashlib
import shutil
import sqlite3
import statistics
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import machine
from servers import PLATFORM_DB, PLATFORM_SQLITE, ROLES, SERVERS, WORK, Server, postgresql_url
from serving import Running, postgresql, postmaster, running

_TABLES = {"company": ["id"], "contact": ["id", "company_id"], "opportunity": ["id", "company_id"]}
"""Tables that grow, with the columns that name a copy: owners of opportunities stay who they are."""


def copied(id_: str, number: int) -> str:
    """The id of a copy of a record."""
    return str(uuid.UUID(hashlib.md5(f"{id_}{number}".encode()).hexdigest()))


def large_postgresql(times: int) -> str:
    """Make the database, unless it is there; its name."""
    name = f"{PLATFORM_DB}_{times}"
    with postgresql("postgres") as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return name
        connection.execute(f"DROP DATABASE IF EXISTS {name}_unfinished")
        connection.execute(f"CREATE DATABASE {name}_unfinished TEMPLATE {PLATFORM_DB}")
    with postgresql(f"{name}_unfinished") as connection:
        for table, ids in _TABLES.items():
            columns = [
                column
                for (column,) in connection.execute(
                    "SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table]
                )
            ]
            values = [f"md5({each}::text || n)::uuid" if each in ids else f'"{each}"' for each in columns]
            names = ", ".join(f'"{each}"' for each in columns)
            connection.execute(
                f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM {table}, generate_series(1, {times - 1}) n"
            )
        connection.execute("VACUUM ANALYZE")
    with postgresql("postgres") as connection:
        connection.execute(f"ALTER DATABASE {name}_unfinished RENAME TO {name}")
    return name


def large_sqlite(times: int) -> Path:
    """Make the file, unless it is there."""
    path = WORK / f"xrm_{times}.sqlite"
    if path.exists():
        return path
    unfinished = path.with_suffix(".unfinished")
    shutil.copy(PLATFORM_SQLITE, unfinished)
    connection = sqlite3.connect(unfinished)
    connection.execute("PRAGMA journal_mode=OFF")
    connection.execute("PRAGMA cache_size=-2000000")  # ids are random, so every page is needed again and again
    connection.create_function("copied", 2, copied, deterministic=True)
    for table, ids in _TABLES.items():
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        values = [f"copied({each}, n)" if each in ids else f'"{each}"' for each in columns]
        names = ", ".join(f'"{each}"' for each in columns)
        connection.execute(f"CREATE TEMP TABLE small AS SELECT * FROM {table}")
        for number in range(1, times):
            connection.execute(
                f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM small, (SELECT {number} n)"
            )
        connection.execute("DROP TABLE small")
    connection.execute("ANALYZE")
    connection.commit()
    connection.close()
    unfinished.rename(path)
    return path


def large(server: Server, times: int) -> Server:
    """The same server on ten times the data."""
    database = large_postgresql(times) if server.postgresql else str(large_sqlite(times))
    url = postgresql_url(database) if server.postgresql else f"sqlite:///{database}"
    port = server.port + 10
    command = list(server.command)
    command[command.index("--database") + 1] = url
    command[command.index("--port") + 1] = str(port)
    return replace(server, name=f"{server.name}-{times}", command=command, port=port, database=database)


def measure(each: Running, operation: str, role: str, seconds: int) -> tuple[float, float]:
    """Milliseconds of time and of CPU for a request, asked one after the other."""
    roots = [each.pid, *([postmaster()] if each.server.postgresql else [])]
    each.load(operation, role, 1, 1)
    machine.wait_until_idle(roots)
    before = sum(map(machine.cpu_seconds, roots))
    result = each.load(operation, role, 1, seconds)
    cpu = sum(map(machine.cpu_seconds, roots)) - before
    return result["duration_us"] / result["requests"] / 1e3, cpu / result["requests"] * 1e3


def main() -> None:
    """Run it and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", default="xrm,xrm-sqlite")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--operations", default="Q1,Q2,Q3")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(machine.describe())
    for name in options.servers.split(","):
        small = SERVERS[name]
        big = large(small, options.times)
        with running([small, big]) as started:
            for operation in options.operations.split(","):
                for role in ROLES:
                    ratios: list[Any] = []
                    for number in range(options.rounds):
                        turns = [small.name, big.name] if number % 2 == 0 else [big.name, small.name]
                        found = {each: measure(started[each], operation, role, options.seconds) for each in turns}
                        ratios.append([b / s for b, s in zip(found[big.name], found[small.name], strict=True)])
                    time, cpu = (statistics.median(each) for each in zip(*ratios, strict=True))
                    print(f"{name} {operation} {role}: time {time:.2f}, CPU {cpu:.2f}", flush=True)


if __name__ == "__main__":
    main()
