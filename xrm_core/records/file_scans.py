"""Scans of files: before they are stored, and later of those that are pending. Nobody reads them until then."""

import shutil
from contextlib import closing
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import BinaryIO, cast

import structlog

from xrm_core.errors import FileRefused, RefusedByPlugin, XrmError
from xrm_core.hookspecs import FileScan
from xrm_core.plugins import Plugins
from xrm_core.records.clamd import Clamd
from xrm_core.records.files import Files
from xrm_core.storage import file_states
from xrm_core.storage.contents import Contents
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import FileState, StoredFile

_log = structlog.get_logger(__name__)
_IN_MEMORY = 1024 * 1024
_STATES = {
    FileScan.CLEAN: FileState.READY,
    FileScan.PENDING: FileState.PENDING,
    FileScan.QUARANTINE: FileState.QUARANTINED,
}


class FileInfected(FileRefused):
    """A scanner has found malware in a file."""

    code = "FILE_INFECTED"


class FileScans:
    """All who look at the content of files.

    Args:
        plugins: whose hook ``scan_file`` is asked.
        clamd: the setting of this name; empty: none.
    """

    def __init__(self, plugins: Plugins, clamd: str = "") -> None:
        self._plugins = plugins
        self._clamd = Clamd(clamd) if clamd else None

    @property
    def are_made(self) -> bool:
        """Whether anybody looks."""
        return self._clamd is not None or self._plugins.scan_files

    def state_of_new(self, file: StoredFile, content: BinaryIO) -> FileState:
        """The state in which a new file is to be stored.

        Raises:
            FileInfected, RefusedByPlugin: it is not to be stored.
        """
        if not self.are_made:
            return FileState.READY
        found = FileScan.CLEAN
        if self._clamd is not None:
            content.seek(0)
            found = self._clamd.scan(content)
            if found is FileScan.QUARANTINE:
                raise FileInfected("The file has malware.", hint="Do not open it. Nothing was stored.")
        asked = self._plugins.scan_file(_told(file), lambda: _copy(content))
        return max(_STATES[found], _STATES[asked], key=list(FileState).index)

    def look_again(self, database: Database, contents: Contents, files: Files) -> int:
        """Scan some of the files that are pending, sealed ones in clear; answers how many are no longer.

        One whose content is gone or cannot be reached holds up no other.
        """
        if not self.are_made:
            return 0
        with database.read() as connection:
            waiting = file_states.pending(connection)
        done = 0
        for file in waiting:
            try:
                done += self._look(database, contents, files, file)
            except XrmError as error:
                _log.warning("file_not_scanned", file=file.id, code=error.code)
        return done

    def _look(self, database: Database, contents: Contents, files: Files, file: StoredFile) -> bool:
        with database.read() as connection:
            file = files.opened(connection, file)
        with SpooledTemporaryFile(_IN_MEMORY) as spool:
            content = cast(BinaryIO, spool)
            with closing(contents.reader(database, file, range(file.size))) as reader:
                for piece in iter(reader.read, b""):
                    content.write(piece)
            try:
                state = self.state_of_new(file, content)
            except (FileInfected, RefusedByPlugin):
                state = FileState.QUARANTINED
        if state is FileState.PENDING:
            return False
        if state is FileState.QUARANTINED:
            _log.warning("file_quarantined", file=file.id)
        with database.begin() as connection:
            return file_states.change(connection, file.id, FileState.PENDING, state)


def _told(file: StoredFile) -> dict[str, object]:
    return {"name": file.name, "media_type": file.media_type, "size": file.size, "sha256": file.sha256}


def _copy(content: BinaryIO) -> BinaryIO:
    """A stream of one's own, which somebody may read, seek and close."""
    made = TemporaryFile()  # noqa: SIM115 - who asks for it closes it
    content.seek(0)
    shutil.copyfileobj(content, made, _IN_MEMORY)
    made.seek(0)
    return cast(BinaryIO, made)
