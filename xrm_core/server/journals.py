"""How the journal of a database is, which no restore takes back: for the doctor, and for who has restored something."""

from dataclasses import dataclass

from sqlalchemy import func, inspect, select

from xrm_core.jobs.replaying import ReplayPending, lost, usable
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage.engines import Database
from xrm_core.storage.journal_tables import JOURNAL_ENTRY, journal_mark

NO_STORE = "There is no key store, so a backup that is restored brings back what was erased since."
"""What holds without one."""


@dataclass(frozen=True, slots=True)
class JournalState:
    """What is known of a database.

    Args:
        kept: whether there is a journal at all, so that there is something to know.
        usable: whether there can be one, by what settings say.
        there: whether what settings name is there, and is that of the data.
        lost: entries that a restore has taken back.
        unwritten: entries that are in the data alone.
    """

    kept: bool = False
    usable: bool = False
    there: bool = False
    lost: int = 0
    unwritten: int = 0


def journal_state(database: Database, store: KeyStore) -> JournalState:
    """Look at it. Blocking.

    Raises:
        SealingUnavailable, DatabaseUnavailable: the key store does not answer.
    """
    with database.read() as connection:
        if not inspect(connection).has_table(JOURNAL_ENTRY.name):  # a backup of an older version
            return JournalState()
        mark = journal_mark(connection)
        entries = connection.scalar(select(func.count()).select_from(JOURNAL_ENTRY)) or 0
        waiting = select(func.count()).select_from(JOURNAL_ENTRY).where(JOURNAL_ENTRY.c.written_at.is_(None))
        unwritten = connection.scalar(waiting) or 0
    if mark is None and not entries:
        return JournalState()
    if not usable(store):
        return JournalState(kept=True, unwritten=unwritten)
    if mark is None:
        return JournalState(True, True, True, 0, unwritten)
    try:
        missing = lost(database, store, mark)
    except ReplayPending:
        return JournalState(kept=True, usable=True, unwritten=unwritten)
    return JournalState(True, True, True, len(missing), unwritten)
