"""The step that both kinds of database have in a way of their own."""

from xrm_core.storage.engines import Database
from xrm_core.storage.vacuum.postgresql import vacuum_postgresql
from xrm_core.storage.vacuum.result import Vacuumed
from xrm_core.storage.vacuum.sqlite import vacuum_sqlite


def vacuum(database: Database, wait: float) -> Vacuumed:
    """Rewrite a database so that its files hold nothing but what is in its rows (blocking, minutes for a large one).

    Args:
        database: which one.
        wait: seconds to wait for others at each step: for locks, for transactions that began before.

    Raises:
        Busy: on SQLite, others have it for too long; nothing was done.
        DatabaseUnavailable: it does not answer, or has no room on its disk.
    """
    return vacuum_sqlite(database, wait) if database.is_sqlite else vacuum_postgresql(database, wait)
