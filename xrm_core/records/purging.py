"""Out of the trash for good: a record, what was deleted with it, and their files.

Nothing brings it back, so there is a right of its own to it, ``purge``, beside those to see a record in the trash.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, delete, select

from xrm_core.permissions.caller import Caller
from xrm_core.permissions.policy import Action
from xrm_core.records import merged
from xrm_core.records.in_trash import found_in_trash
from xrm_core.storage.auth_events import Event, record_each
from xrm_core.storage.trash_tables import TRASH, TRASH_FILE

if TYPE_CHECKING:
    from xrm_core.records.door import Records

_AT_ONCE = 500


def purge(
    records: "Records",
    connection: Connection,
    caller: Caller,
    entity: str,
    ids: Sequence[str],
    address: str | None = None,
) -> None:
    """End records that are in the trash, each once; the first that cannot go keeps all.

    Args:
        records: the door.
        connection: in a write transaction.
        caller: who ends them.
        entity: theirs.
        ids: which.
        address: of the client, for the event.

    Raises:
        Forbidden: the caller may read, delete or purge no record of the entity.
        NotFound: one is not there, or not for a caller who may read, delete and purge it.
    """
    kind, scope = records.model[entity], records.scope(connection, caller)
    found = found_in_trash(connection, scope, caller, kind, ids, Action.PURGE)
    _end(records, connection, [each.deletion for each in found])
    about = {"entity": kind.name}
    record_each(connection, Event.RECORD_PURGED, ids, user_id=caller.actor, address=address, details=about)


def _end(records: "Records", connection: Connection, deletions: Sequence[str]) -> None:
    files: set[str] = set()
    for some in _parts(deletions):
        files |= _take_out(connection, TRASH.c.deletion.in_(some))
    _discard(records, connection, files)


def end(records: "Records", connection: Connection, of: ColumnElement[bool]) -> None:
    """End what is in the trash, whoever may do it.

    Args:
        records: the door.
        connection: in a write transaction.
        of: which rows of the trash.
    """
    _discard(records, connection, _take_out(connection, of))


def _take_out(connection: Connection, of: ColumnElement[bool]) -> set[str]:
    """Take rows out of the trash; the ids of their files."""
    mine = (TRASH_FILE.c.entity == TRASH.c.entity) & (TRASH_FILE.c.record_id == TRASH.c.record_id)
    files = set(map(str, connection.scalars(select(TRASH_FILE.c.file_id).join(TRASH, mine).where(of))))
    rows = connection.execute(select(TRASH.c.entity, TRASH.c.record_id).where(of))
    gone = [(row.entity, str(row.record_id)) for row in rows]
    connection.execute(delete(TRASH).where(of))
    merged.end(connection, gone)
    return files


def _discard(records: "Records", connection: Connection, files: Iterable[str]) -> None:
    for some in _parts(sorted(files)):
        records.files.erase(connection, some)


def _parts(all_: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (all_[start : start + _AT_ONCE] for start in range(0, len(all_), _AT_ONCE))
