"""Files of sealed fields: what they hold and what they are called is encrypted by the key of whose they are.

A file is stored before anybody knows whose it will be, so it is sealed when a record refers to it, in that transaction;
its content lies in the database then. One that came to be sealed (:mod:`xrm_core.records.sealed_uploads`) is by then.
One that came sealed because nobody knew better is opened when a field refers to it that is not.
It has a key of its own, which lies with its name and checksum, sealed by that of (subject, class): if the subject
changes, that is sealed anew, and the content stays as it is.
"""

import datetime as dt
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from xrm_core.errors import FileRefused
from xrm_core.metadata.model import Entity
from xrm_core.metadata.types import FieldType
from xrm_core.sealed.box import SealedBox
from xrm_core.sealed.content import KEY_BYTES
from xrm_core.sealed.envelope import key_id_of
from xrm_core.sealed.errors import SealedKeyDestroyed
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage import file_references, file_store, file_versions
from xrm_core.storage.contents import Reader
from xrm_core.storage.file_store import FOR_ANY, WAITING, OpenedFile, StoredFile
from xrm_core.storage.sealed_tables import mark_of
from xrm_core.translation import say

if TYPE_CHECKING:
    from xrm_core.records.door import Records

SAID = ("name", "media_type", "size", "sha256")
"""What there is to say of a file, and is sealed."""

OPAQUE = "application/octet-stream"
"""The media type of what is sealed."""


def seal_attached(
    records: "Records",
    connection: Connection,
    box: SealedBox,
    kind: Entity,
    record: Mapping[str, Any],
    name: str,
    of: tuple[str, str],
) -> None:
    """Seal the file to which a sealed field of a record refers, with its former versions.

    Args:
        records: the door.
        connection: in the transaction of the write.
        box: seals.
        kind: entity of the record.
        record: all of it, as it is going to be.
        name: of the field.
        of: subject and class whose key it is sealed by.

    Raises:
        FileRefused: it is in another field, too, which is not sealed, or for somebody else.
        FilesUnavailable: its content lies where nobody answers.
        SealingUnavailable, SealedKeyDestroyed: nothing can be sealed for the subject.
    """
    key, file_id, but = box.store.key(box.tenant, *of), str(record[name]), (kind.name, str(record["id"]))
    for other in kind.fields.values():
        holds = other.type is FieldType.FILE and other.name != name and str(record.get(other.name)) == file_id
        if holds and other.sealing != kind[name].sealing:
            raise _elsewhere()
    for file in file_store.hold(connection, [file_id, *file_versions.former_ids(connection, [file_id])]):
        if file.sealed is not None and key_id_of(_own(file)) == key.id:
            continue
        if file_references.is_attached(connection, records.model, records.tables, file.id, but):
            if file.id != file_id:
                continue  # a former version that is somebody's by itself
            raise _elsewhere()
        if file.sealed is None:
            seal(records, connection, box, file, of, file.state)
            continue
        said = box.open_file(_own(file), file.id).text
        if said is not None:
            file_store.describe(connection, _again(file, box.seal_file(said, *of, file.id)))


def open_attached(records: "Records", connection: Connection, kind: Entity, record: Mapping[str, Any]) -> None:
    """Open the files to which fields of a record refer that are not sealed, if they came sealed for any field, with
    their former versions. Their content lies in the database then.

    Args:
        records: the door.
        connection: in the transaction of the write.
        kind: entity of the record.
        record: its values.

    Raises:
        FileRefused: it came to be in a sealed field meanwhile.
        FilesUnavailable, SealingUnavailable, SealedKeyDestroyed: as above.
    """
    if not records.files.may_open(kind):
        return
    names = [name for name, field in kind.fields.items() if field.type is FieldType.FILE and field.sealing is None]
    ids = sorted({str(record[name]) for name in names if record.get(name) is not None})
    for file in file_store.hold(connection, [*ids, *file_versions.former_ids(connection, ids)]) if ids else ():
        if file.sealed is None:
            continue
        if file.sealed.startswith(FOR_ANY):
            _open(records, connection, file)
        elif file.id in ids:
            raise _elsewhere()


def _open(records: "Records", connection: Connection, file: StoredFile) -> None:
    box = SealedBox(records.files.keys, mark_of(connection) or "")
    said = _said_of(box, file)
    pieces = box.open_content(bytes.fromhex(said["key"]), file.id, stored_pieces(records, connection, file))
    file_store.rewrite(connection, file.id, pieces)
    replace_file(connection, file, StoredFile(id=file.id, **said["file"], state=file.state, version=file.version))


def seal(
    records: "Records",
    connection: Connection,
    box: SealedBox,
    file: StoredFile,
    of: tuple[str, str],
    state: str,
    also: Mapping[str, Any] | None = None,
) -> None:
    """Seal a file, in the database, wherever it lies.

    Args:
        records: know where content lies.
        connection: in a write transaction.
        box: seals.
        file: in clear.
        of: subject and class whose key it is sealed by.
        state: in which it is from now on.
        also: what is to be known of it besides.

    Raises:
        FilesUnavailable, SealingUnavailable, SealedKeyDestroyed: as above.
    """
    key = secrets.token_bytes(KEY_BYTES)
    said = {"key": key.hex(), "file": {**{name: getattr(file, name) for name in SAID}, **(also or {})}}
    sealed = box.seal_file(json.dumps(said, ensure_ascii=False), *of, file.id)
    pieces = box.seal_content(key, file.id, stored_pieces(records, connection, file))
    size, sha256 = file_store.rewrite(connection, file.id, pieces)
    replace_file(connection, file, StoredFile(file.id, "", OPAQUE, size, sha256, None, state, file.version, sealed))


def opened(store: KeyStore, connection: Connection, file: StoredFile) -> StoredFile:
    """A file as it is in truth, whoever may see that; its content is read in clear.

    Raises:
        SealedKeyDestroyed: nobody can read it any more.
        SealingUnavailable, SealedValueForeign: it cannot be opened.
    """
    if file.sealed is None or isinstance(file, OpenedFile):
        return file
    box = SealedBox(store, mark_of(connection) or "")
    said = _said_of(box, file)
    read = partial(_OpenedReader, box, bytes.fromhex(said["key"]), file)
    more: dict[str, Any] = {
        "content_key": file.content_key,
        "state": file.state,
        "version": file.version,
        "sealed": file.sealed,
    }
    return OpenedFile(id=file.id, **said["file"], **more, stored=file, read=read)


def clear_pieces(records: "Records", store: KeyStore, connection: Connection, file: StoredFile) -> Iterator[bytes]:
    """The content of a file in clear, whether it is sealed or not; within a transaction that may have written it.

    Raises:
        SealedKeyDestroyed, SealingUnavailable, SealedValueForeign: as :func:`opened`.
        FilesUnavailable: it lies where nobody answers.
    """
    pieces = stored_pieces(records, connection, file)
    if file.sealed is None:
        return pieces
    box = SealedBox(store, mark_of(connection) or "")
    return box.open_content(bytes.fromhex(_said_of(box, file)["key"]), file.id, pieces)


def stored_pieces(records: "Records", connection: Connection, file: StoredFile) -> Iterator[bytes]:
    """The content of a file as it lies where it does; within a transaction that may have written it."""
    if file.content_key is None:
        for number, _ in file_store.chunks_of(range(file.size)):
            yield file_store.read_chunk(connection, file.id, number) or b""
        return
    with closing(records.stores.of("").outside(file.content_key, range(file.size))) as reader:
        yield from iter(reader.read, b"")


def replace_file(connection: Connection, before: StoredFile, after: StoredFile) -> None:
    """Let a file be this, whose content lies in the database by now; where it lay, nobody is let read it to its end."""
    file_store.describe(connection, after)
    file_store.passing(connection, after.id)
    if before.content_key is not None:
        file_store.leave(connection, [before.content_key], dt.timedelta())


def _elsewhere() -> FileRefused:
    return FileRefused(
        say("The file is in another field, too, where it is not sealed like here."),
        hint=say("Store it once more, for this field alone."),
    )


def _said_of(box: SealedBox, file: StoredFile) -> dict[str, Any]:
    text = box.open_file(_own(file), file.id).text
    if text is None:
        raise SealedKeyDestroyed(
            say("The key of whose file it is was destroyed: nobody can read it any more."),
            hint=say("Whose it was is erased."),
        )
    return dict(json.loads(text))


def _own(file: StoredFile) -> str:
    return (file.sealed or "").removeprefix(FOR_ANY).removeprefix(WAITING)


def _again(file: StoredFile, sealed: str) -> StoredFile:
    said = (file.name, file.media_type, file.size, file.sha256, file.content_key, file.state, file.version)
    return StoredFile(file.id, *said, sealed)


class _OpenedReader:
    """A part of the content of a sealed file in clear."""

    def __init__(
        self, box: SealedBox, key: bytes, file: StoredFile, raw: Callable[[range], Reader], part: range
    ) -> None:
        self._raw, self._open = raw, list[Reader]()
        self._pieces = box.open_part(key, file.id, file.size, part, self._stored)

    def read(self) -> bytes:
        return next(self._pieces, b"")

    def close(self) -> None:
        for reader in self._open:
            reader.close()

    def _stored(self, part: range) -> Iterable[bytes]:
        reader = self._raw(part)
        self._open.append(reader)
        return iter(reader.read, b"")
