"""Uploads under way are encrypted piece by piece, before anybody knows in which field the file will be.

Each has a key of its own, which lies with what its sender has said (name, type, checksum) under the key of the day
(:mod:`xrm_core.records.sealed_uploads`). An upload that goes on takes that of the day of its last piece, so whatever is
over or has expired opens no more when that is destroyed, in copies and backups neither.
"""

import datetime as dt
import json
import secrets
from dataclasses import asdict, dataclass, replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection

from xrm_core.records.sealed_uploads import day_key
from xrm_core.sealed.box import SealedBox
from xrm_core.sealed.content import KEY_BYTES
from xrm_core.sealed.errors import SealedValueForeign
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage.sealed_tables import made_mark, mark_of
from xrm_core.storage.upload_store import Upload
from xrm_core.translation import say

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class SealedPieces:
    """What there is to say of a sealed upload, and how its chunks are stored.

    ``key`` is in hex digits; ``day``: of whose key it lies under; ``only``: it becomes a file for sealed fields alone.
    """

    upload_id: str
    key: str
    day: str
    name: str
    media_type: str | None
    sha256: str | None
    only: bool

    def seal(self, number: int, clear: bytes) -> bytes:
        """A chunk as it is stored; it opens at its place in this upload alone."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher().encrypt(nonce, clear, self._place(number))

    def open(self, number: int, stored: bytes) -> bytes:
        """A chunk in clear. Raises SealedValueForeign: it is not what has come."""
        try:
            return self._cipher().decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], self._place(number))
        except (InvalidTag, ValueError):
            raise SealedValueForeign(
                say("A piece of an upload is not what has come."),
                hint=say("It was changed where it lies. Send all of it anew."),
            ) from None

    def _cipher(self) -> AESGCM:
        return AESGCM(bytes.fromhex(self.key))

    def _place(self, number: int) -> bytes:
        return f"xrm_upload_chunk/{self.upload_id}/{number}".encode()


def begun(store: KeyStore, connection: Connection, upload: Upload, *, only: bool) -> Upload:
    """A new upload in its sealed form.

    Args:
        store: of keys.
        connection: in a write transaction.
        upload: in clear.
        only: it is to be a file for sealed fields alone.

    Raises:
        SealingUnavailable: there is no store.
    """
    said = (upload.name, upload.media_type, upload.sha256, only)
    pieces = SealedPieces(upload.id, secrets.token_bytes(KEY_BYTES).hex(), _today(), *said)
    return replace(upload, name="", media_type=None, sha256=None, sealed=_sealed(store, connection, pieces))


def opened(store: KeyStore, connection: Connection, upload: Upload) -> SealedPieces | None:
    """What there is to say of a sealed upload; None: its key is destroyed, since it has expired.

    Raises:
        SealingUnavailable, SealedValueForeign: it cannot be opened.
    """
    text = SealedBox(store, mark_of(connection) or "").open(upload.sealed, *_place_of(upload.id)).text
    return None if text is None else SealedPieces(**json.loads(text))


def of_today(store: KeyStore, connection: Connection, upload: Upload, pieces: SealedPieces) -> str | None:
    """The sealed form of an upload that goes on today. Raises SealingUnavailable: there is no store."""
    today = _today()
    if pieces.day == today:
        return upload.sealed
    return _sealed(store, connection, replace(pieces, day=today))


def _sealed(store: KeyStore, connection: Connection, pieces: SealedPieces) -> str:
    store.require()
    text = json.dumps(asdict(pieces), ensure_ascii=False)
    box = SealedBox(store, made_mark(connection))
    return box.seal(text, *day_key(pieces.day), *_place_of(pieces.upload_id))


def _place_of(upload_id: str) -> tuple[str, str, str]:
    return "xrm_upload", upload_id, "sealed"


def _today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()
