"""The client for addresses that users have named.

A name is looked up once, all its addresses are judged, and the connection goes to one that was: whoever changes the
name in between has no part in it. No redirect is followed, no proxy of the environment asked; the whole request has a
time limit, however slowly the other side sends, and of its answer a part is read at most.
"""

import ssl
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx2
from httpcore2 import (
    URL,
    ConnectError,
    ConnectionPool,
    ConnectTimeout,
    NetworkBackend,
    NetworkStream,
    ReadTimeout,
    SyncBackend,
    TimeoutException,
    WriteTimeout,
)

from xrm_core.outgoing.addresses import Network, is_public, is_within
from xrm_core.outgoing.names import Lookups, Resolve, resolved

SECONDS = 15.0
"""For a request, from looking up the name to the end of the answer."""

MOST_BYTES = 64 * 1024
"""Of an answer; what comes after them is not read."""

MOST_CONNECTIONS = 256
"""At a time: more than ask for one together, so that nobody's time goes by waiting for those of others."""

_LEAST_PORT, _TLS_PORT = 1024, 443


class NotAnswered(Exception):
    """There is no answer.

    Args:
        code: ``URL_REFUSED``, ``NAME_UNKNOWN``, ``ADDRESS_REFUSED``, ``NOT_REACHED``, ``TLS_FAILED``, ``TIMED_OUT`` or
            ``NO_ANSWER``; ``TOO_LARGE`` where all of the answer was wanted.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Answer:
    """What the other side has answered; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Fetched(Answer):
    """The same with all that was sent."""

    body: bytes


@cache
def _tls() -> ssl.SSLContext:
    """Whom to believe, for all clients of a process: to read it takes as long as a hundred requests."""
    return httpx2.create_ssl_context(trust_env=False)


class Outgoing:
    """Sends requests. For several threads.

    Args:
        allowed: networks of one's own that may be asked, too, also without TLS; all others have to be of the internet.
        seconds: for a request.
        resolve: looks up a name; for tests.
        tls: for tests.
    """

    def __init__(
        self,
        allowed: Iterable[Network] = (),
        seconds: float = SECONDS,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._seconds = seconds
        self._under_way = _UnderWay()
        backend = _Pinned(tuple(allowed), Lookups(resolve or resolved), self._under_way)
        self._pool = ConnectionPool(
            ssl_context=tls or _tls(),
            max_connections=MOST_CONNECTIONS,
            max_keepalive_connections=64,
            keepalive_expiry=5.0,
            network_backend=backend,
        )

    def post(self, url: str, body: bytes, headers: Mapping[str, str], whose: str = "") -> Answer:
        """Send a body. Blocking. ``whose``: the tenant that wants it; none takes what others need.

        Raises:
            NotAnswered: there is no answer, or nothing was sent.
        """
        return self._exchange("POST", url, body, headers, whose=whose)

    def fetch(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", most: int = MOST_BYTES
    ) -> Fetched:
        """Send a request and read the whole answer. Blocking.

        Args:
            method: such as GET.
            url: what is asked.
            headers: of the request; the answer comes as it is, so that no coding should be asked for.
            body: what is sent.
            most: bytes that an answer may have.

        Raises:
            NotAnswered: there is no answer, it has more bytes (``TOO_LARGE``), or nothing was sent.
        """
        parts: list[bytes] = []
        found = self._exchange(method, url, body, headers, parts, most)
        if sum(map(len, parts)) > most:
            raise NotAnswered("TOO_LARGE")
        return Fetched(found.status, found.headers, b"".join(parts))

    def _exchange(
        self,
        method: str,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        parts: list[bytes] | None = None,
        most: int = MOST_BYTES,
        whose: str = "",
    ) -> Answer:
        """``parts`` takes what is read of the answer."""
        target = checked(url)
        self._under_way.begin(self._seconds, tls=target.scheme == b"https", whose=whose)
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        waits = dict.fromkeys(("connect", "read", "write", "pool"), self._seconds)
        try:
            with self._pool.stream(
                method, target, headers=pairs, content=body, extensions={"timeout": waits}
            ) as answer:
                read = 0
                for part in answer.iter_stream():
                    read += len(part)
                    if parts is not None:
                        parts.append(part)
                    if read > most:
                        break  # which closes the connection
                return Answer(
                    answer.status,
                    {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers},
                )
        except NotAnswered:
            raise
        except TimeoutException:
            raise NotAnswered("TIMED_OUT") from None
        except ConnectError as error:
            raise NotAnswered("TLS_FAILED" if _is_tls(error) else "NOT_REACHED") from None
        except Exception:
            raise NotAnswered("NO_ANSWER") from None

    def close(self) -> None:
        """Close connections that are kept."""
        self._pool.close()


def checked(url: str) -> URL:
    """An address that may be asked, if its host is one. Raises NotAnswered."""
    try:
        found = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError):
        raise NotAnswered("URL_REFUSED") from None
    if (
        found.scheme not in ("http", "https")
        or not found.host
        or found.userinfo
        or found.fragment
        or not url.isprintable()
    ):
        raise NotAnswered("URL_REFUSED")
    return URL(scheme=found.raw_scheme, host=found.raw_host, port=found.port, target=found.raw_path)


class _UnderWay(threading.local):
    """The request of a thread: when it must end, whether it goes by TLS, and which tenant wants it."""

    until = 0.0
    tls = True
    whose = ""

    def begin(self, seconds: float, *, tls: bool, whose: str) -> None:
        self.until, self.tls, self.whose = time.monotonic() + seconds, tls, whose

    def left(self, error: type[Exception]) -> float:
        """Seconds that are left; raises the error if there are none."""
        seconds = self.until - time.monotonic()
        if seconds <= 0:
            raise error
        return seconds


class _Pinned(NetworkBackend):
    """Connects to addresses that were judged."""

    def __init__(self, allowed: Sequence[Network], names: Lookups, under_way: _UnderWay) -> None:
        self._allowed = allowed
        self._names = names
        self._under_way = under_way
        self._backend = SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - ours counts
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> NetworkStream:
        """A connection to one of the addresses of a host, if all of them may be asked."""
        addresses = self._names.look_up(host, port, self._under_way.left(ConnectTimeout), self._under_way.whose)
        if addresses is None:
            raise ConnectTimeout
        if not addresses or not all(self._may_be_asked(each, port) for each in addresses):
            raise NotAnswered("ADDRESS_REFUSED" if addresses else "NAME_UNKNOWN")
        for number, address in enumerate(addresses, start=1):
            left = self._under_way.left(ConnectTimeout)
            try:
                stream = self._backend.connect_tcp(
                    address, port, left / (len(addresses) - number + 1), local_address, socket_options
                )
            except (ConnectError, ConnectTimeout):
                if number == len(addresses):
                    raise
            else:
                return _Limited(stream, self._under_way)
        raise AssertionError  # the last one has returned or raised

    def _may_be_asked(self, address: str, port: int) -> bool:
        if is_within(address, self._allowed):
            return True
        # Ports below are those of other services, which an HTTP request could be made to talk to.
        return self._under_way.tls and is_public(address) and (port == _TLS_PORT or port >= _LEAST_PORT)


class _Limited(NetworkStream):
    """A connection on which no request takes longer than it may."""

    def __init__(self, stream: NetworkStream, under_way: _UnderWay) -> None:
        self._stream = stream
        self._under_way = under_way

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """As long as the request may still take."""
        return self._stream.read(max_bytes, self._under_way.left(ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """As long as the request may still take."""
        self._stream.write(buffer, self._under_way.left(WriteTimeout))

    def close(self) -> None:
        """Close it."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> NetworkStream:
        """The certificate has to be that of the name, whatever the address is."""
        left = self._under_way.left(ConnectTimeout)
        return _Limited(self._stream.start_tls(ssl_context, server_hostname, left), self._under_way)

    def get_extra_info(self, info: str) -> Any:
        """What there is to know of it."""
        return self._stream.get_extra_info(info)


def _is_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
