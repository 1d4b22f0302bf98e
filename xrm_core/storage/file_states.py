"""Files that nobody may read yet, or not any more, since a scan is pending or has found something."""

from sqlalchemy import Connection, func, select, update

from xrm_core.storage.file_store import FileState, StoredFile
from xrm_core.storage.file_tables import FILE

_BATCH = 100
_NO_SCAN = (FileState.READY, FileState.VAULTED)
_COLUMNS = tuple(FILE.c[name] for name in StoredFile.__dataclass_fields__)


def pending(connection: Connection) -> list[StoredFile]:
    """Some files whose scan is pending; others each time, so that those that stay pending hold up none."""
    query = select(*_COLUMNS).where(FILE.c.state == FileState.PENDING).order_by(func.random()).limit(_BATCH)
    return [StoredFile(*row) for row in connection.execute(query)]


def withheld(connection: Connection) -> list[tuple[StoredFile, str]]:
    """All files that nobody may read, each with when it was stored."""
    query = select(*_COLUMNS, FILE.c.created_at).where(FILE.c.state.not_in(_NO_SCAN)).order_by(FILE.c.created_at)
    return [(StoredFile(*row), created_at) for *row, created_at in connection.execute(query)]


def change(connection: Connection, file_id: str, before: FileState | None, after: FileState) -> bool:
    """Change the state of a file; False: there is none, or it has another state than ``before`` (None: any but that
    of the vault).
    """
    standing = FILE.c.state != FileState.VAULTED if before is None else FILE.c.state == before
    chosen = FILE.c.id == file_id, standing
    return connection.execute(update(FILE).where(*chosen).values(state=after)).rowcount == 1
