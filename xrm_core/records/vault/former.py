"""What of the change log, and which files, lie in the vault with a record, whoever may open it."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, select

from xrm_core.changes.opening import in_clear_all, part_of
from xrm_core.changes.reading import CLOSED, LoggedChange
from xrm_core.records import sealed_files
from xrm_core.records.sealing import store_of
from xrm_core.records.vault.deposits import opened
from xrm_core.sealed.box import SealedBox
from xrm_core.storage import file_store
from xrm_core.storage.file_store import StoredFile
from xrm_core.storage.sealed_tables import mark_of
from xrm_core.storage.vault_tables import VAULT

if TYPE_CHECKING:
    from xrm_core.records.door import Records


class _Reading(Protocol):
    @property
    def records(self) -> "Records": ...
    @property
    def connection(self) -> Connection: ...


@dataclass(frozen=True, slots=True)
class VaultedFile:
    """A file that lies in the vault, as it is in truth; ``size`` in bytes, ``sha256`` in 64 hex digits."""

    id: str
    name: str
    media_type: str
    size: int
    sha256: str
    _read: Any = field(repr=False)

    def pieces(self) -> Iterator[bytes]:
        """Its content in clear, piece by piece, within the transaction.

        Raises:
            FilesUnavailable: it lies where nobody answers.
        """
        content: Iterator[bytes] = self._read()
        return content


def with_vaulted(
    records: "Records",
    connection: Connection,
    id_: str,
    changes: Sequence[LoggedChange],
    fields: Collection[str] | None = None,
) -> list[LoggedChange]:
    """Entries of the change log of a record, with those of their values that lie in the vault; ``fields``: no others.
    What nobody can open any more is not among it, nor that values have moved there: they have not become others.

    Raises:
        SealingUnavailable: it cannot be opened.
    """
    rows = list(connection.execute(select(VAULT).where(VAULT.c.record_id == id_).order_by(VAULT.c.deposit)))
    found: dict[int, dict[str, Any]] = {}
    known = {each.id: each for each in changes}
    for _, content in opened(records, connection, rows, skip=True) if rows else ():
        kept = [(known[entry["id"]], entry) for entry in content["log"] if entry["id"] in known]
        # What was closed in the log when it was moved is closed there, too.
        parts = [part_of(at.position or 0, id_, at.operation, said["fields"], said["erased"]) for at, said in kept]
        for (change, _), entry in zip(kept, in_clear_all(connection, parts, fields), strict=True):
            of = found.setdefault(change.id, {})
            for name, value in json.loads(entry.fields).items():
                of[name] = value if fields is None or name in fields else CLOSED
    moves = {row.moved_at for row in rows}
    return [_with(each, found[each.id]) if each.id in found and each.at not in moves else each for each in changes]


def _with(change: LoggedChange, kept: Mapping[str, Any]) -> LoggedChange:
    fields = {**kept, **change.fields}
    return replace(change, fields=fields, closed=frozenset(name for name in fields if fields[name] is CLOSED))


def file_in_vault(context: _Reading, id_: str) -> VaultedFile | None:
    """A file that lies in the vault, whoever may open it: for a function to judge, not to be handed on.

    Args:
        context: of an action, a route, a job or a command.
        id_: of the file.

    Returns:
        None: there is no such file in the vault, or nobody can open it any more.

    Raises:
        SealingUnavailable, SealedValueForeign: it cannot be opened.
    """
    records, connection = context.records, context.connection
    file = file_store.in_vault(connection, id_)
    if file is None:
        return None
    box = SealedBox(store_of(records), mark_of(connection) or "")
    said = _said(box, file, file.sealed)
    if said is not None and "key" not in said:  # it was sealed before it came here
        said = _said(box, file, said["file"]["sealed"])
    if said is None:
        return None
    is_ = {name: said["file"][name] for name in sealed_files.SAID}
    return VaultedFile(id=file.id, **is_, _read=partial(_content, records, connection, box, file, said["key"]))


def _said(box: SealedBox, file: StoredFile, sealed: str | None) -> dict[str, Any] | None:
    text = box.open_file(sealed, file.id).text
    return None if text is None else dict(json.loads(text))


def _content(records: "Records", connection: Connection, box: SealedBox, file: StoredFile, key: str) -> Iterator[bytes]:
    return box.open_content(bytes.fromhex(key), file.id, sealed_files.stored_pieces(records, connection, file))
