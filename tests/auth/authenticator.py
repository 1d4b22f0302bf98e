"""An authenticator in software: what a browser and the device behind it would send."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, encode_cbor

from tests.auth.kit import ORIGIN

UP, UV, BE, BS, AT = 1, 4, 8, 16, 64
PRESENT = UP | UV | BE | BS


@dataclass
class Authenticator:
    """One passkey. What the tests change before they use it is what an attacker could."""

    origin: str = ORIGIN
    rp_id: str | None = None  # None: as it is asked
    flags: int = PRESENT
    count: int = 0
    alg: int = -7
    more: dict[str, Any] = field(default_factory=dict)  # in the client data
    type_: str | None = None
    curve: ec.EllipticCurve = field(default_factory=ec.SECP256R1)

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(self.curve)
        self.id = secrets.token_bytes(32)
        self.user_handle = b""

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """What ``navigator.credentials.create`` gives for the options."""
        self.user_handle = base64url_to_bytes(options["user"]["id"])
        public = self.key.public_key().public_numbers()
        size = (self.curve.key_size + 7) // 8
        cose = {1: 2, 3: self.alg, -1: 1, -2: public.x.to_bytes(size, "big"), -3: public.y.to_bytes(size, "big")}
        credential = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + encode_cbor(cose)
        data = self._data(options["rp"]["id"], AT) + credential
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": bytes_to_base64url(self._client_data(self.type_ or "webauthn.create", options)),
            "attestationObject": bytes_to_base64url(attestation),
            "transports": ["internal", "hybrid", "smoke-signals"],
        }
        return self._credential(response)

    def sign(self, options: dict[str, Any]) -> dict[str, Any]:
        """What ``navigator.credentials.get`` gives for the options."""
        client_data = self._client_data(self.type_ or "webauthn.get", options)
        data = self._data(options["rpId"])
        signed = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": bytes_to_base64url(client_data),
            "authenticatorData": bytes_to_base64url(data),
            "signature": bytes_to_base64url(signed),
            "userHandle": bytes_to_base64url(self.user_handle),
        }
        return self._credential(response)

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        id_ = bytes_to_base64url(self.id)
        return {
            "id": id_,
            "rawId": id_,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        }

    def _client_data(self, type_: str, options: dict[str, Any]) -> bytes:
        told = {"type": type_, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(told | self.more).encode()

    def _data(self, rp_id: str, more: int = 0) -> bytes:
        scope = hashlib.sha256((self.rp_id or rp_id).encode()).digest()
        return scope + bytes([self.flags | more]) + self.count.to_bytes(4, "big")
