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
from xrm_core.records.file_names import clean_name
from xrm_core.records.files import Files, described
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
) -> Upload:
    """Begin an upload.

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

    Raises:
        Forbidden: the caller may not write any field that holds files.
        FileTooLarge, FileRefused: of that size there is no file.
        BadRequest: the checksum is none.
        NotFound: the caller may not read the file of which it is to be a version.
        TooManyFiles: too many uploads of the caller are under way, or files wait to be attached.
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
        raise NotFound("There is no such upload.", hint="It may have expired. Begin it anew.")
    return Upload(file.id, file.name, file.media_type, file.size, file.sha256, file.size, dt.datetime.now(dt.UTC))


def append(connection: Connection, upload: Upload, content: bytes) -> Upload:
    """Add a piece that is not the last; answers with how the upload stands now.

    Raises:
        UploadMoved: somebody else has sent meanwhile.
    """
    expires_at = dt.datetime.now(dt.UTC) + KEPT
    if not upload_store.append(connection, upload.id, upload.received, content, expires_at):
        raise moved()
    received = upload.received + len(content)
    return replace(upload, received=received, expires_at=expires_at)


def gather(database: Database, upload: Upload, last: bytes, into: BinaryIO) -> StoredFile:
    """Put the whole of an upload together, and say what file that is.

    Args:
        database: where the upload is.
        upload: as it stands before the last piece.
        last: the last piece.
        into: takes the content.

    Raises:
        UploadMoved: it does not stand so any longer.
        FileRefused: the content is not what the sender said.
    """
    with database.read() as connection:
        for piece in upload_store.pieces(connection, upload.id):
            into.write(piece)
    if into.tell() != upload.received:
        raise moved()
    into.write(last)
    return described(upload.name, upload.media_type, into, sha256=upload.sha256, file_id=upload.id)


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


def moved(offset: int | None = None) -> UploadMoved:
    """The error for a piece at the wrong place. ``offset``: the right one."""
    return UploadMoved(
        "The upload does not stand where this piece begins.",
        hint="Ask by HEAD where it stands, and send what comes from there.",
        details={} if offset is None else {"offset": offset},
    )
