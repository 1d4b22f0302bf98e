"""The journal that a restore does not take back: written beside the keys, read when data come to a server."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from xrm_core.sealed.key_store import KeyStore
from xrm_core.sealed.tables import JOURNAL
from xrm_core.storage.journal_tables import journal_mark, made_journal_mark

MARK = "mark"
"""Kind of what says that a mark is known: a store that has none is another one, or was lost."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """Something that was done. ``content`` is JSON, ``kept_at`` a moment as the database has it."""

    id: str
    kind: str
    content: str
    kept_at: Any


def write_entries(store: KeyStore, mark: str, entries: Collection[JournalEntry]) -> None:
    """Write entries of the data with a mark; those that are there already stay as they are.

    Raises:
        SealingUnavailable: there is no store.
    """
    database = store.database
    insert = sqlite.insert(JOURNAL) if database.is_sqlite else postgresql.insert(JOURNAL)
    with database.begin() as connection:
        for each in entries:
            values = {"id": each.id, "mark": mark, "kind": each.kind, "content": each.content, "kept_at": each.kept_at}
            connection.execute(insert.values(values).on_conflict_do_nothing())


def known_mark(connection: Connection, store: KeyStore) -> str:
    """The mark of the data of a write transaction, made if there is none; the journal knows it before that commits.

    Raises:
        SealingUnavailable, DatabaseUnavailable: there is no store, or it does not answer; no mark is made then.
    """
    found = journal_mark(connection)
    if found is None:
        found = made_journal_mark(connection)
        write_entries(store, found, [JournalEntry(found, MARK, "{}", dt.datetime.now(dt.UTC))])
    return found


def entry_kinds(store: KeyStore, mark: str) -> Mapping[str, str]:
    """The kinds of all entries of the data with a mark, by their ids, in the order in which they were made, with that
    which says that the mark is known. None: the store is not that of these data.

    Raises:
        SealingUnavailable: there is no store.
    """
    query = select(JOURNAL.c.id, JOURNAL.c.kind).where(JOURNAL.c.mark == mark).order_by(JOURNAL.c.id)
    with store.database.read() as connection:
        return {str(row.id): str(row.kind) for row in connection.execute(query)}


def read_entry(store: KeyStore, mark: str, id_: str) -> JournalEntry:
    """One of them."""
    with store.database.read() as connection:
        row = connection.execute(select(JOURNAL).where(JOURNAL.c.mark == mark, JOURNAL.c.id == id_)).one()
    return JournalEntry(str(row.id), str(row.kind), str(row.content), row.kept_at)
