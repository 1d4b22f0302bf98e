"""Erasing what was kept of former values of a record: in the change log, in the trash, and aside.

What the record itself holds is changed or deleted by the door as anything else, before this; that writes an entry with
the former values, which is erased with the rest.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, delete, select, update

from xrm_core.changes.erasing import erase_record
from xrm_core.metadata.model import EMAIL, USER, Entity
from xrm_core.metadata.types import FieldType
from xrm_core.query.trash import columns_then, former_names
from xrm_core.records import purging
from xrm_core.records.aside import take_aside
from xrm_core.records.door import Records
from xrm_core.records.former_names import entries_of, gone_columns, gone_fields, names_then
from xrm_core.records.shares import forget_reasons_of
from xrm_core.storage import auth_events, file_store
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.columns import is_id
from xrm_core.storage.notices import forget_former
from xrm_core.storage.trash_tables import TRASH, TRASH_FILE

_AT_ONCE = 500


class _Writing(Protocol):
    @property
    def records(self) -> Records: ...
    @property
    def connection(self) -> Connection: ...


@dataclass(frozen=True, slots=True)
class Erased:
    """How much was erased.

    Args:
        entries: of the change log that have lost values.
        trash: whether the record was in the trash, and has lost values there, or its place.
    """

    entries: int
    trash: bool


def erase_values(context: _Writing, entity: str, id_: str, fields: Iterable[str] | None = None) -> Erased:
    """Erase the former values of a record, in the transaction of the context.

    Of the change log they go from all its versions; that it was changed, when, and which fields, stays, and the chain
    verifies as before. In the trash they are emptied; what is restored then lacks them. What changes of the schema have
    put aside of them goes, so that no undo brings it back. With them goes, everywhere, what they had by former names,
    and what is left of fields that are gone: nobody says any more what those were about. So does why the
    record is or was shared, whatever the fields, for nobody says what stands there. Files that these fields have had
    are removed with their former versions, as far as nothing refers to them. Of an e-mail address that no user has,
    events lose where somebody has typed it to sign in; of a user's ``email`` also the security notices go that wait for
    a former address.

    Args:
        context: of an action, of what follows a write, of a job (``job.within(connection)``) or a command.
        entity: of the record.
        id_: which; it need not be there any more.
        fields: names of fields; None: all of them, and who has changed them and why, and its place in the trash with
            all that was deleted with it.

    Raises:
        KeyError: there is no such entity, or it has no such field.
    """
    kind = context.records.model[entity]
    names = None if fields is None else frozenset(fields)
    if names is not None and (unknown := names - {each.name for each in kind.all_fields()}):
        raise KeyError(f"{entity}.{min(unknown)}")
    trash = _from_trash(context, kind, id_, names)
    aside = take_aside(context.connection, kind, id_, names)
    if kind.name == USER and (names is None or EMAIL in names):
        forget_former(context.connection, id_)
    _forget_addresses(context, kind, id_, names)
    said = entries_of(context.connection, id_)
    gone = gone_fields(kind, said)
    files = names_then(kind, (each.name for each in kind.fields.values() if each.type is FieldType.FILE)) | gone
    then = None if names is None else names_then(kind, names) | gone
    forget_reasons_of(context.connection, sorted(former_names(kind)), id_)
    held = [*_values(context.connection, id_, files if then is None else files & then), *aside.values()]
    entries = erase_record(context.connection, id_, then)
    context.records.files.erase(context.connection, _known_files(context.connection, held))
    return Erased(entries, trash)


def former_values(context: _Writing, id_: str, fields: Iterable[str]) -> list[Any]:
    """What fields of a record hold or have held, by what the change log says, each once: to look for it elsewhere.

    Args:
        context: as of :func:`erase_values`.
        id_: of the record.
        fields: their names.
    """
    asked = frozenset(fields)
    if not asked:
        return []
    query = select(CHANGE.c.entity).where(CHANGE.c.record_id == id_).distinct()
    called = frozenset(context.connection.scalars(query))
    kinds = [each for each in context.records.model if not called.isdisjoint(former_names(each))]
    names = asked.union(*(names_then(each, asked) for each in kinds))
    return _values(context.connection, id_, names)


def _forget_addresses(context: _Writing, kind: Entity, id_: str, names: frozenset[str] | None) -> None:
    mails = [each.name for each in kind.fields.values() if each.type is FieldType.EMAIL and each.sealing is None]
    wanted = [name for name in mails if names is None or name in names]
    former = {each for each in former_values(context, id_, wanted) if isinstance(each, str)} if wanted else set()
    users = context.records.tables[USER] if USER in context.records.model else None
    if former and users is not None and EMAIL in users.c:
        theirs = context.connection.scalars(select(users.c[EMAIL]).where(users.c[EMAIL].in_(former)))
        auth_events.forget_names(context.connection, former - set(theirs))


def _values(connection: Connection, id_: str, names: frozenset[str]) -> list[Any]:
    found: dict[str, Any] = {}
    for said in entries_of(connection, id_, names) if names else ():
        # a change has [before, after], a creation or deletion the value alone
        values = (each for name in names & said.keys() for each in _listed(said[name]))
        found |= {json.dumps(value): value for value in values if value is not None}
    return list(found.values())


def _known_files(connection: Connection, values: Iterable[Any]) -> list[str]:
    """Those that are ids of files."""
    ids = sorted({each for each in values if isinstance(each, str) and is_id(each)})
    parts = (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
    return [id_ for some in parts for id_ in file_store.known(connection, some)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _from_trash(context: _Writing, kind: Entity, id_: str, names: frozenset[str] | None) -> bool:
    connection = context.connection
    mine = TRASH.c.entity.in_(former_names(kind)) & (TRASH.c.record_id == id_)
    row = connection.execute(select(TRASH).where(mine).with_for_update()).first()
    if row is None:
        return False
    if names is None:
        # what went along with a record cannot come back without it
        purging.end(context.records, connection, TRASH.c.deletion == row.deletion if row.place == 0 else mine)
        return True
    fields = [field for field in kind.all_fields() if field.name in names]
    gone = {name for field in fields for then in columns_then(field) for name in then}
    lost = gone_columns(kind, (name for values in row.record.values() for name in values))
    gone |= lost
    kept = {
        type_: {name: None if name in gone else value for name, value in values.items()}
        for type_, values in row.record.items()
    }
    connection.execute(update(TRASH).where(mine).values(record=kept))
    files = {name for field in fields if field.type is FieldType.FILE for then in columns_then(field) for name in then}
    files |= lost
    held = _known_files(
        connection, (value for values in row.record.values() for name, value in values.items() if name in files)
    )
    if held:
        attached = TRASH_FILE.c.record_id == id_, TRASH_FILE.c.entity == row.entity
        connection.execute(delete(TRASH_FILE).where(*attached, TRASH_FILE.c.file_id.in_(held)))
        context.records.files.erase(context.connection, held)
    return bool(kept != row.record)
