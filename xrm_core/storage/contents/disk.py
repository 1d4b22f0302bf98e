"""Content in a folder: written beside its place first, and there in full or not at all, also after a power cut."""

import contextlib
import os
import shutil
from pathlib import Path
from typing import BinaryIO

import structlog

from xrm_core.storage.contents.store import FilesUnavailable, require_key, unavailable
from xrm_core.storage.file_tables import CHUNK_BYTES

_log = structlog.get_logger(__name__)


class DiskStore:
    """A folder; all servers of the database must see the same.

    Args:
        folder: made when the first content comes.
    """

    scheme = "disk"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, content: BinaryIO, size: int, sha256: str) -> None:  # noqa: ARG002 - the store's face
        """Keep content. Raises FilesUnavailable."""
        path = self._path(key)
        part = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
                shutil.copyfileobj(content, file, CHUNK_BYTES)
                written = file.tell()
                file.flush()
                os.fsync(file.fileno())
            if written != size:
                raise unavailable()
            part.replace(path)
            _sync(path.parent)
        except OSError as error:
            raise _failed("put", error) from None
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def reader(self, key: str, part: range) -> "_DiskReader":
        """Bytes of what is kept. Raises FilesUnavailable."""
        try:
            file = os.fdopen(os.open(self._path(key), os.O_RDONLY | os.O_NOFOLLOW), "rb")
        except OSError as error:
            raise _failed("read", error) from None
        return _DiskReader(file, part)

    def remove(self, key: str) -> None:
        """Let go of content. Raises FilesUnavailable."""
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as error:
            raise _failed("remove", error) from None

    def _path(self, key: str) -> Path:
        return self._folder / require_key(key)


class _DiskReader:
    def __init__(self, file: BinaryIO, part: range) -> None:
        self._file = file
        self._left = len(part)
        file.seek(part.start)

    def read(self) -> bytes:
        try:
            content = self._file.read(min(self._left, CHUNK_BYTES))
        except OSError as error:
            raise _failed("read", error) from None
        if self._left and not content:  # it was cut
            raise _failed("read", EOFError())
        self._left -= len(content)
        return content

    def close(self) -> None:
        self._file.close()


def _sync(folder: Path) -> None:
    """The name of a new file survives a power cut, too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _failed(what: str, error: Exception) -> FilesUnavailable:
    _log.error(
        "files_unavailable", store="disk", what=what, kind=type(error).__name__, errno=getattr(error, "errno", 0)
    )
    return unavailable()
