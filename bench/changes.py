"""Ten additive changes and a change of type on a big table of PostgreSQL, while clients read and write over HTTP.

``python bench/changes.py [--rows 1000000] [--readers 8] [--writers 2] [--database URL]``. Without a URL it starts a PostgreSQL of
its own, that of the tests. It fills a table, starts ``xrm serve``, lets clients ask without pause, and applies one change after the
other by ``xrm schema apply``. Prints for each change how long it took, how many requests were answered meanwhile and the longest that
one of them waited. Ends with 1 if any request failed.
"""

import argparse
import contextlib
import http.client
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

XRM = str(Path(sys.executable).with_name("xrm"))
SETTLE_SECONDS = 2.0  # before and after a change: servers look for a new model once a second
THINK_SECONDS = 0.01  # between requests of one client

Properties = dict[str, Any]
TEXT: Properties = {"type": "string", "maxLength": 100}


def number_id(number: int) -> str:
    """Id of a record that was filled in."""
    return f"00000000-0000-7000-8000-{number:012x}"


def packs() -> Iterator[tuple[str, dict[str, Properties]]]:
    """What is changed, and the pack after it. The first is the one to begin with."""
    customer: Properties = {
        "name": {**TEXT, "x-index": True},
        "city": TEXT,
        "score": {"type": "string", "maxLength": 20},
        "visits": {"type": "integer"},
    }
    entity: Properties = {"required": ["name"], "properties": customer}
    user = {"properties": {"last_name": TEXT, "email": {"type": "string", "format": "email", "x-unique": True}}}
    entities: dict[str, Properties] = {"user": user, "customer": entity}
    yield "start", entities
    customer["street"] = TEXT
    yield "add an optional field", entities
    customer["rank"] = {"type": "integer", "default": 3}
    yield "add a field with a default", entities
    customer["kind"] = {"type": "string", "enum": ["small", "big"], "default": "small"}
    entity["required"] = ["name", "kind"]
    yield "add a required enum with a default", entities
    customer["phone"] = {**TEXT, "x-index": True}
    yield "add an indexed field", entities
    customer["code"] = {**TEXT, "x-unique": True}
    yield "add a unique field", entities
    customer["city"] = {**TEXT, "x-index": True}
    yield "index a field", entities
    entity["x-indexes"] = [["city", "name"]]
    yield "index two fields together", entities
    customer["keeper"] = {"x-relation": {"to": "user", "inverse": "customers", "on_delete": "set_null"}}
    yield "add a relation", entities
    entities["visit"] = {
        "properties": {
            "note": TEXT,
            "customer": {"x-relation": {"to": "customer", "inverse": "visit_list", "on_delete": "cascade"}},
        }
    }
    yield "add an entity that refers to the table", entities
    customer["visits"] = {"type": "integer", "default": 0}
    entity["required"] = ["name", "kind", "visits"]
    yield "make a half-empty field required, with a default", entities
    customer["score"] = {"type": "integer"}
    yield "change a type from text to integer", entities


@dataclass
class Load:
    """Clients that ask until they are told to stop."""

    url: str
    token: str
    rows: int
    stop: threading.Event = field(default_factory=threading.Event)
    answered: list[tuple[float, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def run(self, seed: int, writes: bool) -> None:
        """One client on one connection."""
        chosen = random.Random(seed)
        host = self.url.split("//")[1].split("/")[0]
        connection = http.client.HTTPConnection(host, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        for turn in itertools.count():
            if self.stop.is_set():
                return
            body = json.dumps(self._written(chosen, seed, turn) if writes else self._read(chosen))
            began = time.monotonic()
            try:
                connection.request("POST", "/graphql", body, headers)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 200 or b'"errors"' in text:
                    self.failures.append(f"{answer.status} {text[:300]!r} for {body[:200]}")
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{error!r} for {body[:200]}")
                connection.close()
            self.answered.append((time.monotonic(), time.monotonic() - began))
            time.sleep(THINK_SECONDS)

    def _read(self, chosen: random.Random) -> dict[str, Any]:
        number = chosen.randrange(self.rows)
        if number % 2:
            query = "query ($id: ID!) { customer(id: $id) { id name city score visits version } }"
            return {"query": query, "variables": {"id": number_id(number)}}
        query = "query ($name: String!) { customers(where: {name: {startsWith: $name}}, first: 20) { nodes { id name score } } }"
        return {"query": query, "variables": {"name": f"Customer {number // 100} "}}

    def _written(self, chosen: random.Random, seed: int, turn: int) -> dict[str, Any]:
        if turn % 3 == 0:
            query = "mutation ($name: String!) { createCustomer(input: {name: $name, visits: 1}) { id version } }"
            return {"query": query, "variables": {"name": f"New {seed} {turn}"}}
        query = (
            "mutation ($id: ID!, $city: String) { updateCustomer(id: $id, input: {city: $city}) { id city version } }"
        )
        return {"query": query, "variables": {"id": number_id(chosen.randrange(self.rows)), "city": f"City {turn}"}}


def write_pack(folder: Path, entities: dict[str, Properties]) -> None:
    """Entity files, and a role that may do everything."""
    (folder / "permissions").mkdir(parents=True, exist_ok=True)
    for name, body in entities.items():
        (folder / f"{name}.json").write_text(json.dumps({"x-entity": name, "type": "object", **body}))
    (folder / "permissions" / "roles.json").write_text(json.dumps({"roles": {"admin": {}}, "rules": {}}))
    (folder / "permissions" / "policies.csv").write_text("role,entity,action,fields,rule,effect\nadmin,*,*,*,,allow\n")


def xrm(environment: dict[str, str], *words: str) -> str:
    """Run a command; its output."""
    done = subprocess.run([XRM, *words], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"xrm {' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr[-3000:]}")
    return done.stdout


def fill(url: str, rows: int) -> None:
    """Records, half of them without ``visits``, by one statement."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO customer (id, name, city, score, visits, created_at, updated_at, version) "
            "SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Customer ' || n / 100 || ' ' || n, "
            "'City ' || n % 1000, (n % 500)::text, CASE WHEN n % 2 = 0 THEN n % 50 END, now(), now(), 1 "
            f"FROM generate_series(0, {rows - 1}) AS n"
        )
        connection.execute("ANALYZE customer")


def measure(url: str, rows: int, readers: int, writers: int) -> int:
    """Print the table; how many requests failed."""
    work = Path(tempfile.mkdtemp(prefix="xrm-changes-"))
    environment = {**os.environ, "XRM_DATABASE_URL": url, "XRM_DATA_DIR": str(work), "XRM_SCHEMAS": str(work / "pack")}
    steps = packs()
    write_pack(work / "pack", next(steps)[1])
    xrm(environment, "schema", "apply")
    xrm(environment, "user", "create", "--email", "a@example.com", "--last-name", "A", "--role", "admin")
    said = xrm(environment, "token", "create", "a@example.com", "--label", "bench")
    fill(url, rows)
    server = subprocess.Popen([XRM, "serve", "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        address = server.stdout.readline().split("GraphQL: ")[1].split(")")[0]
        load = Load(address, next(word for word in said.split() if word.startswith("xrm_")), rows)
        clients = [
            threading.Thread(target=load.run, args=(i, i >= readers), daemon=True) for i in range(readers + writers)
        ]
        for client in clients:
            client.start()
        time.sleep(SETTLE_SECONDS)
        print(f"{rows} records, {readers} readers, {writers} writers\n")
        print("| change | seconds | answers | longest ms | median ms | failed |\n|---|--:|--:|--:|--:|--:|")
        report("(none)", load, time.monotonic() - SETTLE_SECONDS, SETTLE_SECONDS)
        for name, entities in steps:
            write_pack(work / "pack", entities)
            accepted = consents(environment)
            began = time.monotonic()
            xrm(environment, "schema", "apply", *accepted)
            seconds = time.monotonic() - began
            time.sleep(SETTLE_SECONDS)
            report(name, load, began, seconds)
        load.stop.set()
        for client in clients:
            client.join()
        print(
            f"\nlongest stall: {max(wait for _, wait in load.answered) * 1000:.0f} ms of {len(load.answered)} requests"
        )
        print(f"failed requests: {len(load.failures)}")
        print("\n".join(load.failures[:10]))
        return len(load.failures)
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(work)


def consents(environment: dict[str, str]) -> list[str]:
    """Consent to whatever the plan calls lossy."""
    done = subprocess.run(
        [XRM, "schema", "plan", "--json"], env=environment, capture_output=True, text=True, check=False
    )
    lossy = [found["key"] for found in json.loads(done.stdout)["operations"] if found["risk"] == "lossy"]
    return [word for key in lossy for word in ("--accept", key)]


def report(name: str, load: Load, began: float, seconds: float) -> None:
    """One line: the requests that were answered since."""
    waits = sorted(wait for at, wait in list(load.answered) if at >= began)
    longest, median = waits[-1] * 1000, waits[len(waits) // 2] * 1000
    print(
        f"| {name} | {seconds:.1f} | {len(waits)} | {longest:.0f} | {median:.0f} | {len(load.failures)} |", flush=True
    )


@contextlib.contextmanager
def database(url: str | None) -> Iterator[str]:
    """The one that is named, or a fresh one on a server of its own."""
    if url:
        yield url
        return
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.postgres import running_server

    with running_server() as server, server.database() as fresh:
        yield fresh


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--database", help="URL of an empty PostgreSQL database")
    chosen = parser.parse_args()
    with database(chosen.database) as url:
        failed = measure(url, chosen.rows, chosen.readers, chosen.writers)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
