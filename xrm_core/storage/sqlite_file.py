"""How an SQLite file is opened: it is made at most once."""

import sqlite3
from pathlib import Path


class FileOpener:
    """Opens connections to a file.

    SQLite makes a file that is not there. Once it was opened, one that is gone was removed, with the tenant whose it
    was, say: to make it anew would answer from an empty database, and leave it there.

    Args:
        file: its path.
        makes: whether it is made if it is not there at first.
    """

    def __init__(self, file: Path, *, makes: bool) -> None:
        self._uri = file.absolute().as_uri()
        self._makes = makes

    def __call__(self) -> sqlite3.Connection:
        """Raises sqlite3.OperationalError: it cannot be opened, or is not there (any more)."""
        mode = "rwc" if self._makes else "rw"
        found = sqlite3.connect(f"{self._uri}?mode={mode}", uri=True, check_same_thread=False)
        self._makes = False
        return found
