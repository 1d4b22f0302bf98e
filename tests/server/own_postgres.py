"""A PostgreSQL of one test, which may be killed and started again. It keeps what it has acknowledged."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg

from tests import postgres
from tests.postgres import PostgresServer
from xrm_core.storage.engines import Database
from xrm_core.storage.system_upgrade import upgrade_system

START_SECONDS = 300
"""For one that never begins, or never ends; on a machine where much else runs it may take a minute."""

# As for the tests' own server: it ends when the pipe at its input closes, also if this process is killed.
_WHILE_PIPE_IS_OPEN = (
    'exec 3<&0; "$@" 3<&- & server=$!; (cat <&3 >/dev/null; kill -QUIT $server 2>/dev/null) & wait $server'
)
_OPTIONS = ("listen_addresses=", "fsync=off", "shared_buffers=32MB", "max_connections=100")
"""What is written survives the death of processes; that of the machine is not tried here."""


class OwnPostgres:
    """Started; ``server`` reaches it, ``folder`` has all that is its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = self._folder = folder
        self._user = postgres._unprivileged_user()
        binaries = postgres._find_binaries()
        if self._user is not None:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)
            binaries = postgres._reachable(binaries, folder, self._user)
        self._binaries = binaries
        postgres._init(binaries, folder, self._user)
        self.server = PostgresServer(folder)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, again if it was killed; waits until it answers."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            self._launch()
            while self._process is not None and self._process.poll() is None and time.monotonic() < until:
                with suppress(psycopg.OperationalError):
                    self.server.execute("SELECT 1")
                    return
                time.sleep(0.05)
            time.sleep(0.2)  # processes of the one that was killed still have its memory
        raise AssertionError((self._folder / "log").read_text()[-2000:])

    def kill(self) -> None:
        """As if its machine had lost its memory: it and all that it has started end at once."""
        first = int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(first, signal.SIGKILL)
        self.stop()

    def restart(self) -> None:
        """As an administrator does it: it ends all connections, then itself in order, and is started again."""
        first = int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(first, signal.SIGINT)
        if self._process is not None:
            self._process.wait(START_SECONDS)
        self.start()

    def stop(self) -> None:
        """End it, at once."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(START_SECONDS)
            self._process = None

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a database with the system tables; not one that is kept for others, whose connections are cut."""
        with self.server.database(empty=True) as url:
            with closing(Database(url)) as made:
                upgrade_system(made)
            yield url

    def cut(self, database: str) -> None:
        """End all connections to a database."""
        with suppress(psycopg.OperationalError):
            self.server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")

    def _launch(self) -> None:
        self.stop()
        settings = [*_OPTIONS, f"unix_socket_directories={self._folder}"]
        command = [str(self._binaries / "postgres"), "-D", str(self._folder / "data")]
        command += [part for setting in settings for part in ("-c", setting)]
        with (self._folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _WHILE_PIPE_IS_OPEN, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                **postgres._as(self._user),
            )


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """One that nobody else has."""
    folder = Path(tempfile.mkdtemp(prefix="xrm-pg-", dir=postgres._place()))
    found = None
    try:
        found = OwnPostgres(folder)
        yield found
    finally:
        if found is not None:
            found.stop()
        shutil.rmtree(folder, ignore_errors=True)
