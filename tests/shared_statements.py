"""Statements are compiled once for all databases of the tests, as a server does it for its one database.

SQLAlchemy keeps compiled statements by engine and dialect. Each test has an engine of its own, which would compile anew
what thousands before it have said, and ask PostgreSQL anew which version it is.
"""

from typing import Any

from sqlalchemy import URL, Dialect, Engine
from sqlalchemy.util import LRUCache

from xrm_core.storage import engines

_KEPT = 2_000
"""Statements for each kind of database. They hold the tables of their tests."""

_MAKE = engines._engine


class _Shared:
    """What the engines of one kind of database share from when one of them has found its server."""

    def __init__(self) -> None:
        self._seen: list[Dialect] = []
        self._compiled: LRUCache[Any, Any] = LRUCache(_KEPT)

    def put_into(self, engine: Engine) -> None:
        known = next((each for each in self._seen if each.server_version_info is not None), None)
        if known is None:
            self._seen.append(engine.dialect)
            return
        engine.dialect.initialize = _nothing_to_find  # type: ignore[method-assign]
        engine.dialect = engine.pool._dialect = known
        engine._compiled_cache = self._compiled


def _nothing_to_find(_connection: Any) -> None:
    """It is known already."""


def share() -> None:
    """From now on, in this process."""
    shared: dict[str, _Shared] = {}

    def make(url: URL, pool: int, options: str, *, makes: bool) -> Engine:
        engine = _MAKE(url, pool, options, makes=makes)
        shared.setdefault(url.get_backend_name(), _Shared()).put_into(engine)
        return engine

    engines._engine = make
