"""Does the server's memory stay where it is? Mixed load of ever the same 1 000 distinct documents, for minutes.

``python bench/memory.py [--server xrm] [--minutes 10] [--documents 1000] [--connections 16]``, with PostgreSQL running and data
loaded as for ``bench.py``. Each document is asked as both roles; variables have other shapes from time to time, some
documents are wrong, some change a record. Prints the memory of the process each half minute, and what the last third has
in its middle over the second; asserts nothing.
"""

import argparse
import asyncio
import json
import random
import statistics
import time
from collections.abc import Iterator
from typing import Any

import machine
import operations
from servers import BODIES, SERVERS
from serving import Running, restore, running

_FIELDS = ["id", "name", "city", "country", "industry", "employees", "annualRevenue", "createdAt"]


def documents(count: int) -> Iterator[str]:
    """Request bodies, each with a document of its own."""
    drawn = random.Random(1)
    updates = (BODIES / "graphql" / "Q6.txt").read_text().splitlines()
    for number in range(count):
        fields = " ".join(f"a{number}_{place}: {name}" for place, name in enumerate(drawn.sample(_FIELDS, 4)))
        order = drawn.choice(["name: ASC", "name: DESC"])
        inner = drawn.choice(
            ["contacts(first: 3) { nodes { id lastName } }", "opportunitiesAggregate { sum { amount } }", "__typename"]
        )
        where: dict[str, Any] = {"country": {"eq": drawn.choice(operations.COUNTRIES)}}
        if drawn.random() < 0.3:
            where["or"] = [{"employees": {"gt": each}} for each in range(drawn.randint(1, 3))]
        query = f"query D{number}($w: CompanyFilter) {{ companies(where: $w, orderBy: [{{{order}}}], first: {drawn.randint(1, 20)})"
        query += f" {{ nodes {{ {fields} {inner} }} }} }}"
        if number % 50 == 0:
            query = query.replace("companies", f"firms{number}")  # a wrong document
        elif number % 25 == 0:
            yield drawn.choice(updates)
            continue
        yield json.dumps({"query": query, "variables": {"w": where}})


async def load(running_server: Running, bodies: list[str], seconds: float, connections: int) -> list[tuple[float, int]]:
    """Ask for all of them in turn until the time is over; (seconds, bytes of memory) from time to time."""
    server, answered = running_server.server, 0
    requests = [
        (
            f"POST {server.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: {server.authorization(role)}\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}"
        ).encode()
        for role in ("admin", "bench_rep")
        for body in bodies
    ]
    end, turn = time.monotonic() + seconds, iter(range(10**12))

    async def one() -> None:
        nonlocal answered
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        while time.monotonic() < end:
            writer.write(requests[next(turn) % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            [length] = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            await reader.readexactly(int(length.split(b":")[1]))
            answered += 1
        writer.close()

    async def watch() -> list[tuple[float, int]]:
        start, found = time.monotonic(), []
        while time.monotonic() < end:
            await asyncio.sleep(min(30.0, seconds / 20))
            found.append((time.monotonic() - start, machine.memory_mb(running_server.pid)))
            print(f"{found[-1][0]:6.0f} s  {found[-1][1]} MB  {answered} answers", flush=True)
        return found

    found, *_ = await asyncio.gather(watch(), *(one() for _ in range(connections)))
    return found


def main() -> None:
    """Run it and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="xrm", choices=["xrm", "xrm-sqlite"])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    server = SERVERS[options.server]
    bodies = list(documents(options.documents))
    with running([server]) as started:
        found = asyncio.run(load(started[server.name], bodies, options.minutes * 60, options.connections))
    restore(server)
    third = len(found) // 3
    before = statistics.median(memory for _, memory in found[third : 2 * third])
    after = statistics.median(memory for _, memory in found[2 * third :])
    print(f"last third / second third: {after / before:.3f}")


if __name__ == "__main__":
    main()
