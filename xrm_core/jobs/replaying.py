"""What a restore has taken back is done again, entry by entry, before anything is served of the data."""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from xrm_core.errors import XrmError
from xrm_core.jobs.enqueue import NAME
from xrm_core.jobs.journal import doing_again
from xrm_core.permissions.caller import System
from xrm_core.plugins import Plugins
from xrm_core.records.context import Context
from xrm_core.records.door import Records
from xrm_core.sealed.errors import SealingUnavailable
from xrm_core.sealed.journal import MARK, JournalEntry, entry_kinds, known_mark, pruned_to, read_entry
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage.applied import require_model
from xrm_core.storage.engines import Database
from xrm_core.storage.journal_tables import ELSEWHERE, JOURNAL_ENTRY, journal_mark
from xrm_core.storage.retrying import in_transaction

_TIMEOUT = 60.0
PRUNED = "pruned"
"""Kind of what the journal does not know any more: all up to an entry, by the id of that."""

_log = structlog.get_logger(__name__)


class ReplayPending(XrmError):
    """A backup was restored, and what was erased since is not erased again yet: nothing is served until it is."""

    code = "REPLAY_PENDING"
    http_status = 503


@dataclass(frozen=True)
class Replay:
    """Does again what a restore has taken back.

    Args:
        name: ``plugin.kind``, as :func:`~xrm_core.jobs.journal.keep_beyond_restore` was told.
        run: a function of a context, as that of an action, and the content of the entry. It finds data as they were
            when the backup was made, or as another entry has left them, and must be able to live with all of that. What
            it writes is one transaction with the note that it is done.
    """

    name: str
    run: Callable[[Any, Mapping[str, Any]], object]


def replays_of(plugins: Plugins) -> Mapping[str, Replay]:
    """What plugins can do again, by name.

    Raises:
        PluginLoadError: a plugin registers what cannot be used; names it.
    """
    found: dict[str, Replay] = {}
    for plugin, each in plugins.registered("register_replays", Replay):
        right = isinstance(each.name, str) and NAME.fullmatch(each.name) and each.name.startswith(f"{plugin}.")
        if not right or each.name in found or not callable(each.run):
            raise plugins.load_error(
                plugin,
                f"the replay {each.name!r} must have a name of its own that begins with {plugin!r} and a dot, "
                "and a function to run",
            )
        found[each.name] = each
    return found


def catch_up(database: Database, records: Records, tenant: str = "") -> int:
    """Do again all that the journal has and the data have not; answers how much. Blocking.

    Raises:
        ReplayPending: something cannot be done again; what was done before it stays done.
        SealingUnavailable, DatabaseUnavailable: the journal or the data cannot be read.
        ModelOutOfDate: the data have another model.
    """
    kinds, store = replays_of(records.plugins), records.key_store
    if not kinds or store is None:
        return 0
    with database.read(_TIMEOUT) as connection:
        mark = journal_mark(connection)
    if mark is None:  # a backup that is made from now on is known when it comes back
        if usable(store):
            in_transaction(database, lambda connection: known_mark(connection, store), _TIMEOUT)
        return 0
    missing = lost(database, store, mark)
    for done, (id_, kind) in enumerate(missing.items()):
        if kind == PRUNED:
            raise _pending(
                len(missing) - done,
                "The data are older than what the journal still has (XRM_JOURNAL_DAYS): restore a newer backup, or "
                "erase by a list of your own, and say so by «xrm journal skip».",
            )
        if kind not in kinds:
            raise _pending(len(missing) - done, f"Nobody knows how to do {kind} again: switch its plugin on.")
        _again(database, records, kinds[kind], read_entry(store, mark, id_), len(missing) - done)
    if missing:
        _log.info("replayed", tenant=tenant, entries=len(missing))
    return len(missing)


def lost(database: Database, store: KeyStore, mark: str) -> Mapping[str, str]:
    """The entries that the data with a mark have not: kinds by ids, the oldest first; ``PRUNED`` stands for those that
    the journal has not any more.

    The journal is read first: an entry comes there after its commit, so none is taken for lost that is not.

    Raises:
        ReplayPending: the journal is not there, or is not that of these data.
    """
    written = entry_kinds(store, mark) if usable(store) and store.is_there else {}
    if not written:
        raise ReplayPending(
            "The key store is not that of this data, or is not there, so nobody knows what was erased since a backup.",
            hint="Bring the key store back, and name it by XRM_KEY_STORE_URL and XRM_SECRET_KEY.",
        )
    with database.read(_TIMEOUT) as connection:
        here = set(map(str, connection.scalars(select(JOURNAL_ENTRY.c.id))))
    reach = pruned_to(store, mark)
    found = {} if reach is None or reach in here else {reach: PRUNED}
    return found | {id_: kind for id_, kind in written.items() if id_ not in here and kind != MARK}


def usable(store: KeyStore) -> bool:
    """Whether there can be a journal here at all."""
    try:
        store.require()
    except SealingUnavailable:
        return False
    return True


def _again(database: Database, records: Records, replay: Replay, entry: JournalEntry, left: int) -> None:
    def whole(connection: Connection) -> None:
        require_model(connection, records.model)
        insert = sqlite.insert(JOURNAL_ENTRY) if database.is_sqlite else postgresql.insert(JOURNAL_ENTRY)
        now = dt.datetime.now(dt.UTC)
        values = {"id": entry.id, "kind": entry.kind, "content": ELSEWHERE, "kept_at": entry.kept_at}
        # Of servers that start at once one does it: the others wait here until it is committed.
        if connection.execute(insert.values({**values, "written_at": now}).on_conflict_do_nothing()).rowcount:
            context: Any = Context(
                records, connection, System(records.full_access, f"replay {replay.name}"), ("job", replay.name)
            )
            plugin = replay.name.partition(".")[0]
            context.settings = records.plugins.settings_of(plugin)
            with doing_again(entry.id), records.plugins.calls.timed(plugin, "replay", replay.name):
                replay.run(context, json.loads(entry.content))

    try:
        in_transaction(database, whole)
    except Exception as error:
        if isinstance(error, XrmError) and (error.overtaken or error.http_status >= 500):
            raise
        _log.error("replay_failed", entry=entry.id, kind=entry.kind, exc_info=error)
        raise _pending(
            left, "The log of the server says what stands in the way. What cannot be done again: «xrm journal skip»."
        ) from error


def _pending(left: int, hint: str) -> ReplayPending:
    return ReplayPending(f"A restore has taken back {left} things that are not done again yet.", hint=hint)
