"""Databases with a world, made once for each pack: to make one takes longer than most tests of what is written."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.postgres_worlds import lender
from xrm_core.storage.engines import Database
from xrm_core.storage.mask_hash import new_key

_MADE: dict[Any, tuple[bytes, dict[str, str]]] = {}


def prepared(database: Database, key: Any, make: Callable[[Database], dict[str, str]]) -> dict[str, str] | None:
    """Put the world of this key where the database shall be, if it is a file that is not there yet; its users.

    ``make`` makes it in another one; each has a key of masks of its own. On PostgreSQL the database becomes another
    one, see ``tests/postgres_worlds.py``.
    """
    if (worlds := lender(database)) is not None:
        lent: dict[str, str] | None = worlds.lend(database, key, make)
        return lent
    path = Path(database.url.database) if database.is_sqlite and database.url.database else None
    if path is None or path.exists():
        return None
    if key not in _MADE:
        with TemporaryDirectory() as folder:
            pattern = Path(folder, "pattern.db")
            with closing(Database(f"sqlite:///{pattern}")) as other:
                users = make(other)
            _MADE[key] = pattern.read_bytes(), users
            assert not pattern.with_name("pattern.db-wal").exists()
    content, users = _MADE[key]
    path.write_bytes(content)
    change_mask_key(path)
    return users


def change_mask_key(path: Path) -> None:
    """Give a copy of a database a key of its own."""
    with closing(sqlite3.connect(path)) as connection, connection:
        own = new_key()
        connection.execute(f"UPDATE xrm_mask_key SET {', '.join(f'{name} = :{name}' for name in own)}", own)
