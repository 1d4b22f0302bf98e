#!/usr/bin/env python3
"""Measure the platform beside the limit, see README.md.

bench.py verify [--servers …] [--roles …]                      answers against the reference SQL
bench.py run    [--servers …] [--roles …] [--operations …] [--connections 16] [--seconds 5] [--rounds 3] --out FILE
bench.py cold   [--servers …] [--times 3] --out FILE           start to first right answer, memory at rest
bench.py pgbench [--operations …] [--seconds 5] --out FILE     PostgreSQL alone, without HTTP
"""

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import machine
from operations import PASSES
from reference import OPERATIONS
from servers import BODIES, PGPORT, REFERENCE_DB, ROLES, SERVERS
from serving import Running, postmaster, restore, running
from verify import verify

LONGER = {"Q4": 4, "Q8": 2}
"""Operations that take so long that few would end within the usual time, and how many times longer they are measured."""

Emit = Callable[[dict[str, Any]], None]


def main() -> None:
    """Run the command named on the command line."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped, too
    servers = [SERVERS[name] for name in options.servers.split(",")]
    roles, operations = options.roles.split(","), options.operations.split(",")
    with open(options.out, "a") as out:

        def emit(record: dict[str, Any]) -> None:
            out.write(json.dumps({**record, "at": time.strftime("%Y-%m-%d %H:%M:%S")}) + "\n")
            out.flush()

        emit({"kind": "machine", "text": machine.describe(), "command": sys.argv[1:]})
        if options.what == "pgbench":
            for operation in OPERATIONS:
                if operation in operations:
                    _pgbench(operation, int(options.connections.split(",")[0]), options.seconds, emit)
            restore(SERVERS["limit"])
        elif options.what == "cold":
            for server in servers:
                _cold(Running(server), options.times, emit)
        else:
            with running(servers) as started:
                fine = _verified(started, roles, emit)
                if options.what == "run":
                    _rounds(started, roles, [each for each in OPERATIONS if each in operations], fine, options, emit)
            sys.exit(0 if all(all(each.values()) for each in fine.values()) else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["verify", "run", "cold", "pgbench"])
    parser.add_argument("--servers", default=",".join(SERVERS))
    parser.add_argument("--roles", default=",".join(ROLES))
    parser.add_argument("--operations", default=",".join(OPERATIONS))
    parser.add_argument("--connections", default="16", help="one or more numbers of connections: 1,16,64")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--warm", type=int, default=1, help="seconds before each measurement that do not count")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--turns", type=int, default=1, help="of each server within a round, before rows are put back")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--out", default="/dev/null", help="file to append JSON lines to")
    return parser.parse_args()


def _verified(started: dict[str, Running], roles: list[str], emit: Emit) -> dict[str, dict[tuple[str, str], bool]]:
    """Server → (role, what was checked) → whether it was right."""
    fine: dict[str, dict[tuple[str, str], bool]] = {}
    for name, each in started.items():
        emit({"kind": "start", "server": name, "start_ms": each.start_ms, "idle_mb": machine.memory_mb(each.pid)})
        found = verify(each, roles)
        emit({"kind": "verify", "server": name, "roles": found})
        fine[name] = {}
        for role, checks in found.items():
            for check, text in checks.items():
                fine[name][role, check] = text.startswith("ok")
                print(f"{name} {role} {check}: {text}", flush=True)
    return fine


def _rounds(
    started: dict[str, Running],
    roles: list[str],
    operations: list[str],
    fine: dict[str, dict[tuple[str, str], bool]],
    options: argparse.Namespace,
    emit: Emit,
) -> None:
    """Servers take turns within each operation, in changing order, so that all get the machine's good and bad minutes."""
    for number in range(options.rounds):
        for operation in operations:
            for connections in map(int, options.connections.split(",")):
                for role in roles:
                    for turn in range(number * options.turns, (number + 1) * options.turns):
                        fit = [name for name in started if fine[name].get((role, operation))]
                        for name in fit if turn % 2 == 0 else reversed(fit):
                            _measure(started[name], role, operation, connections, turn, options, emit)
        for each in started.values():
            restore(each.server)


def _measure(
    each: Running, role: str, operation: str, connections: int, number: int, options: argparse.Namespace, emit: Emit
) -> None:
    database = postmaster() if each.server.postgresql else None
    roots = [each.pid] + ([database] if database else [])
    machine.wait_until_idle(roots)
    # Each begins where all that it changes was changed otherwise before.
    behind = number % PASSES / PASSES
    if options.warm and number % options.turns == 0:
        before = (number - 1) % PASSES / PASSES
        each.load(operation, role, connections, options.warm, behind=before)
        machine.wait_until_idle(roots)
    speed = machine.loop_ms(0)
    server_before, database_before = machine.cpu_seconds(each.pid), machine.cpu_seconds(database) if database else 0
    result = each.load(operation, role, connections, options.seconds * LONGER.get(operation, 1), behind=behind)
    server_cpu = machine.cpu_seconds(each.pid) - server_before
    database_cpu = machine.cpu_seconds(database) - database_before if database else 0
    requests = max(result["requests"], 1)
    record = {
        "kind": "load",
        "server": each.server.name,
        "role": role,
        "operation": operation,
        "connections": connections,
        "round": number,
        "rps": round(result["requests"] / (result["duration_us"] / 1e6), 2),
        "p50_ms": result["p50_us"] / 1e3,
        "p99_ms": result["p99_us"] / 1e3,
        "server_cpu_ms": round(server_cpu / requests * 1e3, 4),
        "database_cpu_ms": round(database_cpu / requests * 1e3, 4),
        "bytes": round(result["bytes"] / requests),
        "errors": sum(value for key, value in result.items() if key.startswith("err_")),
        "memory_mb": machine.memory_mb(each.pid),
        "loop_ms": (speed + machine.loop_ms(0)) / 2,
    }
    emit(record)
    shown = ("round", "operation", "role", "server", "rps", "p50_ms", "p99_ms", "server_cpu_ms", "errors")
    print("  ".join(str(record[key]) for key in shown), flush=True)


def _cold(each: Running, times: int, emit: Emit) -> None:
    start, idle = [], []
    for _ in range(times):
        each.start()
        time.sleep(3)
        start.append(each.start_ms)
        idle.append(machine.memory_mb(each.pid))
        each.stop()
    record = {"start_ms": statistics.median(start), "idle_mb": statistics.median(idle)}
    emit({"kind": "start", "server": each.server.name, **record})
    print(each.server.name, record, flush=True)


def _pgbench(operation: str, connections: int, seconds: int, emit: Emit) -> None:
    """PostgreSQL's own load generator takes the server's place on CPU 0."""
    with tempfile.TemporaryDirectory() as folder:
        script = BODIES / "pgbench" / f"{operation}.sql"
        where = ["-h", "127.0.0.1", "-p", PGPORT, "-U", "postgres", REFERENCE_DB]
        how = ["-n", "-M", "prepared", "-c", str(connections), "-j", "1", "-T", str(seconds), "-f", str(script)]
        command = ["taskset", "-c", "0", "pgbench", *how, *where]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    rate = [float(line.split()[2]) for line in done.stdout.splitlines() if line.startswith("tps")]
    if not rate:
        raise RuntimeError(done.stdout + done.stderr)
    emit({"kind": "pgbench", "operation": operation, "connections": connections, "rps": rate[0]})
    print("pgbench", operation, rate[0], flush=True)


if __name__ == "__main__":
    main()
