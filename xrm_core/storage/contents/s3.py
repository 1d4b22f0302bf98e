"""Content in a bucket of S3 or a store that speaks as it does (MinIO, Ceph, Garage, …), by boto3.

boto3 is an extra, and importing it takes as long as a short command: it is imported when the first content moves.
"""

import base64
import contextlib
import threading
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import structlog

from xrm_core.errors import SettingsError
from xrm_core.storage.contents.store import FilesUnavailable, require_key, unavailable
from xrm_core.storage.file_tables import CHUNK_BYTES

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a bucket is, and by which credentials it is reached.

    Without them it is reached by those that boto3 finds itself (environment, role of the machine). ``prefix`` ends with
    a slash or is empty.
    """

    name: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)


class S3Store:
    """A bucket."""

    scheme = "s3"

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._made: Any = None
        self._making = threading.Lock()

    def put(self, key: str, content: BinaryIO, size: int, sha256: str) -> None:
        """Keep content; the store compares the checksum. Raises FilesUnavailable."""
        digest = base64.b64encode(bytes.fromhex(sha256)).decode()
        given = {"ContentLength": size, "ChecksumSHA256": digest, "ContentType": "application/octet-stream"}
        try:
            self._client.put_object(**self._named(key), Body=content, **given)
        except self._errors as error:
            raise _failed("put", error) from None

    def reader(self, key: str, part: range) -> "_S3Reader":
        """Bytes of what is kept. Raises FilesUnavailable."""
        try:
            found = self._client.get_object(**self._named(key), Range=f"bytes={part.start}-{part.stop - 1}")
        except self._errors as error:
            raise _failed("read", error) from None
        return _S3Reader(found["Body"], len(part), self._errors)

    def remove(self, key: str) -> None:
        """Let go of content. Raises FilesUnavailable."""
        try:
            self._client.delete_object(**self._named(key))
        except self._errors as error:
            raise _failed("remove", error) from None

    def _named(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket.name, "Key": f"{self._bucket.prefix}{require_key(key)}"}

    @property
    def _client(self) -> Any:
        """Made once; clients of boto3 may be used by several threads, making them may not."""
        with self._making:
            if self._made is None:
                self._made = _client(self._bucket)
            return self._made

    @property
    def _errors(self) -> tuple[type[Exception], ...]:
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
        from urllib3.exceptions import HTTPError

        return BotoCoreError, ClientError, HTTPClientError, HTTPError, OSError


class _S3Reader:
    def __init__(self, body: Any, left: int, errors: tuple[type[Exception], ...]) -> None:
        self._body, self._left, self._errors = body, left, errors

    def read(self) -> bytes:
        try:
            content: bytes = self._body.read(min(self._left, CHUNK_BYTES)) if self._left else b""
        except self._errors as error:
            raise _failed("read", error) from None
        if self._left and not content:
            raise _failed("read", EOFError())
        self._left -= len(content)
        return content

    def close(self) -> None:
        with contextlib.suppress(*self._errors):
            self._body.close()


def require_boto3() -> None:
    """Raise SettingsError if the extra is not installed."""
    from importlib.util import find_spec

    if find_spec("boto3") is None:
        raise SettingsError(
            "XRM_FILES names a bucket, but boto3 is not installed.", hint="Install it: pip install 'xrm-platform[s3]'."
        )


def _client(bucket: Bucket) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 3},
        s3={"addressing_style": "path" if bucket.endpoint else "auto"},
        # Stores that are not Amazon's do not all know the checksums that boto3 adds by itself; we give our own.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    # A session of its own: the default one is shared with whoever else uses boto3 in this process.
    return boto3.session.Session().client(
        "s3",
        endpoint_url=bucket.endpoint or None,
        region_name=bucket.region or None,
        aws_access_key_id=bucket.access_key or None,
        aws_secret_access_key=bucket.secret_key or None,
        config=config,
    )


def _failed(what: str, error: Exception) -> FilesUnavailable:
    # Only the store's own code: its texts have addresses, and may have more.
    code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
    _log.error("files_unavailable", store="s3", what=what, kind=type(error).__name__, reason=code)
    return unavailable()
