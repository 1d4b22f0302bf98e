"""The key store of a setup, which all of its apps share: what one of them destroys is not destroyed for the others."""

import sqlite3
from contextlib import closing

from sqlalchemy import make_url

from xrm_core.storage.engines import is_missing

_DESTROYED = "SELECT count(*) FROM sealed_key WHERE wrapped IS NULL"


class KeptKeys:
    """A copy of a key store in a file of SQLite.

    Args:
        url: of the store; empty: there is none.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._kept: sqlite3.Connection | None = None

    def keep(self) -> None:
        """Keep it as it is now."""
        self.forget()
        if self._is_there:
            self._kept = sqlite3.connect(":memory:", check_same_thread=False)
            with closing(self._opened()) as store:
                store.backup(self._kept)

    def bring_back(self) -> None:
        """Have it as it was kept, if a key was destroyed since."""
        if self._kept is None:
            return
        with closing(self._opened()) as store:
            if store.execute(_DESTROYED).fetchone() != self._kept.execute(_DESTROYED).fetchone():
                self._kept.backup(store)

    def forget(self) -> None:
        """Keep nothing."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    @property
    def _is_there(self) -> bool:
        return self._url.startswith("sqlite") and not is_missing(self._url)

    def _opened(self) -> sqlite3.Connection:
        return sqlite3.connect(make_url(self._url).database or "", timeout=30)
