"""What stands in headers of tus, the protocol of uploads that can be resumed (tus.io, version 1.0.0). Pure."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xrm_core.errors import BadRequest, XrmError

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination"
ALGORITHMS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
"""For checksums of pieces; the protocol demands the first, which is good enough against slips of the line."""

PIECE = "application/offset+octet-stream"

_DIGITS = re.compile(r"[0-9]{1,18}")


class TusVersion(XrmError):
    """The client does not say that it speaks tus in a version that the server speaks."""

    code = "TUS_VERSION"
    http_status = 412


class ChecksumMismatch(XrmError):
    """A piece of an upload has another checksum than its sender says; nothing of it was kept."""

    code = "CHECKSUM_MISMATCH"
    http_status = 460


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a piece's digest must be."""

    algorithm: str
    digest: bytes

    def new(self) -> Any:
        """The hash to feed with the piece."""
        return ALGORITHMS[self.algorithm](usedforsecurity=False)

    def check(self, fed: Any) -> None:
        """Raise :class:`ChecksumMismatch` unless the hash is the one."""
        if fed.digest() != self.digest:
            raise ChecksumMismatch("The piece has another checksum.", hint="Send it again.")


def require_version(headers: Mapping[str, str]) -> None:
    """Raise :class:`TusVersion` unless the client speaks the version that there is."""
    if headers.get("tus-resumable") != VERSION:
        raise TusVersion("Uploads that can be resumed speak tus 1.0.0.", hint="Send the header «Tus-Resumable: 1.0.0».")


def number_in(headers: Mapping[str, str], name: str) -> int:
    """The number of bytes in a header. Raises BadRequest: there is none."""
    text = headers.get(name, "")
    if not _DIGITS.fullmatch(text):
        raise BadRequest(f"The header {name.title()} has no number of bytes.")
    return int(text)


def metadata_in(headers: Mapping[str, str]) -> dict[str, str]:
    """The pairs of «Upload-Metadata». Raises BadRequest: it cannot be read."""
    found: dict[str, str] = {}
    for pair in filter(None, (each.strip() for each in headers.get("upload-metadata", "").split(","))):
        key, _, value = pair.partition(" ")
        try:
            text = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            text = "\0"
        if key in found or "\0" in text:
            raise BadRequest(
                "The header Upload-Metadata cannot be read.",
                hint="It has pairs «key base64-of-text», with commas between.",
            )
        found[key] = text
    return found


def checksum_in(headers: Mapping[str, str]) -> Checksum | None:
    """What «Upload-Checksum» says, if it is there. Raises BadRequest: it cannot be read, or names another algorithm."""
    if "upload-checksum" not in headers:
        return None
    algorithm, _, value = headers["upload-checksum"].partition(" ")
    try:
        digest = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if algorithm not in ALGORITHMS or len(digest) != ALGORITHMS[algorithm](usedforsecurity=False).digest_size:
        raise BadRequest(
            "The header Upload-Checksum cannot be read.",
            hint=f"It has {' or '.join(ALGORITHMS)}, and the digest in base64.",
        )
    return Checksum(algorithm, digest)
