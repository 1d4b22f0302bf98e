"""Uploads that can be resumed: begun with what their sender says, sent in pieces, a file when the last has come.

An upload is seen by who has begun it, and by nobody else. The last piece and the file that becomes of the whole are
stored in one transaction: an upload that looks finished is a file.
"""

import datetime as dt
import re
from dataclasses import replace
from typing import BinaryIO

from sqlalchemy import Connection

from xrm_core.errors import BadRequest, FileRefused, FileTooLarge, Forbidden, NotFound, TooManyFiles, XrmError
from xrm_core.permissions.caller import User
from xrm_core.records import sealed_pieces
from xrm_core.records.file_names import clean_name
from xrm_core.records.files import Files, described
from xrm_core.records.sealed_pieces import SealedPieces
from xrm_core.storage import file_store, upload_store
from xrm_core.storage.contents import Kept
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import StoredFile
from xrm_core.storage.upload_store import Upload

KEPT = dt.timedelta(hours=24)
"""How long an upload waits for its next piece."""

MAX_OPEN = 50
"""Uploads that a user may have under way."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


class UploadMoved(XrmError):
    """An upload does not stand where its sender thinks; ``details.offset`` is where it does, in bytes."""

    code = "UPLOAD_MOVED"
    http_status = 409


def begin(
    connection: Connection,
    files: Files,
    caller: User,
    *,
    name: str | None,
    media_type: str | None,
    size: int,
    sha256: str | None,
    max_bytes: int,
    version_of: str | None = None,
    sealed: bool | None = None,
) -> Upload:
    """Begin an upload. What comes is encrypted, and what is said of it, if a field might get it that is sealed.

    Args:
        connection: in a write transaction.
        files: of the model.
        caller: who sends it, sees it, and may read the file that it becomes.
        name: of the file; it is cleaned.
        media_type: as its sender says; it must fit the content once that is there.
        size: bytes of the whole.
        sha256: of the whole, in hex digits; None: it is not checked.
        max_bytes: of a file.
        version_of: id of the file of which it is a version, if it is one.
        sealed: whether it is for a sealed field; None: nobody knows yet.

    Raises:
        Forbidden: the caller may not write any field that holds files.
        FileTooLarge, FileRefused: of that size there is no file.
        BadRequest: the checksum is none.
        NotFound: the caller may not read the file of which it is to be a version.
        TooManyFiles: too many uploads of the caller are under way, or files wait to be attached.
        SealingUnavailable: it is to be sealed, and there is no key store.
    """
    files.check_upload(caller)
    if caller.actor is None:
        raise Forbidden("You may not store files.", hint="Sign in as a user, or by the token of a service.")
    if size > max_bytes:
        raise FileTooLarge(f"A file has at most {max_bytes} bytes.", hint="Send a smaller one.")
    if not size:
        raise FileRefused("The file is empty.", hint="Send one that has content.")
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        raise BadRequest("«sha256» is no SHA-256.", hint="It has 64 hex digits, in small letters.")
    now = dt.datetime.now(dt.UTC)
    if upload_store.count(connection, caller.actor, now) >= MAX_OPEN:
        raise TooManyFiles(
            f"You have {MAX_OPEN} uploads under way.", hint="End some of them first; those that rest end after a day."
        )
    files.check_waiting(connection, caller)
    former = None if version_of is None else files.require(connection, caller, version_of).id
    upload = Upload(file_store.new_id(), clean_name(name), media_type, size, sha256, 0, now + KEPT, former)
    if files.seals_uploads if sealed is None else sealed:
        upload = sealed_pieces.begun(files.keys, connection, upload, only=bool(sealed))
    upload_store.begin(connection, upload, caller.actor)
    return upload


def find(connection: Connection, files: Files, caller: User, upload_id: str) -> Upload:
    """How an upload stands; one that has become a file is there in full as long as that waits for its record.

    Raises:
        NotFound: it is not there, or somebody else's.
    """
    found = caller.actor and upload_store.find(connection, upload_id, caller.actor, dt.datetime.now(dt.UTC))
    if found:
        return found
    file = files.find_own(connection, caller, upload_id)
    if file is None:
        raise _gone()
    file = files.opened(connection, file)
    return Upload(file.id, file.name, file.media_type, file.size, file.sha256, file.size, dt.datetime.now(dt.UTC))


def append(connection: Connection, files: Files, upload: Upload, content: bytes) -> Upload:
    """Add a piece that is not the last; answers with how the upload stands now.

    Raises:
        UploadMoved: somebody else has sent meanwhile.
        NotFound: it is sealed, and has expired.
        SealingUnavailable, SealedValueForeign: it is sealed, and cannot be opened.
    """
    expires_at = dt.datetime.now(dt.UTC) + KEPT
    coat = _opened(connection, files, upload)
    sealed = None if coat is None else sealed_pieces.of_today(files.keys, connection, upload, coat)
    if not upload_store.append(connection, upload, content, expires_at, sealed, coat):
        raise moved()
    received = upload.received + len(content)
    return replace(upload, received=received, expires_at=expires_at, sealed=sealed)


def gather(
    database: Database, files: Files, upload: Upload, last: bytes, into: BinaryIO
) -> tuple[StoredFile, bool | None]:
    """Put the whole of an upload together, and say what file that is, and whether it is for a sealed field, as
    :func:`begin` was told.

    Args:
        database: where the upload is.
        files: of the model.
        upload: as it stands before the last piece.
        last: the last piece.
        into: takes the content.

    Raises:
        UploadMoved: it does not stand so any longer.
        FileRefused: the content is not what the sender said.
        NotFound, SealingUnavailable, SealedValueForeign: as :func:`append`.
    """
    with database.read() as connection:
        coat = _opened(connection, files, upload)
        for piece in upload_store.pieces(connection, upload.id, coat):
            into.write(piece)
    if into.tell() != upload.received:
        raise moved()
    into.write(last)
    said = coat or upload
    file = described(said.name, said.media_type, into, sha256=said.sha256, file_id=upload.id)
    return file, False if coat is None else coat.only or None


def finish(
    connection: Connection, files: Files, caller: User, upload: Upload, file: StoredFile, kept: Kept, most: int
) -> None:
    """Make a whole upload a file.

    Args:
        connection: in a write transaction.
        files: of the model.
        caller: who has sent it.
        upload: as it stood before the last piece.
        file: what :func:`gather` has said.
        kept: its content, or where that lies.
        most: how many former versions are kept.

    Raises:
        UploadMoved: somebody else has sent, or finished it, meanwhile.
        Forbidden, TooManyFiles: as :meth:`Files.store`.
        NotFound: the file of which it is a version is gone, or no longer the caller's to read.
    """
    if not upload_store.end(connection, upload.id, upload.received):
        raise moved()
    former = None if upload.former_id is None else files.require(connection, caller, upload.former_id)
    files.keep(connection, caller, file, kept, former, most)


def _opened(connection: Connection, files: Files, upload: Upload) -> SealedPieces | None:
    if upload.sealed is None:
        return None
    found = sealed_pieces.opened(files.keys, connection, upload)
    if found is None:
        raise _gone()
    return found


def _gone() -> NotFound:
    return NotFound("There is no such upload.", hint="It may have expired. Begin it anew.")


def moved(offset: int | None = None) -> UploadMoved:
    """The error for a piece at the wrong place. ``offset``: the right one."""
    return UploadMoved(
        "The upload does not stand where this piece begins.",
        hint="Ask by HEAD where it stands, and send what comes from there.",
        details={} if offset is None else {"offset": offset},
    )
