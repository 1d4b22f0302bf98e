"""What a server still does when far more want something than it can serve, beside the most that it does.

``python bench/overload.py [postgresql://…] [--connections 2500] [--seconds 8] [--rounds 3]``: the demo in a new SQLite file, or in an
empty database of PostgreSQL; nothing else has to run, but wrk must be there. All connections of wrk ask again as soon as they are
answered or refused, and heed no Retry-After. Beside them somebody asks a few times a second, and is timed. The server has
core 0, wrk and the rest core 1; CPU is that of the server's process alone. Prints ratios; asserts nothing.
"""

import argparse
import contextlib
import http.client
import json
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import machine

_LUA = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = os.getenv("AUTH")
wrk.body = os.getenv("BODY")
function done(s, l, r)
  io.write(string.format("RESULT %d %d %d\\n", s.requests, s.errors.status, s.duration))
end
"""
_BODY = json.dumps({"query": "{ customers(first: 3) { nodes { name } } }"})
_LEAST, _STEPS = 16, (16, 64, 200)
"""Connections with which the most is looked for."""


@dataclass
class Load:
    """What came of one number of connections: answers and refusals a second, share of the core, seconds of those timed."""

    good: float
    refused: float
    cpu: float
    answered: list[float]
    told: list[float]


@contextlib.contextmanager
def demo(folder: Path, database: str | None) -> Iterator[tuple[int, int, str]]:
    """A running server: its process, its port, and a token."""
    words = ["serve", "--demo", "--port", "0", *(["--database", database] if database else [])]
    process = subprocess.Popen(
        ["taskset", "-c", "0", sys.executable, "-c", "from xrm_core.cli.main import main; main()", *words],
        env={**os.environ, "XRM_DATA_DIR": str(folder / "data"), "PYTHONPATH": str(Path(__file__).parent.parent)},
        stdout=subprocess.PIPE,
        stderr=(folder / "log").open("w"),
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
            if found:
                break
        else:
            sys.exit(f"The server does not start:\n{(folder / 'log').read_text()[-2000:]}")
        threading.Thread(target=process.stdout.read, daemon=True).start()
        token = next(iter(json.loads((folder / "data" / "demo-tokens.json").read_text()).values()))
        yield process.pid, int(found[1]), token
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def ask(port: int, token: str) -> tuple[int, float]:
    """Status, and seconds."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(
            "POST", "/graphql", _BODY, {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        )
        answer = connection.getresponse()
        answer.read()
        return answer.status, time.perf_counter() - began
    finally:
        connection.close()


def load(pid: int, port: int, token: str, connections: int, seconds: int, script: Path) -> Load:
    """Let so many ask, and somebody beside them."""
    over, answered, told = threading.Event(), [], []  # type: ignore[var-annotated]

    def beside() -> None:
        while not over.wait(0.1):
            with contextlib.suppress(OSError):
                status, took = ask(port, token)
                (answered if status == 200 else told).append(took)

    someone = [threading.Thread(target=beside, daemon=True) for _ in range(4)]
    env = {**os.environ, "AUTH": f"Bearer {token}", "BODY": _BODY}
    wrk = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", str(script)]
    before, began = machine.cpu_seconds(pid), time.monotonic()
    for each in someone:
        each.start()
    done = subprocess.run(
        ["taskset", "-c", "1", *wrk, f"http://127.0.0.1:{port}/graphql"], env=env, capture_output=True, text=True
    )
    cpu = (machine.cpu_seconds(pid) - before) / (time.monotonic() - began)
    over.set()
    for each in someone:
        each.join(60)
    found = re.search(r"RESULT (\d+) (\d+) (\d+)", done.stdout)
    if found is None:
        sys.exit(done.stdout + done.stderr)
    total, refused, micro = map(int, found.groups())
    return Load((total - refused) / micro * 1e6, refused / micro * 1e6, cpu, answered, told)


def late(seconds: list[float]) -> str:
    """The middle and the slowest hundredth."""
    if not seconds:
        return "-"
    ordered = sorted(seconds)
    return f"{statistics.median(ordered) * 1e3:.0f} / {ordered[int(len(ordered) * 0.99)] * 1e3:.0f} ms"


def main() -> None:
    """Print a line for each load, and the ratio of each round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database", nargs="?")
    parser.add_argument("--connections", type=int, default=2500)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {1})
    print(machine.describe())
    with tempfile.TemporaryDirectory() as name:
        script = Path(name) / "ask.lua"
        script.write_text(_LUA)
        with demo(Path(name), options.database) as (pid, port, token):
            time.sleep(15)  # what a new demo has still to do: its change log is sealed, its indexes are counted
            load(pid, port, token, _LEAST, 2, script)
            ratios = []
            for _ in range(options.rounds):
                most = 0.0
                for connections in (*_STEPS, options.connections):
                    found = load(pid, port, token, connections, options.seconds, script)
                    print(
                        f"{connections:6} connections: {found.good:6.0f} answers/s, {found.refused:6.0f} refusals/s, "
                        f"{found.cpu:.0%} of a core; beside them answered in {late(found.answered)}, "
                        f"refused in {late(found.told)}",
                        flush=True,
                    )
                    if connections == options.connections:
                        ratios.append(found.good / most)
                        print(f"{'':6} of the most: {ratios[-1]:.0%}", flush=True)
                    most = max(most, found.good)
            print(f"In the middle of {options.rounds}: {statistics.median(ratios):.0%} of the most")


if __name__ == "__main__":
    main()
