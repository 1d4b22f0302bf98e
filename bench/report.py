#!/usr/bin/env python3
"""report.py FILE.jsonl… → Markdown: ratios to the limit first, then what they were made of."""

import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from reference import FOR_ROLE, OPERATIONS

ORDER = sorted(OPERATIONS)
PAIRS = [("xrm", "limit"), ("xrm", "limit-lean"), ("limit-lean", "limit"), ("xrm-sqlite", "limit-sqlite")]
"""Each ratio: this server by that one."""

Key = tuple[str, str, str, int]


def main() -> None:
    """Print the report."""
    records = [json.loads(line) for name in sys.argv[1:] for line in Path(name).read_text().splitlines()]
    loads: dict[Key, dict[int, dict[str, Any]]] = defaultdict(dict)
    for record in records:
        if record["kind"] == "load":
            key = record["server"], record["role"], record["operation"], record["connections"]
            loads[key][len(loads[key])] = record
    connections = sorted({key[3] for key in loads})
    _machine(records, loads)
    for number in connections:
        _ratios(loads, number)
    for number in connections:
        _table(
            f"Requests per second, {number} connections", loads, number, lambda found: _number(_median(found, "rps"))
        )
        _table(
            f"Latency p50 / p99, ms, {number} connections",
            loads,
            number,
            lambda found: f"{_number(_median(found, 'p50_ms'))} / {_number(_median(found, 'p99_ms'))}",
        )
        _table(
            f"CPU per request, ms, server + PostgreSQL, {number} connections",
            loads,
            number,
            lambda found: f"{_median(found, 'server_cpu_ms'):.3f} + {_median(found, 'database_cpu_ms'):.3f}",
        )
    _pgbench(records)
    _starts(records, loads)
    _verified(records)


def _machine(records: list[dict[str, Any]], loads: dict[Key, dict[int, dict[str, Any]]]) -> None:
    for record in records:
        if record["kind"] == "machine":
            print(f"- {record['at']}: `bench.py {' '.join(record['command'])}` on {record['text']}")
    every = [each for found in loads.values() for each in found.values()]
    if every:
        loops = sorted(each["loop_ms"] for each in every)
        print(f"- {len(every)} measurements, {sum(each['errors'] for each in every)} transport or status errors")
        print(f"- a fixed loop took {loops[0]:.0f} to {loops[-1]:.0f} ms, median {statistics.median(loops):.0f}")


def _ratios(loads: dict[Key, dict[int, dict[str, Any]]], connections: int) -> None:
    """The median over the rounds of the ratio within a round, with the least and the greatest."""
    print(f"\n### Requests per second as a share of the limit, {connections} connections\n")
    print("| server, role | by | " + " | ".join(ORDER) + " |\n|---|---" + "|--:" * len(ORDER) + "|")
    for server, limit in PAIRS:
        for role in FOR_ROLE:
            cells = []
            for operation in ORDER:
                ours = loads.get((server, role, operation, connections), {})
                theirs = loads.get((limit, role, operation, connections), {})
                ratios = [ours[each]["rps"] / theirs[each]["rps"] for each in ours.keys() & theirs.keys()]
                spread = f" ({min(ratios):.0%}…{max(ratios):.0%})" if len(ratios) > 1 else ""
                cells.append(f"**{statistics.median(ratios):.0%}**{spread}" if ratios else "–")
            if set(cells) != {"–"}:
                print(f"| {server}, {role} | {limit} | " + " | ".join(cells) + " |")


def _table(title: str, loads: dict[Key, dict[int, dict[str, Any]]], connections: int, cell: Any) -> None:
    print(f"\n### {title}\n\n| server, role | " + " | ".join(ORDER) + " |\n|---" + "|--:" * len(ORDER) + "|")
    for server, role in dict.fromkeys((key[0], key[1]) for key in loads):
        found = (loads.get((server, role, operation, connections)) for operation in ORDER)
        print(f"| {server}, {role} | " + " | ".join(cell(each) if each else "–" for each in found) + " |")


def _pgbench(records: list[dict[str, Any]]) -> None:
    rates: dict[tuple[int, str], list[float]] = defaultdict(list)
    for record in records:
        if record["kind"] == "pgbench":
            rates[record["connections"], record["operation"]].append(record["rps"])
    if rates:
        print("\n### pgbench: the reference SQL without HTTP, requests per second\n")
        print("| connections | " + " | ".join(ORDER) + " |\n|---" + "|--:" * len(ORDER) + "|")
        for connections in sorted({key[0] for key in rates}):
            cells = (rates.get((connections, operation)) for operation in ORDER)
            print(f"| {connections} | " + " | ".join(_number(statistics.median(x)) if x else "–" for x in cells) + " |")


def _starts(records: list[dict[str, Any]], loads: dict[Key, dict[int, dict[str, Any]]]) -> None:
    starts: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        if record["kind"] == "start":
            starts[record["server"]].append(record)
    print(
        "\n### Start and memory\n\n| server | start to first right answer, ms | memory at rest, MB | after load, MB |"
    )
    print("|---|--:|--:|--:|")
    for server, found in starts.items():
        after = [each["memory_mb"] for key, runs in loads.items() if key[0] == server for each in runs.values()]
        cells = _median_of(found, "start_ms"), _median_of(found, "idle_mb"), max(after, default=None)
        print(f"| {server} | " + " | ".join(_number(each) for each in cells) + " |")


def _verified(records: list[dict[str, Any]]) -> None:
    last = {record["server"]: record["roles"] for record in records if record["kind"] == "verify"}
    checks = [
        (server, role, check, text)
        for server, roles in last.items()
        for role, found in roles.items()
        for check, text in found.items()
    ]
    wrong = [each for each in checks if not each[3].startswith("ok")]
    print(f"\n### Answers\n\n{len(checks) - len(wrong)} of {len(checks)} checks right.")
    for each in wrong:
        print(f"- {' '.join(each[:3])}: {each[3]}")


def _median(found: dict[int, dict[str, Any]], field: str) -> float:
    return statistics.median(each[field] for each in found.values())


def _median_of(found: list[dict[str, Any]], field: str) -> float:
    return statistics.median(each[field] for each in found)


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


if __name__ == "__main__":
    main()
