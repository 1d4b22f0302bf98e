"""Databases of apps of ``xrm_core.testing``, cleaned for the next test instead of made and dropped for each: to copy
one, and to open connections to one that nobody has used yet, takes longer than to clean it.
"""

import psycopg
from sqlalchemy import make_url

from tests.postgres_databases import PreparedDatabase
from xrm_core.testing import prepared


class Reused(prepared._Postgres):
    """Those of one setup."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._free: list[PreparedDatabase] = []
        self._lent: dict[str, PreparedDatabase] = {}

    def _take(self) -> str:
        found = self._free.pop() if self._free else self._copied()
        self._lent[found.name] = found
        return found.name

    def _copied(self) -> PreparedDatabase:
        name = super()._take()
        url = make_url(self._of(name)).set(drivername="postgresql").render_as_string(hide_password=False)
        return PreparedDatabase.as_it_is(name, psycopg.connect(url, autocommit=True))

    def _give_back(self, name: str) -> None:
        found = self._lent.pop(name)
        if found.clean() and found.weighs_the_same():
            self._free.append(found)
            return
        found.connection.close()
        super()._give_back(name)

    def close(self) -> None:
        """Remove what is on the server."""
        for each in self._free:
            each.connection.close()
            super()._give_back(each.name)
        self._free.clear()
        super().close()


def reuse() -> None:
    """From now on, in this process."""
    prepared._Postgres = Reused  # type: ignore[misc]
