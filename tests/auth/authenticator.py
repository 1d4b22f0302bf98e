"""An authenticator in software: what a browser and the device behind it would send."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
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
        self.key: Any = ec.generate_private_key(self.curve)
        if self.alg == -8:
            self.key = ed25519.Ed25519PrivateKey.generate()
        if self.alg == -257:
            self.key = rsa.generate_private_key(65537, 2048)
        self.id = secrets.token_bytes(32)
        self.user_handle = b""

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """What ``navigator.credentials.create`` gives for the options."""
        self.user_handle = base64url_to_bytes(options["user"]["id"])
        credential = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + encode_cbor(self._cose())
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
        how: dict[int, tuple[Any, ...]] = {-8: (), -257: (padding.PKCS1v15(), hashes.SHA256())}
        by = how.get(self.alg, (ec.ECDSA(hashes.SHA256()),))
        signed = self.key.sign(data + hashlib.sha256(client_data).digest(), *by)
        response = {
            "clientDataJSON": bytes_to_base64url(client_data),
            "authenticatorData": bytes_to_base64url(data),
            "signature": bytes_to_base64url(signed),
            "userHandle": bytes_to_base64url(self.user_handle),
        }
        return self._credential(response)

    def _cose(self) -> dict[int, Any]:
        """The public key in COSE (RFC 9052)."""
        public = self.key.public_key()
        if self.alg == -8:
            return {1: 1, 3: -8, -1: 6, -2: public.public_bytes_raw()}
        numbers = public.public_numbers()
        if self.alg == -257:
            return {1: 3, 3: -257, -1: numbers.n.to_bytes(256, "big"), -2: numbers.e.to_bytes(3, "big")}
        size = (self.curve.key_size + 7) // 8
        return {1: 2, 3: self.alg, -1: 1, -2: numbers.x.to_bytes(size, "big"), -3: numbers.y.to_bytes(size, "big")}

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
