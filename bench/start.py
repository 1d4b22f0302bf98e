"""How long the platform takes to start, and what it needs in memory, with 10, 100 and 500 entities of 25 fields.

``python bench/start.py [--entities 10,100,500] [--rounds 3] [--database URL]``; nothing else has to be installed or running. For each size:
``plan`` and ``apply`` on an empty database, ``plan`` once more with one field added, then ``xrm serve`` from the start of the
process to the first right GraphQL answer, its CPU seconds until then, two answers to ``node(id)``, and its memory. Prints
a table; asserts nothing.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from machine import cpu_seconds, tree

XRM = str(Path(sys.executable).with_name("xrm"))
WAIT_SECONDS = 120


def entity(number: int, count: int) -> dict[str, Any]:
    """An entity of 25 fields of the kinds that packs have: texts, numbers, dates, enums, three relations."""
    fields: dict[str, Any] = {"name": {"type": "string", "maxLength": 100, "x-index": True}}
    for i in range(8):
        fields[f"text_{i}"] = {"type": "string", "maxLength": 100}
    for i in range(3):
        fields[f"amount_{i}"] = {"type": "number", "x-type": "decimal", "x-precision": 14, "x-scale": 2}
        fields[f"count_{i}"] = {"type": "integer", "minimum": 0}
    for i in range(2):
        fields[f"day_{i}"] = {"type": "string", "format": "date"}
        fields[f"at_{i}"] = {"type": "string", "format": "date-time"}
        fields[f"kind_{i}"] = {"type": "string", "enum": ["a", "b", "c", "d"], "x-index": i == 0}
    fields["active"] = {"type": "boolean", "default": True}
    for i, step in enumerate((1, 7, 31)):
        target = f"thing_{(number + step) % count}"
        fields[f"link_{i}"] = {"x-relation": {"to": target, "inverse": f"back_{i}_{number}", "on_delete": "set_null"}}
    return {"x-entity": f"thing_{number}", "type": "object", "required": ["name"], "properties": fields}


def write_pack(folder: Path, count: int, extra: bool = False) -> None:
    """Write the entity files, a user and a role that may do everything."""
    (folder / "permissions").mkdir(parents=True, exist_ok=True)
    for number in range(count - 1):
        (folder / f"thing_{number}.json").write_text(json.dumps(entity(number, count - 1)))
    user: dict[str, Any] = {
        "last_name": {"type": "string"},
        "email": {"type": "string", "format": "email", "x-unique": True},
    }
    user |= {f"text_{i}": {"type": "string", "maxLength": 100} for i in range(22)}
    user["active"] = {"type": "boolean", "default": True}
    if extra:
        user["nickname"] = {"type": "string", "maxLength": 100}
    (folder / "user.json").write_text(json.dumps({"x-entity": "user", "type": "object", "properties": user}))
    (folder / "permissions" / "roles.json").write_text(json.dumps({"roles": {"admin": {}}, "rules": {}}))
    (folder / "permissions" / "policies.csv").write_text("role,entity,action,fields,rule,effect\nadmin,*,*,*,,allow\n")


def timed(*words: str, environment: dict[str, str], codes: tuple[int, ...] = (0,)) -> tuple[float, str]:
    """Seconds that a command takes, and what it prints."""
    started = time.monotonic()
    done = subprocess.run([XRM, *words], env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in codes:
        raise SystemExit(f"xrm {' '.join(words)}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return time.monotonic() - started, done.stdout


def serve(environment: dict[str, str], token: str) -> dict[str, float]:
    """Start a server and ask it until it answers."""
    started = time.monotonic()
    server = subprocess.Popen([XRM, "serve", "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        if server.stdout is None:
            raise SystemExit("no output")
        line = server.stdout.readline()
        listening = time.monotonic() - started
        url = line.split("GraphQL: ")[1].split(")")[0]
        ask(url, token, "{ thing_0s: thing0s(first: 1) { totalCount nodes { id name link_0: link0 { name } } } }")
        first = time.monotonic() - started
        cpu = cpu_seconds(server.pid)
        again = time.monotonic()
        ask(url, token, "{ thing1s(first: 1) { totalCount } }")
        following = time.monotonic() - again
        nodes = []
        for _ in range(2):
            again = time.monotonic()
            ask(url, token, '{ node(id: "0196ab46-6d28-7cfe-9268-dde6de6c8471") { id ... on Thing2 { name } } }')
            nodes.append((time.monotonic() - again) * 1000)
        return {
            "listens s": listening,
            "first answer s": first,
            "cpu s": cpu,
            "next answer ms": following * 1000,
            "first node ms": nodes[0],
            "next node ms": nodes[1],
            "memory MiB": memory(server.pid),
        }
    finally:
        server.terminate()
        server.wait(20)


def ask(url: str, token: str, query: str) -> None:
    """Ask once; the answer must be right."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps({"query": query}).encode(), headers)  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:  # noqa: S310
        shape = json.load(answer)
    if "errors" in shape:
        raise SystemExit(f"wrong answer: {shape}")


def memory(pid: int) -> float:
    """Resident memory of the process tree, MiB."""
    pages = sum(int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in tree(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(count: int, rounds: int, database: str | None) -> dict[str, float]:
    """Medians of the rounds for one size."""
    work = Path(tempfile.mkdtemp(prefix="xrm-start-"))
    try:
        pack = work / "pack"
        write_pack(pack, count)
        environment = {**os.environ, "XRM_DATA_DIR": str(work / "data"), "XRM_SCHEMAS": str(pack)}
        environment["XRM_DATABASE_URL"] = database or ""
        plan, _ = timed("schema", "plan", environment=environment, codes=(2,))
        apply, _ = timed("schema", "apply", environment=environment)
        write_pack(pack, count, extra=True)
        replan, _ = timed("schema", "plan", environment=environment, codes=(2,))
        timed("schema", "apply", environment=environment)
        timed(
            "user", "create", "--email", "a@example.com", "--last-name", "A", "--role", "admin", environment=environment
        )
        _, said = timed("token", "create", "a@example.com", "--label", "bench", environment=environment)
        token = next(word for word in said.split() if word.startswith("xrm_"))
        runs = [serve(environment, token) for _ in range(rounds)]
        found = {"plan s": plan, "apply s": apply, "plan one change s": replan}
        return found | {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    finally:
        shutil.rmtree(work)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entities", default="10,100,500")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", help="URL of an empty PostgreSQL database; only with one size")
    chosen = parser.parse_args()
    rows = [(int(size), measure(int(size), chosen.rounds, chosen.database)) for size in chosen.entities.split(",")]
    names = list(rows[0][1])
    print("| entities | " + " | ".join(names) + " |")
    print("|--:" * (len(names) + 1) + "|")
    for size, found in rows:
        print(f"| {size} | " + " | ".join(f"{found[name]:.2f}" for name in names) + " |")


if __name__ == "__main__":
    main()
