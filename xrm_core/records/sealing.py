"""Sealed fields of records: sealed on their way into the database, opened for who may, found by a blind index.

Whatever reads records otherwise, statements, hooks and plugins too, has the sealed form.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, true

from xrm_core.errors import FieldSealed, Forbidden, NotFound
from xrm_core.metadata.model import Entity
from xrm_core.metadata.sealed_types import sought, text_of, value_of
from xrm_core.metadata.sealing import Sealing
from xrm_core.metadata.types import FieldType
from xrm_core.permissions.caller import Caller, System
from xrm_core.permissions.policy import SEALED, Action
from xrm_core.query.files import PATH
from xrm_core.query.reads import Read
from xrm_core.records import looking, read_log, sealed_files
from xrm_core.records.rights import readable
from xrm_core.records.sealed_fields import SEALED_FIELDS
from xrm_core.records.stored import Record, canonical, targets_of
from xrm_core.records.wording import noun
from xrm_core.sealed.box import Opened, SealedBox
from xrm_core.sealed.errors import SealedKeyDestroyed
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage import file_store
from xrm_core.storage.sealed_tables import made_mark, mark_of
from xrm_core.translation import say

if TYPE_CHECKING:
    from xrm_core.records.door import Records


def sealed(
    records: "Records", connection: Connection, kind: Entity, before: Record | None, record: Record, id_: str
) -> Record:
    """A new record, or a change of one, as it is stored.

    What is of somebody else by now is sealed anew, with their key.

    Args:
        records: the door.
        connection: in the transaction of the write.
        kind: the entity.
        before: the record as it is stored; None: it is new.
        record: the values, in clear.
        id_: of the record.

    Raises:
        SealingUnavailable: there is no key store.
        SealedKeyDestroyed: whose values they are was erased.
    """
    fields = SEALED_FIELDS(kind)
    if not fields:
        return record
    found, whole = dict(record), {**(before or {}), **record}
    box: SealedBox | None = None
    for name, sealing in fields.items():
        value = record.get(name)
        moved = before is not None and name not in record and sealing.subject in record and before.get(name) is not None
        if value is None and not moved:
            continue
        box = box or SealedBox(store_of(records), made_mark(connection))
        if moved and before is not None and _subject(kind, sealing, whole, id_) == _subject(kind, sealing, before, id_):
            continue
        if kind[name].type is FieldType.FILE:
            of = _subject(kind, sealing, whole, id_), sealing.class_name
            sealed_files.seal_attached(records, connection, box, kind, {**whole, "id": id_}, name, of)
            continue
        if moved and before is not None:
            opened = box.open(before[name], kind.name, id_, name)
            if opened.text is None:
                continue  # destroyed, and it stays so
            text = opened.text
        else:
            text = text_of(kind.fields[name].given, value)
        subject = _subject(kind, sealing, whole, id_)
        found[name] = box.seal(text, subject, sealing.class_name, kind.name, id_, name)
        if sealing.bits:
            box.enter(sealing.formed(text), sealing.bits, subject, sealing.class_name, kind.name, id_, name)
    return found


def open_values(
    records: "Records",
    connection: Connection,
    caller: Caller,
    entity: str,
    id_: str,
    names: Sequence[str] = (),
    *,
    logs: bool = True,
) -> tuple[dict[str, Opened], list[tuple[Read, Sequence[str]]]]:
    """Sealed values of a record in clear, and what is to be logged of that; see
    :meth:`~xrm_core.records.door.Records.open_sealed`.
    """
    kind = records.model[entity]
    wanted = tuple(_wanted(caller, kind, names))
    record = looking.read(records, connection, entity, id_)
    if record is None or not _sees(records, connection, caller, kind, id_):
        raise NotFound(say("There is no {entity} with this id.", entity=noun(kind)))
    values = {name: record[name] for name in wanted}
    mark = mark_of(connection)
    if mark is None:
        return {name: Opened(None) for name in wanted}, []
    box = SealedBox(store_of(records), mark)
    found = {
        name: _file_opened(records, connection, value)
        if kind[name].type is FieldType.FILE
        else box.open(value, entity, id_, name)
        for name, value in values.items()
    }
    reads: list[tuple[Read, Sequence[str]]] = []
    if not isinstance(caller, System):
        reads.append((Read(entity, tuple(sorted(wanted))), [id_]))
        if logs:
            read_log.write(connection, caller, None, reads)
    return found, reads


def find_equal(
    records: "Records", connection: Connection, caller: Caller, entity: str, name: str, text: str
) -> list[str]:
    """Ids of records with a value; see :meth:`~xrm_core.records.door.Records.find_sealed`."""
    kind = records.model[entity]
    [name] = _wanted(caller, kind, [name])
    sealing = SEALED_FIELDS(kind)[name]
    if not sealing.bits:
        raise FieldSealed(
            say("The values of {field} cannot be looked for.", field=name),
            hint=say("Its entity file gives it no blind index."),
        )
    mark = mark_of(connection)
    if mark is None:
        return []
    sought_for = sought(kind.fields[name].given, canonical(kind, {name: text})[name])
    box, wanted = SealedBox(store_of(records), mark), sealing.formed(sought_for)
    found = []
    for id_ in box.candidates(wanted, sealing.bits, entity, name):
        record = looking.read(records, connection, entity, id_)
        if record is None or record[name] is None or not _sees(records, connection, caller, kind, id_):
            continue
        opened = box.open(record[name], entity, id_, name).text
        if opened is not None and sealing.formed(opened) == wanted:
            found.append(id_)
    return found


def in_clear(records: "Records", connection: Connection, entity: str, record: Record) -> Record:
    """A record with its sealed values in clear, whoever may see them; None where the key was destroyed. In place of the
    id of a sealed file stands what there is to say of it, its ``id`` at least.

    Raises:
        SealingUnavailable, SealedValueForeign: they cannot be opened.
    """
    kind = records.model[entity]
    names = [name for name in SEALED_FIELDS(kind) if record.get(name) is not None]
    mark = mark_of(connection) if names else None
    if mark is None:
        return record
    box = SealedBox(store_of(records), mark)
    clear: Record = {}
    for name in names:
        if kind[name].type is FieldType.FILE:
            found = _file_opened(records, connection, record[name])
            # one that is in the vault by now has nothing to be said of
            clear[name] = None if found.destroyed else {"id": str(record[name]), **json.loads(found.text or "{}")}
        else:
            text = box.open(record[name], entity, str(record["id"]), name).text
            clear[name] = None if text is None else value_of(kind.fields[name].given, text)
    return {**record, **clear}


def store_of(records: "Records") -> KeyStore:
    """The key store, or one that says what is missing."""
    return records.key_store or KeyStore("", "")


def _file_opened(records: "Records", connection: Connection, id_: Any) -> Opened:
    """What there is to say of a file, as JSON in the names of GraphQL."""
    file = None if id_ is None else file_store.find(connection, str(id_), true(), {})
    if file is None:
        return Opened(None)
    try:
        file = sealed_files.opened(store_of(records), connection, file)
    except SealedKeyDestroyed:
        return Opened(None, destroyed=True)
    said = {"id": file.id, "name": file.name, "mediaType": file.media_type, "size": file.size, "sha256": file.sha256}
    return Opened(json.dumps({**said, "state": file.state, "url": f"{PATH}{file.id}"}, ensure_ascii=False))


def _subject(kind: Entity, sealing: Sealing, record: Mapping[str, Any], id_: str) -> str:
    field = kind.fields.get(sealing.subject)
    targets = [] if field is None else targets_of(field, record.get(field.name))
    return next((target for _, target in targets), id_)


def _wanted(caller: Caller, kind: Entity, names: Sequence[str]) -> Iterator[str]:
    """The sealed fields that are meant, if the caller may open them."""
    known = SEALED_FIELDS(kind)
    if isinstance(caller, System):
        openable: Sequence[str] = tuple(known)
    else:
        permission = caller.access.get(kind.name, Action.READ)
        openable = () if permission is None or not caller.access.may(SEALED, Action.READ) else permission.openable
    for name in names or openable:
        if name not in openable:
            raise Forbidden(
                say("There is no sealed field {field} of a {entity} that you may open.", field=name, entity=noun(kind)),
                hint=say("It takes a right to the field, and one to «{name}».", name=SEALED),
            )
        yield name
    if not openable:
        raise Forbidden(
            say("There is nothing sealed of a {entity} that you may open.", entity=noun(kind)),
            hint=say("It takes a right to the field, and one to «{name}».", name=SEALED),
        )


def _sees(records: "Records", connection: Connection, caller: Caller, kind: Entity, id_: str) -> bool:
    return isinstance(caller, System) or readable(connection, records.scope(connection, caller), caller, kind, id_)
