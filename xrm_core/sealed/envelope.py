"""The form of a sealed value: AES-256 in GCM, bound to the place for which it was sealed. No I/O in here.

Values are filled up to full blocks before: else the length of what is stored would say «true» or «false», or which of
a few choices it is.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7

from xrm_core.sealed.errors import SealedValueForeign

PREFIX = "xs1."
"""What every sealed value begins with."""

_NONCE_BYTES = 12
_BLOCKS = PKCS7(32 * 8)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: at another place its ciphertext does not open."""

    tenant: str
    entity: str
    record: str
    field: str

    def bound(self) -> bytes:
        """As associated data: with lengths, so that no two places give the same bytes."""
        parts = [part.encode() for part in (self.tenant, self.entity, self.record, self.field)]
        return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def encrypted(key_id: str, key: bytes, text: str, place: Place) -> str:
    """The sealed form of a text; of the same text another one each time."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    filling = _BLOCKS.padder()
    content = AESGCM(key).encrypt(nonce, filling.update(text.encode()) + filling.finalize(), place.bound())
    return f"{PREFIX}{key_id}.{base64.urlsafe_b64encode(nonce + content).decode()}"


def key_id_of(sealed: str) -> str:
    """The id of the key that has sealed it.

    Raises:
        SealedValueForeign: it has not the form of a sealed value.
    """
    parts = sealed.split(".")
    if not sealed.startswith(PREFIX) or len(parts) != 3:
        raise _foreign()
    return parts[1]


def decrypted(key: bytes, sealed: str, place: Place) -> str:
    """The text again.

    Raises:
        SealedValueForeign: it was not sealed by this key for this place, or was changed.
    """
    key_id_of(sealed)
    try:
        raw = base64.b64decode(sealed.rpartition(".")[2], altchars=b"-_", validate=True)
        filled = AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.bound())
        emptying = _BLOCKS.unpadder()
        return (emptying.update(filled) + emptying.finalize()).decode()
    except (binascii.Error, ValueError, InvalidTag):
        raise _foreign() from None


def _foreign() -> SealedValueForeign:
    return SealedValueForeign(
        "A sealed value does not belong to the place at which it stands.",
        hint="It was moved or changed in the database. Look at the change log of the record.",
    )
