"""Files of what lies in the vault: what they hold and what they are called is encrypted, and back bit by bit.

A file goes there when nothing else refers to it any more, with its former versions. Its content lies in the database
meanwhile, wherever it lay: so one transaction covers it, as all else that is moved.
"""

import datetime as dt
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from xrm_core.metadata.model import Entity
from xrm_core.metadata.types import FieldType
from xrm_core.records.sealing import store_of
from xrm_core.records.vault.deposits import CLASS, Writing
from xrm_core.sealed.box import SealedBox
from xrm_core.sealed.content import KEY_BYTES
from xrm_core.storage import file_store, file_versions
from xrm_core.storage.columns import is_id
from xrm_core.storage.file_store import FileState, StoredFile
from xrm_core.storage.sealed_tables import mark_of

if TYPE_CHECKING:
    from xrm_core.records.door import Records

_AT_ONCE = 100
_SAID = ("name", "media_type", "size", "sha256", "state")
_OPAQUE = "application/octet-stream"


def files_meant(kind: Entity | None, content: Mapping[str, Any]) -> set[str]:
    """Ids that may be files' in what is moved of a record: of former values, and of what is aside."""
    fields = () if kind is None else kind.all_fields()
    names = {each.name for each in fields if each.type is FieldType.FILE}
    found = set(content["aside"].values()) if "aside" in content else set()
    for entry in content["log"] if names else ():
        said = json.loads(entry["fields"])
        for value in (said[name] for name in names & said.keys()):
            found |= set(value if isinstance(value, list) else [value])
    return {str(value) for value in found if isinstance(value, str) and is_id(value)}


def take_files(context: Writing, box: SealedBox, subject: str, ids: Iterable[str]) -> None:
    """Seal files to which nothing refers any more but the vault, by the key of a subject.

    Raises:
        FilesUnavailable: a store that has the content of one does not answer.
    """
    records, connection = context.records, context.connection
    for some in _with_former(connection, ids):
        for file in file_store.of_the_vault_alone(connection, records.model, records.tables, some):
            key = secrets.token_bytes(KEY_BYTES)
            said = {"key": key.hex(), "file": {name: getattr(file, name) for name in _SAID}}
            sealed = box.seal_file(json.dumps(said, ensure_ascii=False), subject, CLASS, file.id)
            pieces = box.seal_content(key, file.id, _stored(records, connection, file))
            size, sha256 = file_store.rewrite(connection, file.id, pieces)
            after = StoredFile(file.id, "", _OPAQUE, size, sha256, None, FileState.VAULTED, file.version, sealed)
            _replace(connection, file, after)


def give_files(context: Writing, ids: Iterable[str]) -> None:
    """Files are again what they were. One that was sealed by a key that is destroyed by now stays as it is: it was
    somebody else's, too, who was erased.

    Raises:
        FilesUnavailable: as above.
        SealingUnavailable, SealedValueForeign: it cannot be opened.
    """
    records, connection = context.records, context.connection
    box = SealedBox(store_of(records), mark_of(connection) or "")
    for some in _with_former(connection, ids):
        for file in file_store.vaulted(connection, some):
            text = box.open_file(file.sealed, file.id).text
            if text is None:
                continue
            said = json.loads(text)
            pieces = box.open_content(bytes.fromhex(said["key"]), file.id, _stored(records, connection, file))
            file_store.rewrite(connection, file.id, pieces)
            _replace(connection, file, StoredFile(id=file.id, version=file.version, **said["file"]))


def _replace(connection: Connection, before: StoredFile, after: StoredFile) -> None:
    file_store.describe(connection, after)
    if before.content_key is not None:  # nobody is let read it to its end
        file_store.leave(connection, [before.content_key], dt.timedelta())


def _stored(records: "Records", connection: Connection, file: StoredFile) -> Iterator[bytes]:
    """The content as it lies where it does."""
    if file.content_key is None:
        for number, _ in file_store.chunks_of(range(file.size)):
            yield file_store.read_chunk(connection, file.id, number) or b""
        return
    with closing(records.stores.of("").outside(file.content_key, range(file.size))) as reader:
        yield from iter(reader.read, b"")


def _with_former(connection: Connection, ids: Iterable[str]) -> Iterator[Sequence[str]]:
    """Ids with those of former versions, some at a time."""
    all_ = sorted(set(ids))
    if all_:
        all_ = sorted({*all_, *file_versions.former_ids(connection, all_)})
    for start in range(0, len(all_), _AT_ONCE):
        yield all_[start : start + _AT_ONCE]
