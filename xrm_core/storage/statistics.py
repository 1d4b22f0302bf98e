"""How many records share a value of each index, by which SQLite chooses among indexes. PostgreSQL counts by itself.

Without it SQLite guesses ten for every index: it looks a customer's contacts up among all contacts of their owner, if a
row rule names the owner.
"""

from sqlalchemy import Connection, text

from xrm_core.storage.engines import Database

SAMPLE = 1000
"""Entries that are looked at in each index: a hundredth of a second for a million records."""

_TIMEOUT = 5.0


def renew_statistics(database: Database) -> bool:
    """Count again (blocking); True if connections that are open plan by other figures than there are now.

    Raises:
        DatabaseUnavailable, Timeout: somebody else writes for too long.
    """
    with database.begin(_TIMEOUT) as connection:
        before = _figures(connection)
        connection.execute(text(f"PRAGMA analysis_limit={SAMPLE}"))
        connection.execute(text("ANALYZE"))
        return before != _figures(connection)


def _figures(connection: Connection) -> list[tuple[str, str, str]]:
    if connection.scalar(text("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'")) is None:
        return []
    return [tuple(row) for row in connection.execute(text("SELECT tbl, idx, stat FROM sqlite_stat1 ORDER BY 1, 2"))]
