"""Seals and opens values of one tenant, and finds records by a sealed value."""

import datetime as dt
import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from xrm_core.sealed.content import opened_content, opened_part, sealed_content
from xrm_core.sealed.envelope import Place, decrypted, encrypted, key_id_of
from xrm_core.sealed.errors import SealedKeyDestroyed
from xrm_core.sealed.key_store import KeyStore
from xrm_core.sealed.tables import BLIND

_INDEX_SUBJECT = "-"
"""Whose the keys of blind indexes are: nobody's, so that they outlive every person."""

_FILE = "xrm_file"
"""Stands for the entity of files, which belong to no record."""

_VERSION = 1
"""Of the indexes: what it is made of, and how."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a sealed value is. ``destroyed``: its key is, and ``text`` is None for good."""

    text: str | None
    destroyed: bool = False


class SealedBox:
    """The sealed values of one tenant.

    Args:
        store: has the keys.
        tenant: its name; empty for the main database.
    """

    def __init__(self, store: KeyStore, tenant: str = "") -> None:
        self.store = store
        self.tenant = tenant

    def seal(self, text: str, subject: str, class_name: str, entity: str, record: str, field: str) -> str:
        """The sealed form of a text, for one field of one record.

        Args:
            text: in clear.
            subject: the id of whose it is.
            class_name: for how long it is kept, or what else has a key of its own.
            entity: of the record.
            record: its id.
            field: its name.

        Raises:
            SealingUnavailable: there is no key store.
            SealedKeyDestroyed: the subject was erased.
        """
        key = self.store.key(self.tenant, subject, class_name)
        return encrypted(key.id, key.content, text, Place(self.tenant, entity, record, field))

    def open(self, sealed: str | None, entity: str, record: str, field: str) -> Opened:
        """What stands in a field, in clear.

        Raises:
            SealingUnavailable: there is no key store, or it is not that of this data.
            SealedValueForeign: it was not sealed for this field of this record.
        """
        if sealed is None:
            return Opened(None)
        try:
            key = self.store.by_id(self.tenant, key_id_of(sealed))
        except SealedKeyDestroyed:
            return Opened(None, destroyed=True)
        return Opened(decrypted(key.content, sealed, Place(self.tenant, entity, record, field)))

    def seal_file(self, text: str, subject: str, class_name: str, file_id: str) -> str:
        """The sealed form of what there is to say of a file. Raises as :meth:`seal`."""
        return self.seal(text, subject, class_name, _FILE, file_id, "description")

    def open_file(self, sealed: str | None, file_id: str) -> Opened:
        """What there is to say of a file. Raises as :meth:`open`."""
        return self.open(sealed, _FILE, file_id, "description")

    def seal_content(self, key: bytes, file_id: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The sealed form of the content of a file, by a key of its own; whoever seals it keeps that, sealed."""
        return sealed_content(key, Place(self.tenant, _FILE, file_id, "content"), pieces)

    def open_content(self, key: bytes, file_id: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The content of a file in clear.

        Raises:
            SealedValueForeign: it is not what was sealed; told while it is read.
        """
        return opened_content(key, Place(self.tenant, _FILE, file_id, "content"), pieces)

    def open_part(
        self, key: bytes, file_id: str, size: int, part: range, stored: Callable[[range], Iterable[bytes]]
    ) -> Iterator[bytes]:
        """Some bytes of the content of a file in clear; ``size`` is that of what is stored, of which ``stored`` gives
        bytes. Raises as :meth:`open_content`.
        """
        return opened_part(key, Place(self.tenant, _FILE, file_id, "content"), size, part, stored)

    def enter(self, text: str, bits: int, subject: str, class_name: str, entity: str, record: str, field: str) -> None:
        """Have a record found by a value, given in the one form in which it is looked for.

        What it was found by before stays until the keys of the subject are destroyed: the write of which this is a part
        may still be rolled back. Whoever opens the :meth:`candidates` finds out.
        """
        row: dict[str, Any] = {
            "tenant": self.tenant,
            "field": f"{entity}.{field}",
            "value": self._hashed(text, bits, entity, field),
            "record": record,
            "subject": subject,
            "class_name": class_name,
            "version": _VERSION,
            "written_at": dt.datetime.now(dt.UTC),
        }
        database = self.store.database
        insert = sqlite.insert(BLIND) if database.is_sqlite else postgresql.insert(BLIND)
        with database.begin() as connection:
            connection.execute(insert.values(row).on_conflict_do_nothing())

    def candidates(self, text: str, bits: int, entity: str, field: str) -> Sequence[str]:
        """Ids of records that may have a value; whoever asks opens what they have and compares. None is left out."""
        mine = BLIND.c.tenant == self.tenant, BLIND.c.field == f"{entity}.{field}", BLIND.c.version == _VERSION
        wanted = BLIND.c.value == self._hashed(text, bits, entity, field)
        with self.store.database.read() as connection:
            return connection.scalars(select(BLIND.c.record).where(*mine, wanted).order_by(BLIND.c.record)).all()

    def _hashed(self, text: str, bits: int, entity: str, field: str) -> str:
        key = self.store.key(self.tenant, _INDEX_SUBJECT, f"blind:{entity}.{field}").content
        whole = int.from_bytes(hmac.digest(key, text.encode(), hashlib.sha256), "big")
        return f"{whole >> (256 - bits):x}"
