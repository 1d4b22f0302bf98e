"""Processes of the platform that begin at once, from a nursery that has imported it.

They are processes like others: with their own folder, environment, files and signals. What is imported, and whether all
of it is, shows only in those that Python starts itself: see ``tests/e2e``, ``tests/docs/test_readme.py`` and
``tests/cli/test_main.py``.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, TextIO

REPOSITORY = Path(__file__).parents[1]
COMMAND_LINE = "from xrm_core.cli.main import main; main()"
"""The code of ``xrm``."""

_ORDERING = threading.Lock()


class Nursed:
    """A process that runs code as ``python -c`` does, with the part of :class:`subprocess.Popen` that tests need.

    Args:
        code: what it runs.
        words: its arguments.
        cwd, env: its folder and its environment.
        stderr: where it writes its errors: a file, or as this process does.

    What it prints is read from ``stdout``, and nobody writes to it.
    """

    def __init__(
        self, code: str, words: Sequence[str], *, cwd: Path, env: Mapping[str, str], stderr: IO[str] | None = None
    ) -> None:
        order = {"code": code, "words": list(words), "cwd": str(cwd), "env": dict(env)}
        reads, prints = os.pipe()
        self._told, tells = os.pipe()
        self.stdout: TextIO = os.fdopen(reads, "r", encoding="utf-8")
        errors = 2 if stderr is None else stderr.fileno()
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            with _ORDERING:
                text = json.dumps(order).encode() + b"\n"
                nursery = _nursery()
                sent = socket.send_fds(nursery, [text], [nothing, prints, errors, tells])
                nursery.sendall(text[sent:])
        finally:
            for file in (nothing, prints, tells):
                os.close(file)
        self._line = b""
        self.returncode: int | None = None
        number = self._tells(None)
        assert number is not None, "the nursery ended"
        self.pid = number

    def _tells(self, timeout: float | None) -> int | None:
        """The next number that is told of it; None if there is none yet."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self._line.endswith(b"\n"):
            left = None if until is None else max(0.0, until - time.monotonic())
            if not select.select([self._told], [], [], left)[0]:
                return None
            more = os.read(self._told, 1)
            if not more:
                return None
            self._line += more
        number, self._line = int(self._line), b""
        return number

    def poll(self) -> int | None:
        """How it ended: an exit code, or a signal's number below 0; None while it runs."""
        if self.returncode is None and (code := self._tells(0)) is not None:
            self.returncode = code
            os.close(self._told)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        if self.returncode is None and (code := self._tells(timeout)) is not None:
            self.returncode = code
            os.close(self._told)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("nursed", timeout or 0)
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Nothing happens if it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """At once."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> "Nursed":
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.stdout.close()
        self.wait()


def run(code: str, *words: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    """Run code to its end, in the folder of the tests and without settings from outside.

    What takes longer than ``timeout`` seconds is killed.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XRM_")}
    with tempfile.TemporaryFile("w+") as errors:
        process = Nursed(code, words, cwd=REPOSITORY, env=environment, stderr=errors)
        ending = threading.Timer(timeout, process.kill)
        ending.start()
        try:
            with process:
                said = process.stdout.read()
        finally:
            ending.cancel()
        errors.seek(0)
        return subprocess.CompletedProcess(words, process.wait(), said, errors.read())


@cache
def _nursery() -> socket.socket:
    """The orders of the one nursery of this process."""
    ours, theirs = socket.socketpair()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XRM_")}
    with theirs:
        started = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery"],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            cwd=REPOSITORY,
            env=environment,
        )

    def end() -> None:
        ours.close()
        started.wait(60)

    atexit.register(end)
    return ours
