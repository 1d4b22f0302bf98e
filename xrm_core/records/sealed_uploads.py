"""Files that come to be sealed: encrypted on their way in, before anybody knows whose they are.

Until a record refers to them their keys lie under a key of the day on which they came, which is destroyed when all that
came on it was attached or is gone: so a copy of that time opens no more than the keys of persons do. Most are sealed
because a sealed field *might* get them; if another one does, they are opened then
(:func:`~xrm_core.records.sealed_files.open_attached`).
"""

import datetime as dt
import hashlib
import json
import secrets
from typing import BinaryIO

from sqlalchemy import ColumnElement

from xrm_core.records.sealed_files import OPAQUE, SAID
from xrm_core.sealed.box import SealedBox
from xrm_core.sealed.content import KEY_BYTES
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import FOR_ANY, WAITING, StoredFile
from xrm_core.storage.file_tables import CHUNK_BYTES, FILE
from xrm_core.storage.sealed_tables import made_mark, mark_of

_SUBJECT = "uploads"
_CLASS = "upload-"


def day_key(day: str) -> tuple[str, str]:
    """Subject and class of the key of a day (``2026-11-28``)."""
    return _SUBJECT, f"{_CLASS}{day}"


def seal_upload(
    store: KeyStore, database: Database, file: StoredFile, content: BinaryIO, into: BinaryIO, *, only: bool
) -> StoredFile:
    """Seal a file that has come; answers with how it is stored.

    Args:
        store: of keys.
        database: where the file goes, in no transaction.
        file: in clear.
        content: in clear, read from its start.
        into: takes what is to be stored.
        only: no field but a sealed one gets it.

    Raises:
        SealingUnavailable: there is no store.
    """
    store.require()
    with database.begin() as connection:
        box = SealedBox(store, made_mark(connection))
    key = secrets.token_bytes(KEY_BYTES)
    said = {"key": key.hex(), "file": {name: getattr(file, name) for name in SAID}}
    today = dt.datetime.now(dt.UTC).date().isoformat()
    sealed = box.seal_file(json.dumps(said, ensure_ascii=False), *day_key(today), file.id)
    content.seek(0)
    digest = hashlib.sha256()
    for piece in box.seal_content(key, file.id, iter(lambda: content.read(CHUNK_BYTES), b"")):
        digest.update(piece)
        into.write(piece)
    mark = WAITING if only else FOR_ANY
    return StoredFile(file.id, "", OPAQUE, into.tell(), digest.hexdigest(), state=file.state, sealed=mark + sealed)


def waits() -> ColumnElement[bool]:
    """Whether a row of ``xrm_file`` is such a file to which no record has referred yet."""
    return FILE.c.sealed.startswith(WAITING, autoescape=True)


def end_keys(store: KeyStore, database: Database, before: dt.datetime) -> int:
    """Destroy the keys of days before a moment; answers how many.

    Raises:
        SealingUnavailable, Busy: they may still be there.
    """
    with database.read() as connection:
        mark = mark_of(connection)
    if mark is None:
        return 0
    store.require()
    if not store.is_there:
        return 0
    living = store.classes(mark, _SUBJECT)
    over = [each for each in living if each.removeprefix(_CLASS) < before.date().isoformat()]
    return store.destroy(mark, _SUBJECT, over) if over else 0
