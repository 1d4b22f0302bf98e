"""A process that has imported the platform and becomes many: to import it takes longer than what most are wanted for.

``python -m tests.nursery`` with a socket as standard input. Each line there is the order for a process, see
:mod:`tests.nursed`, and comes with the files that are to be its standard input, output and error, and with a pipe for
what becomes of it: its number, and how it has ended.
"""

import gc
import importlib
import io
import json
import os
import signal
import socket
import sys
from typing import Any

AT_HAND = (
    "xrm_core.cli.main",
    "xrm_core.cli.demo_mode",
    "xrm_core.cli.server_process",
    "xrm_core.cli.worker",
    "xrm_core.cli.workplace",
    "xrm_core.storage.draft_sqlite",
    "xrm_core.storage.phases_postgresql",
    "tests.jobs.process",
    "tests.storage.killed_apply",
    "asyncio",
    "sqlite3",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)
"""What most of them need. Nothing of it begins a thread or opens a file that stays open."""


def serve() -> dict[str, Any] | None:
    """Carry out orders until nobody gives any. In a process that was ordered it ends at once, with the order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever gives the orders
    for name in AT_HAND:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    orders = socket.socket(fileno=os.dup(0))
    while True:
        text, files, _, _ = socket.recv_fds(orders, 1 << 16, 4)
        while text and not text.endswith(b"\n"):
            text += orders.recv(1 << 16)
        if not text:
            return None
        if os.fork() == 0:
            orders.close()
            order: dict[str, Any] = json.loads(text)
            _begin(files)
            return order
        for file in files:
            os.close(file)
        _forget_those_that_ended()


def _forget_those_that_ended() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass


def _begin(files: list[int]) -> None:
    """Begin the process that was ordered, and tell of it; returns in that process only."""
    *standard, tell = files
    number = os.fork()
    if number:
        for file in (0, 1, 2, *standard):
            os.close(file)
        os.write(tell, f"{number}\n".encode())
        _, status = os.waitpid(number, 0)
        os.write(tell, f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    for place, file in enumerate(standard):
        os.dup2(file, place)
    for file in files:
        os.close(file)


def become(order: dict[str, Any]) -> None:
    """Run the code of an order as Python does it with ``-c``, in its folder and with its environment."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = ["-c", *order["words"]]
    places = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = ["", *(place for place in places if place not in sys.path), *sys.path[1:]]
    sys.stdin, sys.stdout, sys.stderr = _stream(0, "rb"), _stream(1, "wb"), _stream(2, "wb")
    exec(compile(order["code"], "<string>", "exec"), {"__name__": "__main__"})


def _stream(file: int, mode: str) -> io.TextIOWrapper:
    errors = "backslashreplace" if file == 2 else None
    return io.TextIOWrapper(os.fdopen(file, mode, closefd=False), "utf-8", errors, write_through=file == 2)


if __name__ == "__main__" and (ordered := serve()) is not None:
    become(ordered)
