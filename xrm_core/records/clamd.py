"""Asking clamd, the daemon of ClamAV, whether content has malware, by its command INSTREAM."""

import socket
import struct
from contextlib import closing
from typing import BinaryIO
from urllib.parse import urlsplit

import structlog

from xrm_core.hookspecs import FileScan

_CONNECT_SECONDS, _SECONDS = 5.0, 60.0
_CHUNK_BYTES = 64 * 1024
_MOST_ANSWER = 4096

_log = structlog.get_logger(__name__)


class Clamd:
    """A daemon.

    Args:
        url: ``tcp://host:3310`` or ``unix:///run/clamav/clamd.ctl``.
    """

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)

    def scan(self, content: BinaryIO) -> FileScan:
        """QUARANTINE: it has found malware. PENDING: it does not answer, or not what it should; the log has that."""
        try:
            with closing(self._connected()) as daemon:
                answer = _asked(daemon, content)
        except OSError as error:
            _log.warning("clamd_unavailable", kind=type(error).__name__)
            return FileScan.PENDING
        if answer.endswith("FOUND"):
            _log.warning("malware_found", name=answer.removeprefix("stream:").removesuffix("FOUND").strip()[:200])
            return FileScan.QUARANTINE
        if answer == "stream: OK":
            return FileScan.CLEAN
        _log.error("clamd_failed", answer=answer[:200])
        return FileScan.PENDING

    def _connected(self) -> socket.socket:
        if self._url.scheme == "tcp":
            made = socket.create_connection((self._url.hostname or "", self._url.port or 3310), _CONNECT_SECONDS)
        else:
            made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                made.settimeout(_CONNECT_SECONDS)
                made.connect(self._url.path)
            except BaseException:
                made.close()
                raise
        made.settimeout(_SECONDS)
        return made


def _asked(daemon: socket.socket, content: BinaryIO) -> str:
    try:
        daemon.sendall(b"zINSTREAM\0")
        while chunk := content.read(_CHUNK_BYTES):
            daemon.sendall(struct.pack("!L", len(chunk)) + chunk)
        daemon.sendall(struct.pack("!L", 0))
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has heard enough, and says why
    answer = b""
    while b"\0" not in answer and len(answer) < _MOST_ANSWER:
        received = daemon.recv(_MOST_ANSWER)
        if not received:
            break
        answer += received
    return answer.partition(b"\0")[0].decode("utf-8", "replace").strip()
