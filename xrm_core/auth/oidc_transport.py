"""The way to OpenID providers: the one client for addresses from outside, since a provider says where its keys are."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from urllib.parse import urlsplit

import httpx2
import structlog

from xrm_core.auth.oidc_documents import MAX_BYTES, TIMEOUT, tls
from xrm_core.auth.oidc_providers import LOOPBACK, Provider
from xrm_core.outgoing import NotAnswered, Outgoing
from xrm_core.outgoing.addresses import Network

_THREADS = 4
_OWN_MACHINE = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_OURS = ("accept-encoding", "connection")
_log = structlog.get_logger(__name__)


class ProviderTransport(httpx2.AsyncBaseTransport):
    """What HTTP requests to one provider go through.

    Addresses have to be of the internet, or of networks that a setting names; of this machine, if the issuer is on it.

    Args:
        provider: which.
        networks: those of the setting.
    """

    def __init__(self, provider: Provider, networks: Iterable[Network]) -> None:
        self._name = provider.name
        own = _OWN_MACHINE if urlsplit(provider.issuer).hostname in LOOPBACK else ()
        self._outgoing = Outgoing((*networks, *own), TIMEOUT, tls=tls())
        self._threads = ThreadPoolExecutor(_THREADS, "xrm-oidc")

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request. Raises httpx2.TransportError: there is no answer, or one that is not taken."""
        headers = {name: value for name, value in request.headers.items() if name not in _OURS}
        headers["connection"] = "close"  # requests are rare, and who is asked today may not be asked for days
        body = await request.aread()
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._outgoing.fetch, request.method, str(request.url), headers, body, MAX_BYTES
            )
            if "content-encoding" in found.headers:  # nobody has asked for it, and it may unpack to anything
                raise NotAnswered("NO_ANSWER")
        except NotAnswered as error:
            _log.warning("provider_not_reached", provider=self._name, reason=error.code)
            raise httpx2.TransportError(error.code) from None
        return httpx2.Response(found.status, headers=dict(found.headers), content=found.body, request=request)

    async def aclose(self) -> None:
        """Nothing: each request has closed its connection, and clients are made for each."""
