"""A running server: start, ask, stop; and the row-by-row clean-up that makes every round begin with the same data."""

import contextlib
import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import answers
import operations
from servers import BODIES, HERE, PGPORT, WORK, Server

START_SECONDS = 60
LOG = "xrm_change"
"""The table of the platform's change log."""


class Running:
    """One server process on CPU 0."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.log: IO[str] = (WORK / f"{server.name}.log").open("w+")
        self.process: subprocess.Popen[bytes] | None = None
        self.start_ms = 0.0

    @property
    def pid(self) -> int:
        """Process id of the server."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start it and wait for the first right answer.

        Raises:
            SystemExit: it does not answer; with the end of its log.
        """
        try:
            self.post("{}", "admin", timeout=1)
        except OSError:
            pass
        else:
            sys.exit(f"{self.server.name}: something else listens on port {self.server.port}")
        body = operations.first(BODIES, self.server.bodies("admin"), "Q1")
        env = {**os.environ, "PYTHONPATH": str(HERE.parent), **self.server.env}
        started = time.perf_counter()
        self.process = subprocess.Popen(
            ["taskset", "-c", "0", *self.server.command],
            env=env,
            start_new_session=True,
            stdout=self.log,
            stderr=self.log,
        )
        while time.perf_counter() - started < START_SECONDS and self.process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                status, text = self.post(body, "admin")
                if status == 200 and answers.data(text):
                    self.start_ms = round((time.perf_counter() - started) * 1e3, 1)
                    return
            time.sleep(0.01)
        self.stop()
        self.log.seek(0)
        sys.exit(f"{self.server.name} does not answer:\n{self.log.read()[-3000:]}")

    def stop(self) -> None:
        """Stop the server and all its children."""
        if self.process is None or self.process.poll() is not None:
            return
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def post(self, body: str, role: str, timeout: float = 60) -> tuple[int, bytes]:
        """Send one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=timeout)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.server.platform:
            headers["Authorization"] = self.server.authorization(role)
        try:
            connection.request("POST", self.server.path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def graphql(self, document: str, variables: dict[str, Any], role: str) -> dict[str, Any]:
        """Send a GraphQL document; the whole answer."""
        return json.loads(self.post(json.dumps({"query": document, "variables": variables}), role)[1])

    def load(self, operation: str, role: str, connections: int, seconds: int, *, behind: float = 0) -> dict[str, Any]:
        """Drive it with wrk on CPU 1.

        Args:
            operation: whose bodies are sent.
            role: who sends them.
            connections: at once.
            seconds: how long.
            behind: the share of the bodies that are left out at first.

        Raises:
            RuntimeError: wrk failed.
        """
        url = f"http://127.0.0.1:{self.server.port}{self.server.path}"
        wrk = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", str(HERE / "post.lua"), url]
        env = {
            **os.environ,
            "BODIES": str(BODIES / self.server.bodies(role) / f"{operation}.txt"),
            "REQ_PATH": self.server.path,
            "BEHIND": str(behind),
            "AUTH": self.server.authorization(role),
        }
        done = subprocess.run(["taskset", "-c", "1", *wrk], env=env, capture_output=True, text=True)
        result = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        if not result:
            raise RuntimeError(done.stdout + done.stderr)
        return json.loads(result[0].removeprefix("RESULT "))


@contextlib.contextmanager
def running(servers: list[Server]) -> Iterator[dict[str, Running]]:
    """All these servers, stopped at the end. An idle one costs the others nothing."""
    started: dict[str, Running] = {}
    try:
        for server in servers:
            started[server.name] = Running(server)
            started[server.name].start()
        yield started
    finally:
        for each in started.values():
            each.stop()


def restore(server: Server) -> None:
    """Remove the contacts that the benchmark made, set the stages as they were, and empty the change log, into which
    nobody else has written: else each round would find a longer one."""
    contacts, opportunities = server.tables
    stages = list(json.loads((BODIES / "stages.json").read_text()).items())
    version = ", version = 1" if server.platform else ""
    if not server.postgresql:
        connection = sqlite3.connect(server.database, timeout=30)
        connection.execute(f"DELETE FROM {contacts} WHERE email LIKE ?", [operations.BENCH_EMAIL])
        connection.executemany(f"UPDATE {opportunities} SET stage = ?2{version} WHERE id = ?1 AND stage <> ?2", stages)
        if server.platform:
            connection.execute(f"DELETE FROM {LOG}")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return
    with postgresql(server.database) as connection:
        connection.execute(f"DELETE FROM {contacts} WHERE email LIKE %s", [operations.BENCH_EMAIL])
        connection.execute(
            f"UPDATE {opportunities} o SET stage = v.stage{version} FROM unnest(%s::uuid[], %s::text[]) v(id, stage)"
            " WHERE o.id = v.id AND o.stage <> v.stage",
            [[key for key, _ in stages], [stage for _, stage in stages]],
        )
        if server.platform:
            connection.execute(f"TRUNCATE {LOG}")
        for table in server.tables:
            connection.execute(f"VACUUM ANALYZE {table}")
        connection.execute("CHECKPOINT")


def postgresql(database: str) -> Any:
    """A connection to a database of the benchmark's PostgreSQL."""
    import psycopg

    return psycopg.connect(host="127.0.0.1", port=PGPORT, user="postgres", dbname=database, autocommit=True)


def postmaster() -> int:
    """Process id of the benchmark's PostgreSQL, whose children are its connections."""
    folder = os.environ.get("PGDATA", f"{WORK}/pg/data")
    return int(Path(folder, "postmaster.pid").read_text().splitlines()[0])
