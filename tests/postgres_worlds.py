"""Worlds on the tests' PostgreSQL, each in a database of its own that the next test finds as it was made.

To make the tables of a model takes longer than most tests that write into them.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import URL, make_url

from tests.postgres_databases import PreparedDatabase
from xrm_core.storage.engines import Database

_LENDERS: dict[URL, "Worlds"] = {}
"""Database that somebody has → who may give another for it."""


class Worlds:
    """Those of one server.

    Args:
        url: name of a database → URL.
        take: a database with nothing but the system tables.
        drop: does away with one.
    """

    def __init__(
        self,
        url: Callable[[str], str],
        take: Callable[[], PreparedDatabase],
        drop: Callable[[PreparedDatabase], None],
    ) -> None:
        self._url, self._take, self._drop = url, take, drop
        self._asked: Counter[Any] = Counter()
        self._free: dict[Any, list[tuple[PreparedDatabase, Any]]] = defaultdict(list)
        self._lent: dict[str, list[tuple[Any, PreparedDatabase, Any]]] = {}

    @contextmanager
    def for_whom_has(self, name: str) -> Iterator[None]:
        """For so long somebody has this database, and may have a world in its place."""
        url = make_url(self._url(name))
        self._lent[name], _LENDERS[url] = [], self
        try:
            yield
        finally:
            del _LENDERS[url]
            for key, prepared, told in self._lent.pop(name):
                if prepared.clean() and prepared.weighs_the_same():
                    self._free[key].append((prepared, told))
                else:
                    self._drop(prepared)

    def lend(self, database: Database, key: Any, make: Callable[[Database], Any]) -> Any:
        """Make an unused database one with the world of this key; what ``make`` has told of it. None: not worth it."""
        name = str(database.url.database)
        self._asked[key] += 1
        if self._asked[key] == 1:
            return None  # most are asked for once
        prepared, told = self._free[key].pop() if self._free[key] else self._made(make)
        self._lent[name].append((key, prepared, told))
        database.close()
        Database.__init__(database, self._url(prepared.name), database.pool)
        return told

    def _made(self, make: Callable[[Database], Any]) -> tuple[PreparedDatabase, Any]:
        empty = self._take()
        with closing(Database(self._url(empty.name))) as database:
            told = make(database)
        return PreparedDatabase.as_it_is(empty.name, empty.connection), told

    def close(self) -> None:
        """Let go of the connections that clean."""
        for free in self._free.values():
            for prepared, _ in free:
                prepared.connection.close()


def lender(database: Database) -> Worlds | None:
    """Who may give a world in the place of this database, if nobody has used it yet."""
    if database.is_sqlite or database.schema is not None or database.use().open:
        return None
    return _LENDERS.get(database.url)
