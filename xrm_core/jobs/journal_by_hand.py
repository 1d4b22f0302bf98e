"""The journal, as somebody looks at it: what is in it, and what is left out though a restore has taken it back."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import NoResultFound

from xrm_core.errors import NotFound, SettingsError
from xrm_core.jobs.replaying import PRUNED, lost
from xrm_core.sealed.journal import read_entry
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage.engines import Database
from xrm_core.storage.journal_tables import JOURNAL_ENTRY, journal_mark

_SKIPPED = "$skipped"
_log = structlog.get_logger(__name__)


class State(StrEnum):
    """How an entry stands: ``waiting`` is not in the journal yet, ``lost`` was taken back and is to be done again."""

    DONE = "done"
    WAITING = "waiting"
    LOST = "lost"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Listed:
    """An entry. ``because``: why it was skipped, and is not done again here."""

    id: str
    kind: str
    state: State
    kept_at: Any
    content: Mapping[str, Any]
    because: str | None = None


def listed(database: Database, store: KeyStore) -> list[Listed]:
    """All entries that the data have or lack, the newest first.

    Raises:
        ReplayPending: the journal is not there, or is not that of these data.
        SealingUnavailable, DatabaseUnavailable: it cannot be read.
    """
    with database.read() as connection:
        mark = journal_mark(connection)
        found = [_here(row) for row in connection.execute(select(JOURNAL_ENTRY))]
    missing = {} if mark is None else lost(database, store, mark)
    found += [_lost(store, str(mark), id_, kind) for id_, kind in missing.items()]
    return sorted(found, key=lambda each: each.id, reverse=True)


def content_of(database: Database, store: KeyStore, entry: Listed) -> Mapping[str, Any]:
    """What an entry says: the data have it until the journal has it. Nothing, if it went from there since."""
    if entry.content:
        return entry.content
    with database.read() as connection:
        mark = journal_mark(connection)
    try:
        content: Mapping[str, Any] = json.loads(read_entry(store, str(mark), entry.id).content)
    except NoResultFound:
        return {}
    return content


def skip(database: Database, store: KeyStore, id_: str, because: str) -> None:
    """Have an entry that was taken back not be done again here: it counts as done, and says why.

    Raises:
        NotFound: nothing of this id is to be done again.
        SettingsError: nothing is said of why.
    """
    if not because.strip():
        raise SettingsError("Say why it is not done again.", hint="Give --because «TEXT».")
    with database.read() as connection:
        mark = journal_mark(connection)
    missing = {} if mark is None else lost(database, store, mark)
    if id_ not in missing:
        raise NotFound(
            f"No entry {id_} is to be done again.", hint="«xrm journal list --state lost» says which ones are."
        )
    entry = _lost(store, str(mark), id_, missing[id_])
    content = json.dumps({_SKIPPED: because.strip()[:2_000]}, ensure_ascii=False)
    now = dt.datetime.now(dt.UTC)
    values = {"id": id_, "kind": entry.kind, "content": content, "kept_at": entry.kept_at or now, "written_at": now}
    with database.begin() as connection:
        _insert(connection, values)
    _log.warning("journal_skipped", entry=id_, kind=entry.kind)


def _insert(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(insert(JOURNAL_ENTRY).values(values))


def _here(row: Any) -> Listed:
    content = json.loads(row.content)
    because = content.pop(_SKIPPED, None)
    state = State.SKIPPED if because else State.WAITING if row.written_at is None else State.DONE
    return Listed(str(row.id), str(row.kind), state, row.kept_at, content, because)


def _lost(store: KeyStore, mark: str, id_: str, kind: str) -> Listed:
    if kind == PRUNED:  # what it was is not known any more
        return Listed(id_, kind, State.LOST, None, {})
    entry = read_entry(store, mark, id_)
    return Listed(id_, kind, State.LOST, entry.kept_at, json.loads(entry.content))
