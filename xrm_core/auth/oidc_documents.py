"""What an OpenID provider publishes about itself: its metadata (Discovery 1.0) and the keys that sign its tokens."""

import asyncio
import time
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson

from xrm_core.auth.oidc_providers import Provider, is_safe_url
from xrm_core.errors import XrmError
from xrm_core.outgoing.addresses import Network

if TYPE_CHECKING:
    from ssl import SSLContext

KEEP_SECONDS = 3600.0
"""How long what a provider says about itself, and its keys, are kept."""

REFETCH_SECONDS = 60.0
"""How often keys are fetched again at most because a token names one that is not known."""

FAILED_SECONDS = 2.0
"""How long a provider that has not answered is not asked again: strangers may send tokens, and each would ask it."""

TIMEOUT = 10.0
MAX_BYTES = 1_000_000
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class ProviderUnavailable(XrmError):
    """The provider does not answer, or not as it should."""

    code = "PROVIDER_UNAVAILABLE"
    http_status = 502


@cache
def tls() -> "SSLContext":
    """What is needed to speak to providers by TLS. To make it takes the event loop as long as a hundred requests."""
    from httpx2 import create_ssl_context

    return create_ssl_context()


class Documents:
    """Fetches them and keeps them for a while; who asks meanwhile waits for the same answer. Of one event loop.

    Args:
        provider: whose.
        networks: of one's own, in which it may be.
        transport: for tests: what HTTP requests go through.
    """

    def __init__(self, provider: Provider, networks: Iterable[Network] = (), transport: Any = None) -> None:
        self._provider = provider
        self._networks = tuple(networks)
        self._transport = transport
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, Any] | None = None
        self._failed_at: float | None = None
        self._turn = asyncio.Lock()

    async def metadata(self) -> dict[str, Any]:
        """The metadata; where it says that codes, tokens and keys are is safe to ask.

        Raises:
            ProviderUnavailable: the provider does not say.
        """
        async with self._turn:
            return await self._discovered()

    async def keys(self, *, again: bool = False) -> Any:
        """The key set.

        Args:
            again: those that are kept do not have the one that is needed.

        Raises:
            ProviderUnavailable: the provider does not say.
        """
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        within = REFETCH_SECONDS if again else KEEP_SECONDS
        known = self._known_keys(within)
        if known is not None:
            return known
        async with self._turn:
            known = self._known_keys(within)  # somebody else may have fetched them
            if known is not None:
                return known
            found = await self._get((await self._discovered())["jwks_uri"])
            try:
                keys = KeySet.import_key_set(found)  # type: ignore[arg-type]
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise self.unavailable() from error
            self._keys = time.monotonic(), keys
            return keys

    @property
    def transport(self) -> Any:
        """What HTTP requests to the provider go through."""
        if self._transport is None:
            from xrm_core.auth.oidc_transport import ProviderTransport

            self._transport = ProviderTransport(self._provider, self._networks)
        return self._transport

    def unavailable(self) -> ProviderUnavailable:
        """The error for a provider that does not answer, or not as it should."""
        return ProviderUnavailable(
            f"The provider «{self._provider.name}» does not answer as it should.",
            hint="Try again in a moment, or sign in otherwise. Who runs the server finds its address in XRM_OIDC.",
        )

    def _known_keys(self, within: float) -> Any:
        """The keys if they were fetched within so many seconds; nobody who has what it takes waits for others."""
        return self._keys[1] if self._keys and time.monotonic() <= self._keys[0] + within else None

    async def _discovered(self) -> dict[str, Any]:
        if self._metadata is None or time.monotonic() > self._metadata[0] + KEEP_SECONDS:
            found = await self._get(f"{self._provider.issuer.rstrip('/')}/.well-known/openid-configuration")
            safe = all(isinstance(found.get(each), str) and is_safe_url(found[each]) for each in _ENDPOINTS)
            if found.get("issuer") != self._provider.issuer or not safe:
                raise self.unavailable()
            self._metadata = time.monotonic(), found
        return self._metadata[1]

    async def _get(self, url: str) -> dict[str, Any]:
        if self._failed_at is not None and time.monotonic() < self._failed_at + FAILED_SECONDS:
            raise self.unavailable()
        try:
            return await self._fetched(url)
        except ProviderUnavailable:
            self._failed_at = time.monotonic()
            raise

    async def _fetched(self, url: str) -> dict[str, Any]:
        from httpx2 import AsyncClient, HTTPError

        content = b""
        try:
            async with (
                AsyncClient(timeout=TIMEOUT, transport=self.transport) as client,
                client.stream("GET", url, headers={"accept": "application/json"}) as answer,
            ):
                answer.raise_for_status()
                async for part in answer.aiter_bytes():
                    content += part
                    if len(content) > MAX_BYTES:
                        raise self.unavailable()
                found = orjson.loads(content)
        except (HTTPError, ValueError) as error:
            raise self.unavailable() from error
        if not isinstance(found, dict):
            raise self.unavailable()
        return found
