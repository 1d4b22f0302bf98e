"""What is measured: how each server is started, and as whom it is asked. Paths and ports come from the environment."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
WORK = Path(os.environ.get("BENCH_WORK", HERE / "work")).absolute()
"""Databases, request bodies and logs."""

BODIES = WORK / "bodies"
PACK = HERE / "pack"
PGPORT = os.environ.get("PGPORT", "55432")
REFERENCE_SQLITE = WORK / "reference.sqlite"
REFERENCE_DB, PLATFORM_DB = "bench_reference", "bench_xrm"
PLATFORM_SQLITE = WORK / "xrm.sqlite"

ROLES = ["admin", "bench_rep"]
TOKENS = {"admin": "bench-token-of-the-administrator", "bench_rep": "bench-token-of-the-representative"}
"""The databases are thrown away, so their tokens may be known."""


def postgresql_url(database: str) -> str:
    """The benchmark's own PostgreSQL: loopback, no password."""
    return f"postgresql://postgres@127.0.0.1:{PGPORT}/{database}"


@dataclass(frozen=True)
class Server:
    """One server process. ``tables`` are the names of the contacts' and the opportunities' table in its database."""

    name: str
    command: list[str]
    port: int
    path: str
    platform: bool
    postgresql: bool
    database: str
    tables: tuple[str, str]
    env: dict[str, str] = field(default_factory=dict)

    def bodies(self, role: str) -> str:
        """Folder of the request bodies below :data:`BODIES`."""
        return "graphql" if self.platform else f"limit-{role}"

    def authorization(self, role: str) -> str:
        """Value of the HTTP header, empty for none."""
        return f"Bearer {TOKENS[role]}" if self.platform else ""


def _limit(name: str, port: int, env: dict[str, str]) -> Server:
    uvicorn = [sys.executable, "-m", "uvicorn", "limit_app:app", "--app-dir", str(HERE), "--host", "127.0.0.1"]
    how = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning", "--workers", "1"]
    postgresql = "DATABASE_URL" in env
    database = REFERENCE_DB if postgresql else str(REFERENCE_SQLITE)
    tables = ("contacts", "opportunities")
    return Server(name, [*uvicorn, "--port", str(port), *how], port, "/", False, postgresql, database, tables, env)


def _platform(name: str, port: int, postgresql: bool) -> Server:
    url = postgresql_url(PLATFORM_DB) if postgresql else f"sqlite:///{PLATFORM_SQLITE}"
    database = PLATFORM_DB if postgresql else str(PLATFORM_SQLITE)
    command = [*xrm("serve"), "--database", url, "--port", str(port)]
    env = {"XRM_DATA_DIR": str(WORK / "xrm-data")}
    return Server(name, command, port, "/graphql", True, postgresql, database, ("contact", "opportunity"), env)


def xrm(*command: str) -> list[str]:
    """A command of the platform on the benchmark's pack, run by this Python."""
    start = "from xrm_core.cli.main import main; main()"
    # Not from where it is started, which may be another copy of the platform.
    return [sys.executable, "-P", "-c", start, *command, "--schemas", str(PACK)]


_POSTGRESQL = {"DATABASE_URL": postgresql_url(REFERENCE_DB)}
SERVERS = {
    server.name: server
    for server in (
        _limit("limit", 5006, _POSTGRESQL),
        _limit("limit-lean", 5007, {**_POSTGRESQL, "LIMIT_POOL": "lean"}),
        _platform("xrm", 5020, True),
        _limit("limit-sqlite", 5008, {"SQLITE_PATH": str(REFERENCE_SQLITE)}),
        _platform("xrm-sqlite", 5021, False),
    )
}
