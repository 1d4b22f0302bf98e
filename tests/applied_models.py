"""Databases of apps of ``xrm_core.testing`` with a model that has been applied before: setups that differ in policies,
settings or in what they begin with have the same tables, and to make these takes longer than most of their tests.
"""

import itertools
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, update

from tests.records.prepared_worlds import change_mask_key
from xrm_core.metadata.model import Model
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.mask_hash import new_key
from xrm_core.storage.system import MASK_KEY
from xrm_core.testing import prepared

Along = Callable[[Connection, Model], Any]


class Applied:
    """Takes the place of :func:`~xrm_core.storage.apply.apply` there: the database becomes a copy of one that has the
    model, with a key of masks of its own, and then gets what goes along.
    """

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        self._patterns: dict[tuple[URL, str], str] = {}
        self._numbers = itertools.count()

    def __call__(self, database: Database, model: Model, *, along: Along) -> None:
        """As far as an empty database is concerned."""
        place = Path(str(database.url.database)) if database.is_sqlite else None
        if place is not None and place.exists():  # what it should begin with has failed there before
            apply(database, model, along=along)
            return
        if place is not None:
            self._copy_file(place, model)
        else:
            self._copy_database(database, model)
        with database.begin() as connection:
            along(connection, model)

    def _copy_file(self, place: Path, model: Model) -> None:
        if model.fingerprint not in self._files:
            with TemporaryDirectory() as folder:
                file = Path(folder, "pattern.db")
                with closing(Database(f"sqlite:///{file}")) as made:
                    apply(made, model)
                self._files[model.fingerprint] = file.read_bytes()
                assert not file.with_name("pattern.db-wal").exists()
        place.write_bytes(self._files[model.fingerprint])
        change_mask_key(place)

    def _copy_database(self, database: Database, model: Model) -> None:
        server = database.url.set(database="postgres")
        key = server, model.fingerprint
        if key not in self._patterns:
            name = f"applied_{next(self._numbers)}"
            _say(server, f"CREATE DATABASE {name}")
            with closing(Database(_text(server.set(database=name)))) as made:
                apply(made, model)
            self._patterns[key] = name
        database.close()
        own = database.url.database
        _say(
            server,
            f"DROP DATABASE {own} WITH (FORCE)",
            f"CREATE DATABASE {own} TEMPLATE {self._patterns[key]} STRATEGY FILE_COPY",
        )
        Database.__init__(database, _text(database.url), database.pool)
        with database.begin() as connection:
            connection.execute(update(MASK_KEY).values(**new_key()))


def _say(server: URL, *statements: str) -> None:
    with psycopg.connect(_text(server.set(drivername="postgresql")), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def apply_once() -> None:
    """From now on, in this process."""
    if not isinstance(prepared.apply, Applied):
        prepared.apply = Applied()  # type: ignore[assignment]
