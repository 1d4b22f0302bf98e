"""Servers, workers, a plugin that listens and has jobs, a webhook: processes that can be killed, and clients that go on
until they are answered.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.cli.conftest import REPOSITORY, Server
from tests.server.live_kit import Installation

PATIENCE = 120.0
"""Seconds after which a client, or whoever waits for readers and jobs, gives up."""

PASSING = ("BUSY", "DATABASE_UNAVAILABLE", "IDEMPOTENCY_IN_PROGRESS", "OVERLOADED", "TIMEOUT")
"""Why a change may be refused while things are killed: each says to try again."""

SECRET = "0123456789 abcdefghij crash tests 9876543210"
PLUGIN = """
import datetime, os, time

real, now = datetime.datetime, time.time

def back():
    try:
        with open(os.environ["CRASH_CLOCK"]) as file:
            return float(file.read() or 0)
    except FileNotFoundError:
        return 0.0

class Like(type):
    def __instancecheck__(cls, value):
        return isinstance(value, real)

    def __subclasscheck__(cls, other):
        return issubclass(other, real)

class Clock(real, metaclass=Like):
    def __new__(cls, *given, **named):
        return real(*given, **named)

    @classmethod
    def now(cls, tz=None):
        return real.now(tz) - datetime.timedelta(seconds=back())

time.time = lambda: now() - back()
datetime.datetime = Clock

from xrm_core.api import JobHandler, enqueue, hookimpl


def hear(event):
    line = f"{event.record_id} {event.version}\\n".encode()
    file = os.open(os.environ["CRASH_HEARD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line)
    os.close(file)
    name = f"{event.record_id} {event.version}"
    event.records.create(event.connection, event.caller, "shop", {"name": name, "city": "heard"})


@hookimpl
def after_record_create(entity, record, event):
    if entity == "product":
        hear(event)
        enqueue(event.connection, "crash.greet", {"name": event.record_id}, key=event.id)


@hookimpl
def after_record_update(entity, changes, event):
    if entity == "product":
        hear(event)


@hookimpl
def after_record_delete(entity, before, event):
    if entity == "product":
        hear(event)


def greet(job, payload):
    with job.transaction() as connection:
        job.records.create(connection, job.caller, "shop", {"name": payload["name"], "city": "greeted"})
        job.finish(connection)


@hookimpl
def register_jobs():
    return [JobHandler("crash.greet", greet, attempts=1000)]
"""


def make_plugin(folder: Path) -> Path:
    """An installed distribution with the plugin; where it is."""
    info = folder / "crash_dist-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: crash-dist\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[xrm.plugins]\ncrash = xrm_crash\n")
    (folder / "xrm_crash.py").write_text(PLUGIN)
    return folder


class WorkerProcess:
    """``xrm worker`` as a process of its own; it works when it is made, or has ended: then ``said`` is why."""

    def __init__(self, folder: Path, *words: str | Path, **settings: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("XRM_")}
        environment |= {"XRM_DATA_DIR": str(folder / "data"), **settings}
        start = "from xrm_core.cli.main import main; main()"
        self._log = folder / "worker"
        with self._log.open("a") as log:
            self._begin = log.tell()
            command = [sys.executable, "-c", start, "worker", *map(str, words)]
            self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        # One that finds no database when it starts ends, and whoever runs it starts it anew: that is not tried here.
        until = time.monotonic() + PATIENCE
        while "is working" not in self.said and self.process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)

    @property
    def said(self) -> str:
        """What it has written."""
        with self._log.open() as log:
            log.seek(self._begin)
            return log.read()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it by a signal."""
        self.process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        self.process.kill()
        self.process.wait(30)


@dataclass
class Site:
    """All processes of an installation; each has a place of its own, and is started anew there."""

    shop: Installation
    folder: Path
    url: str
    plugin: Path
    servers: list[Server] = field(default_factory=list)
    workers: list[WorkerProcess] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        """What all processes are told."""
        return {
            "PYTHONPATH": f"{REPOSITORY}:{self.plugin}",
            "CRASH_HEARD": str(self.folder / "heard"),
            "CRASH_CLOCK": str(self.folder / "clock"),
            "XRM_SECRET_KEY": SECRET,
            "XRM_JOB_LEASE_SECONDS": "3",
            "XRM_WEBHOOK_NETWORKS": "127.0.0.1",
        }

    def server(self, number: int) -> None:
        """Start a server in its place."""
        place = self.folder / f"server{number}"
        place.mkdir(exist_ok=True)
        started = Server(place, "--schemas", self.shop.pack.folder, "--database", self.url, **self.settings)
        self.servers[number:] = [started, *self.servers[number + 1 :]]

    def worker(self, number: int) -> None:
        """Start a worker in its place."""
        place = self.folder / f"worker{number}"
        place.mkdir(exist_ok=True)
        started = WorkerProcess(place, "--schemas", self.shop.pack.folder, "--database", self.url, **self.settings)
        self.workers[number:] = [started, *self.workers[number + 1 :]]

    def set_clock_back(self, seconds: float) -> None:
        """Let all processes, also those that run, take it to be earlier; once more is earlier still."""
        file = self.folder / "clock"
        before = float(file.read_text()) if file.exists() else 0.0
        new = self.folder / "clock.new"
        new.write_text(str(before + seconds))
        new.replace(file)

    def xrm(self, *words: str) -> str:
        """What a command says that must succeed."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("XRM_")}
        environment |= {"XRM_DATA_DIR": str(self.folder / "data"), **self.settings}
        command = [sys.executable, "-c", "from xrm_core.cli.main import main; main()", *words, "--database", self.url]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End all processes."""
        processes: list[Server | WorkerProcess] = [*self.servers, *self.workers]
        for each in processes:
            with suppress(ProcessLookupError, ValueError):  # killed before, and its files are closed
                each.stop(number)

    def heard(self) -> list[tuple[str, int]]:
        """What the listener was told, in order: record and version."""
        file = self.folder / "heard"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(line.split()[0], int(line.split()[1])) for line in lines]


@dataclass
class Writer:
    """A client that creates products, changes its own by their version, and deletes some; each change has a key, with
    which it is sent until it is acknowledged. ``known`` has what must be there in the end, ``last`` the last version of
    each of its records, also of those that are gone. Some it creates and some it changes without a key, in documents of
    one field, and does not try again: of the former ``unsure`` has the names for which there was no answer, of the
    latter ``open`` the records, which it leaves alone from then on, each as it is if the change was made.
    """

    site: Site
    ended: threading.Event
    known: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    refused: list[Any] = field(default_factory=list)
    wrong: list[BaseException] = field(default_factory=list)
    repeated: int = 0
    unsure: set[str] = field(default_factory=set)
    open: dict[str, tuple[str, int, int]] = field(default_factory=dict)

    def run(self) -> None:
        """Until ``ended``."""
        try:
            while not self.ended.is_set():
                kind = random.random()
                if kind < 0.25:
                    self._create_once()
                elif kind < 0.4 and self._own():
                    self._change_once(random.choice(self._own()))
                else:
                    self._write()
                time.sleep(random.random() / 20)  # those who are told of each change have to come to an end, too
        except BaseException as error:
            self.wrong.append(error)

    def find_out(self, stored: Mapping[str, tuple[str, int, int]]) -> None:
        """Whether those without an answer were created, and changed: each once at most."""
        for id_, changed in self.open.items():
            assert stored[id_] in (changed, self.known[id_])
            self.known[id_], self.last[id_] = stored[id_], stored[id_][2]
        for name in self.unsure:
            found = [(id_, what) for id_, what in stored.items() if what[0] == name]
            assert len(found) <= 1
            for id_, what in found:
                self.known[id_], self.last[id_] = what, 1

    def _create_once(self) -> None:
        name = uuid4().hex
        query = f'mutation {{ createProduct(input: {{name: "{name}", rank: 0}}) {{ id version }} }}'
        answer = self._once(random.choice(self.site.servers).url, query, "")
        if isinstance(answer, dict) and "errors" not in answer:
            made = answer["data"]["createProduct"]
            self.known[made["id"]], self.last[made["id"]] = (name, 0, 1), 1
            return
        if isinstance(answer, dict):
            assert answer["errors"][0]["extensions"]["code"] in PASSING, answer
        self.unsure.add(name)
        time.sleep(0.05 + random.random() / 10)

    def _own(self) -> list[str]:
        """Records that it may change."""
        return sorted(self.known.keys() - self.open.keys())

    def _change_once(self, id_: str) -> None:
        name, rank, version = self.known[id_]
        changed = name, rank + 1, version + 1
        what = f'id: "{id_}", version: {version}, input: {{rank: {rank + 1}}}'
        query = f"mutation {{ updateProduct({what}) {{ rank version }} }}"
        answer = self._once(random.choice(self.site.servers).url, query, "")
        if isinstance(answer, dict) and "errors" not in answer:
            assert answer["data"]["updateProduct"] == {"rank": rank + 1, "version": version + 1}
            self.known[id_], self.last[id_] = changed, version + 1
            return
        if isinstance(answer, dict):
            assert answer["errors"][0]["extensions"]["code"] in PASSING, answer
        self.open[id_] = changed
        time.sleep(0.05 + random.random() / 10)

    def _write(self) -> None:
        name = uuid4().hex
        fields = [f'made: createProduct(input: {{name: "{name}", rank: 0}}) {{ id version }}']
        own = self._own()
        changed = random.choice(own) if own else ""
        gone = len(own) > 5 and random.random() < 0.2
        if changed:
            _, rank, version = self.known[changed]
            which = f'id: "{changed}", version: {version}'
            change = f"changed: updateProduct({which}, input: {{rank: {rank + 1}}}) {{ id version }}"
            fields.append(f"gone: deleteProduct({which}) {{ id version }}" if gone else change)
        data = self._send(f"mutation {{ {' '.join(fields)} }}", str(uuid4()))
        self.known[data["made"]["id"]] = (name, 0, 1)
        self.last[data["made"]["id"]] = 1
        if changed and gone:
            del self.known[changed]
            self.last[changed] = version + 1
        elif changed:
            assert data["changed"] == {"id": changed, "version": version + 1}
            self.known[changed] = (self.known[changed][0], rank + 1, version + 1)
            self.last[changed] = version + 1

    def _send(self, query: str, key: str) -> Any:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            answer = self._once(random.choice(self.site.servers).url, query, key)
            if isinstance(answer, dict) and "errors" not in answer:
                return answer["data"]
            self.repeated += 1
            if isinstance(answer, dict):
                code = answer["errors"][0]["extensions"]["code"]
                assert code in PASSING, answer
                self.refused.append(code)
            time.sleep(0.05 + random.random() / 10)
        raise AssertionError(f"nobody has answered to {query}")

    def _once(self, url: str, query: str, key: str) -> Any:
        headers = {"Authorization": f"Bearer {self.site.shop.token}", "Content-Type": "application/json"}
        body = json.dumps({"query": query}).encode()
        headers |= {"Idempotency-Key": key} if key else {}
        request = urllib.request.Request(f"{url}graphql", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error, suppress(OSError, HTTPException, ValueError):
                return json.load(error)
        except (OSError, HTTPException, ValueError):
            pass
        return None
