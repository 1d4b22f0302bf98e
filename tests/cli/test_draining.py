"""How a server ends: it says that it is not ready, refuses what is new, and answers what is under way."""

import json
import signal
import socket
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.cli.conftest import Server, Xrm

SECONDS = 20
MAKE = 'mutation { createBook(input: {title: "the last"}) { title } }'
COUNT = "{ books { totalCount } }"


@dataclass
class Ending:
    """A server with a change under way that waits for somebody who holds the database."""

    server: Server
    token: str
    holder: sqlite3.Connection
    answers: list[tuple[int, Any]] = field(default_factory=list)
    thread: threading.Thread | None = None

    def change(self) -> None:
        self.thread = threading.Thread(target=self._change, daemon=True)
        self.thread.start()
        time.sleep(0.5)  # the server has it
        assert self.answers == []

    def _change(self) -> None:
        with suppress(OSError):  # given up
            self.answers.append(self.server.graphql(self.token, MAKE))

    def ready(self) -> tuple[int, dict[str, str]]:
        try:
            with urllib.request.urlopen(f"{self.server.url}health/ready", timeout=SECONDS) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def until_not_ready(self) -> None:
        deadline = time.monotonic() + SECONDS
        while self.ready() != (503, {"status": "not ready", "code": "SHUTTING_DOWN"}):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def count(self) -> int:
        with closing(sqlite3.connect(self.server.data / "xrm.db")) as connection:
            return int(connection.execute("SELECT count(*) FROM book").fetchone()[0])


@pytest.fixture
def ending(request: pytest.FixtureRequest, applied: Path, xrm: Xrm, tmp_path: Path) -> Iterator[Ending]:
    xrm("user", "create", "--email", "ada@example.com", "--role", "clerk")
    token = xrm("token", "create", "ada@example.com").out.strip()
    (tmp_path / "xrm-data").rename(tmp_path / "data")
    settings = getattr(request, "param", {})
    server = Server(tmp_path, "--schemas", applied, **settings)
    with closing(sqlite3.connect(server.data / "xrm.db", isolation_level=None, check_same_thread=False)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        made = Ending(server, token, holder)
        try:
            yield made
        finally:
            if holder.in_transaction:
                holder.execute("ROLLBACK")
            server.stop(signal.SIGKILL)
            if made.thread is not None:
                made.thread.join(SECONDS)


def test_what_is_under_way_is_answered_and_what_is_new_is_refused(ending: Ending) -> None:
    # given a change under way
    ending.change()
    assert ending.ready() == (200, {"status": "ready"})

    # when the server is told to end
    ending.server.process.send_signal(signal.SIGTERM)
    ending.until_not_ready()
    time.sleep(0.2)
    status, answer = ending.server.graphql(ending.token, COUNT)

    # then
    assert (status, answer["errors"][0]["extensions"]["code"]) == (503, "SHUTTING_DOWN")
    assert ending.answers == []
    ending.holder.execute("ROLLBACK")
    assert ending.server.process.wait(SECONDS) == 0
    assert ending.thread is not None
    ending.thread.join(SECONDS)
    assert ending.answers == [(200, {"data": {"createBook": {"title": "the last"}}})]
    assert ending.count() == 1
    assert ending.server.errors() == ""


@pytest.mark.parametrize("ending", [{"XRM_GRACE_SECONDS": "0.2", "XRM_DRAIN_SECONDS": "0.7"}], indirect=True)
def test_it_takes_what_still_comes_for_a_while_and_waits_for_nothing_for_ever(ending: Ending) -> None:
    ending.change()
    began = time.monotonic()
    ending.server.process.send_signal(signal.SIGTERM)

    ending.until_not_ready()
    status, answer = ending.server.graphql(ending.token, COUNT)
    assert (status, answer) == (200, {"data": {"books": {"totalCount": 0}}})

    assert ending.server.process.wait(SECONDS) == 0  # though somebody still holds the database
    assert 0.9 < time.monotonic() - began < 10
    assert "requests_given_up" in ending.server.errors()
    ending.holder.execute("ROLLBACK")
    assert ending.count() == 0
    assert ending.thread is not None
    ending.thread.join(SECONDS)
    [(status, answer)] = ending.answers
    assert (status, answer["errors"][0]["extensions"]["code"]) == (503, "SHUTTING_DOWN")
    assert answer["errors"][0]["message"] == "The server had to end before this request did."


def test_a_second_signal_ends_it_at_once(ending: Ending) -> None:
    ending.change()
    ending.server.process.send_signal(signal.SIGTERM)
    ending.until_not_ready()
    began = time.monotonic()
    ending.server.process.send_signal(signal.SIGTERM)

    assert ending.server.process.wait(SECONDS) == 0
    assert time.monotonic() - began < 5


def test_figures_have_a_port_of_their_own(applied: Path, tmp_path: Path, xrm: Xrm) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    (tmp_path / "xrm-data").rename(tmp_path / "data")
    server = Server(tmp_path, "--schemas", applied, XRM_METRICS_PORT=str(port))
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=SECONDS) as answer:
            text = answer.read().decode()
        with pytest.raises(urllib.error.HTTPError, match="404") as elsewhere:
            server.get("metrics")
        elsewhere.value.close()
        with pytest.raises(urllib.error.HTTPError, match="404") as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/graphql", timeout=SECONDS)
        refused.value.close()
    finally:
        code = server.stop()

    assert "process_cpu_seconds_total" in text
    assert code == 0


class Collector(BaseHTTPRequestHandler):
    """Takes what is sent by OTLP."""

    taken: ClassVar[list[tuple[str, bytes]]] = []

    def do_POST(self) -> None:
        """Keep it."""
        self.taken.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_traces_are_sent_also_those_that_wait_at_the_end(applied: Path, tmp_path: Path) -> None:
    (tmp_path / "xrm-data").rename(tmp_path / "data")
    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        try:
            endpoint = f"http://127.0.0.1:{collector.server_port}"
            server = Server(tmp_path, "--schemas", applied, XRM_TRACES="true", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
            try:
                server.graphql("xrm_unknown", COUNT)
            finally:
                code = server.stop()
        finally:
            collector.shutdown()

    assert code == 0
    assert {path for path, _ in Collector.taken} == {"/v1/traces"}
    assert b"POST /graphql" in b"".join(body for _, body in Collector.taken)


def test_a_collector_that_does_not_answer_holds_up_no_end(applied: Path, tmp_path: Path) -> None:
    (tmp_path / "xrm-data").rename(tmp_path / "data")
    settings = {"XRM_TRACES": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    server = Server(tmp_path, "--schemas", applied, **settings)
    server.graphql("xrm_unknown", COUNT)
    began = time.monotonic()

    assert server.stop() == 0
    assert time.monotonic() - began < 5
