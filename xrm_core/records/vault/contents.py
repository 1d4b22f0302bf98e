"""Files of what lies in the vault: what they hold and what they are called is encrypted, and back bit by bit.

A file goes there when nothing else refers to it any more, with its former versions. Its content lies in the database
meanwhile, wherever it lay: so one transaction covers it, as all else that is moved.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from xrm_core.metadata.model import Entity
from xrm_core.metadata.types import FieldType
from xrm_core.records import sealed_files
from xrm_core.records.sealing import store_of
from xrm_core.records.vault.deposits import CLASS, Writing
from xrm_core.sealed.box import SealedBox
from xrm_core.storage import file_references, file_store, file_versions
from xrm_core.storage.columns import is_id
from xrm_core.storage.file_store import FileState, StoredFile
from xrm_core.storage.sealed_tables import mark_of

_AT_ONCE = 100
_SAID = ("name", "media_type", "size", "sha256", "state", "sealed")


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
    """Seal files to which nothing refers any more but the vault, by the key of a subject. The content of those that are
    sealed already stays as it lies.

    Raises:
        FilesUnavailable: a store that has the content of one does not answer.
    """
    records, connection = context.records, context.connection
    for some in _with_former(connection, ids):
        for file in file_references.of_the_vault_alone(connection, records.model, records.tables, some):
            if file.sealed is None:
                of = (subject, CLASS)
                sealed_files.seal(records, connection, box, file, of, FileState.VAULTED, {"state": file.state})
                continue
            said = json.dumps({"file": {name: getattr(file, name) for name in _SAID}}, ensure_ascii=False)
            sealed = box.seal_file(said, subject, CLASS, file.id)
            file_store.describe(connection, replace(file, state=FileState.VAULTED, sealed=sealed))


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
            if "key" not in said:
                file_store.describe(connection, replace(file, **said["file"]))
                continue
            pieces = sealed_files.stored_pieces(records, connection, file)
            file_store.rewrite(connection, file.id, box.open_content(bytes.fromhex(said["key"]), file.id, pieces))
            after = StoredFile(id=file.id, version=file.version, **said["file"])
            sealed_files.replace_file(connection, file, after)


def _with_former(connection: Connection, ids: Iterable[str]) -> Iterator[Sequence[str]]:
    """Ids with those of former versions, some at a time."""
    all_ = sorted(set(ids))
    if all_:
        all_ = sorted({*all_, *file_versions.former_ids(connection, all_)})
    for start in range(0, len(all_), _AT_ONCE):
        yield all_[start : start + _AT_ONCE]
