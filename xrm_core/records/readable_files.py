"""Contents of files for plugins that look into them, whoever may see them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection, true

from xrm_core.records import sealed_files
from xrm_core.records.sealing import store_of
from xrm_core.sealed.errors import SealedKeyDestroyed
from xrm_core.storage import file_store, file_versions
from xrm_core.storage.columns import is_id
from xrm_core.storage.file_store import FileState

if TYPE_CHECKING:
    from xrm_core.records.door import Records


class _Reading(Protocol):
    @property
    def records(self) -> "Records": ...
    @property
    def connection(self) -> Connection: ...


@dataclass(frozen=True, slots=True)
class ReadableFile:
    """A file as it is in truth, also if it is sealed; ``size`` in bytes, ``sha256`` in 64 hex digits.

    ``quarantined``: a scan has found something in it; nobody gets it. ``former`` are the ids of its former versions.
    """

    id: str
    name: str
    media_type: str
    size: int
    sha256: str
    quarantined: bool
    former: tuple[str, ...]
    _read: Callable[[], Iterator[bytes]] = field(repr=False)

    def pieces(self) -> Iterator[bytes]:
        """Its content in clear, piece by piece, within the transaction; from its start each time.

        Raises:
            FilesUnavailable: it lies outside of the database, where nobody answers.
            SealedValueForeign: what lies there is not what was sealed.
        """
        return self._read()


def read_file(context: _Reading, id_: str) -> ReadableFile | None:
    """A file with its content, whoever may see it: for a function to judge, not to be handed on. **No right is asked,
    and nothing is kept in the log of reads.** Whoever shows what was read to somebody asks for their right before.

    Args:
        context: of an action, a route, a command, of what follows a write, or ``job.within(connection)``, of a
            transaction that reads, too.
        id_: of the file, as the field of a record has it that was read.

    Returns:
        None: there is no such file, it lies in the vault (:func:`~xrm_core.records.vault.former.file_in_vault` finds
        it there), or the key by which it was sealed is destroyed.

    Raises:
        SealingUnavailable, SealedValueForeign: it is sealed and cannot be opened here.
    """
    records, connection = context.records, context.connection
    file = file_store.find(connection, id_, true(), {}) if is_id(id_) else None
    if file is None:
        return None
    try:
        clear = sealed_files.opened(store_of(records), connection, file)
    except SealedKeyDestroyed:
        return None
    said = (file.id, clear.name, clear.media_type, clear.size, clear.sha256)
    former = tuple(file_versions.former_ids(connection, [file.id]))
    read = partial(sealed_files.clear_pieces, records, store_of(records), connection, file)
    return ReadableFile(*said, file.state == FileState.QUARANTINED, former, read)
