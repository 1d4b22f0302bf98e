"""The files of a database as bytes: what somebody has who takes its disk."""

from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import text

from tests.postgres import PostgresServer
from xrm_core.storage.engines import Database

_SQLITE = ("", "-wal", "-shm", "-journal")


def raw_files(database: Database, server: Callable[[], PostgresServer]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file in which there may be values of a database.

    Args:
        database: SQLite: its file and journals. PostgreSQL: the data directory with the log of changes (WAL), but for
            other databases of the same server, which other tests have.
        server: the tests' PostgreSQL, asked for only if the database is there.
    """
    if database.is_sqlite:
        for end in _SQLITE:
            path = Path(f"{database.url.database}{end}")
            if path.exists():
                yield path.name, path.read_bytes()
        return
    with database.read() as connection:
        own = connection.scalar(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
    folder = server().folder / "data"
    bases = folder / "base"
    inside = [each for each in sorted(folder.iterdir()) if each != bases]
    for each in (bases / str(own), *inside):
        for path in sorted(each.rglob("*")) if each.is_dir() else [each]:
            if path.is_file():
                yield str(path.relative_to(folder)), path.read_bytes()
