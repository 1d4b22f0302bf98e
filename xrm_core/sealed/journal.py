"""The journal that a restore does not take back: written beside the keys, read when data come to a server."""

import datetime as dt
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from xrm_core.sealed.key_store import KeyStore
from xrm_core.sealed.tables import JOURNAL
from xrm_core.storage.journal_tables import journal_mark, made_journal_mark

MARK = "mark"
"""Kind of what says that a mark is known: a store that has none is another one, or was lost."""

_PRUNED_TO = "pruned_to"


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
    """One of them. Raises sqlalchemy.exc.NoResultFound: there is none."""
    with store.database.read() as connection:
        row = connection.execute(select(JOURNAL).where(JOURNAL.c.mark == mark, JOURNAL.c.id == id_)).one()
    return JournalEntry(str(row.id), str(row.kind), str(row.content), row.kept_at)


def prune_entries(store: KeyStore, mark: str, newest: str) -> int:
    """Let entries go, up to one that stays known by its id; answers how many. Ids are in the order of time.

    Data that have not that one are older than what the journal can tell of.
    """
    with store.database.begin() as connection:
        mine = JOURNAL.c.mark == mark
        said = json.dumps({_PRUNED_TO: newest})
        connection.execute(update(JOURNAL).where(mine, JOURNAL.c.id == mark).values(content=said))
        old = delete(JOURNAL).where(mine, JOURNAL.c.id <= newest, JOURNAL.c.kind != MARK)
        return connection.execute(old).rowcount


def pruned_to(store: KeyStore, mark: str) -> str | None:
    """The id of the newest entry that was let go; None: none was."""
    with store.database.read() as connection:
        said = connection.scalar(select(JOURNAL.c.content).where(JOURNAL.c.mark == mark, JOURNAL.c.id == mark))
    found = json.loads(said).get(_PRUNED_TO) if said else None
    return None if found is None else str(found)
