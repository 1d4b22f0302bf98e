"""OpenID Connect as its client: authorization code with PKCE, and what the provider's ID token says.

Sources: OpenID Connect Core 1.0 section 3.1, Discovery 1.0, RFC 7636 (PKCE), RFC 9207 (``iss`` in the answer).
"""

import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from xrm_core.auth.oidc_providers import Provider, is_safe_url
from xrm_core.errors import Unauthenticated, XrmError

KEEP_SECONDS = 3600.0
"""How long what a provider says about itself, and its keys, are kept."""

REFETCH_SECONDS = 60.0
"""How often keys are fetched again at most because a token names one that is not known."""

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"]
"""Those with a public key: a token must not be signed by what anybody can read (RFC 8725 section 3.1)."""

LEEWAY_SECONDS = 60
_TIMEOUT = 10.0
_MAX_BYTES = 1_000_000
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class ProviderSignInFailed(Unauthenticated):
    """The provider's answer does not show who it is, or the provider has refused."""

    code = "PROVIDER_SIGN_IN_FAILED"


class ProviderUnavailable(XrmError):
    """The provider does not answer, or not as it should."""

    code = "PROVIDER_UNAVAILABLE"
    http_status = 502


@dataclass(frozen=True)
class Flow:
    """What a sign-in that is under way must find again when the browser comes back."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    next: str

    @classmethod
    def begin(cls, next_: str) -> "Flow":
        """A new one; ``next_`` is where the browser goes at the end."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), next_)


class OidcClient:
    """Talks with one provider. Belongs to one event loop.

    Args:
        provider: which.
        transport: for tests: what HTTP requests go through.
    """

    def __init__(self, provider: Provider, transport: Any = None) -> None:
        self.provider = provider
        self._transport = transport
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, Any] | None = None

    async def authorization_url(self, flow: Flow, redirect_uri: str) -> str:
        """Where the browser goes to sign in.

        Raises:
            ProviderUnavailable: the provider does not say.
        """
        endpoint = (await self._discovered())["authorization_endpoint"]
        async with self._oauth(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                endpoint, state=flow.state, code_verifier=flow.verifier, nonce=flow.nonce
            )
        return str(url)

    async def claims(self, flow: Flow, redirect_uri: str, given: Mapping[str, str]) -> dict[str, Any]:
        """What the provider says about who has come back.

        Args:
            flow: as it was begun.
            redirect_uri: as in :meth:`authorization_url`.
            given: parameters with which the browser came.

        Raises:
            ProviderSignInFailed: it does not show who it is.
            ProviderUnavailable: the provider does not answer.
        """
        if not hmac.compare_digest(given.get("state", "").encode(), flow.state.encode()):
            raise refused("The answer is not to this sign-in.")
        if given.get("iss", self.provider.issuer) != self.provider.issuer:
            raise refused("The answer is another provider's.")
        if "error" in given or not given.get("code"):
            raise refused("The provider has refused the sign-in.")
        token = await self._id_token(flow, redirect_uri, given["code"])
        return await self._verified(token, flow.nonce)

    async def _id_token(self, flow: Flow, redirect_uri: str, code: str) -> str:
        from authlib.integrations.httpx_client import OAuthError
        from httpx2 import HTTPError

        endpoint = (await self._discovered())["token_endpoint"]
        try:
            async with self._oauth(redirect_uri) as client:
                answer = await client.fetch_token(
                    endpoint, grant_type="authorization_code", code=code, code_verifier=flow.verifier
                )
        except OAuthError as error:
            raise refused("The provider has not taken its own code.") from error
        except (HTTPError, ValueError) as error:
            raise self._unavailable() from error
        token = answer.get("id_token")
        if not isinstance(token, str) or len(token) > _MAX_BYTES:
            raise refused("The provider has sent no ID token.")
        return token

    async def _verified(self, id_token: str, nonce: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError

        keys = await self._key_set()
        try:
            try:
                token = jwt.decode(id_token, keys, algorithms=ALGORITHMS)
            except InvalidKeyIdError:
                token = jwt.decode(id_token, await self._key_set(again=True), algorithms=ALGORITHMS)
            registry = jwt.JWTClaimsRegistry(
                leeway=LEEWAY_SECONDS,
                iss={"essential": True, "value": self.provider.issuer},
                aud={"essential": True, "value": self.provider.client_id},
                nonce={"essential": True, "value": nonce},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
            )
            registry.validate(token.claims)
        except (JoseError, ValueError) as error:
            raise refused("The provider's ID token is not valid.") from error
        claims: dict[str, Any] = token.claims
        audience = claims["aud"]
        parties = [audience] if isinstance(audience, str) else audience
        if claims.get("azp", self.provider.client_id) != self.provider.client_id:
            raise refused("The provider's ID token is for another program.")
        if len(parties) > 1 and "azp" not in claims:
            raise refused("The provider's ID token does not say for whom of several it is.")
        return claims

    async def _discovered(self) -> dict[str, Any]:
        if self._metadata is None or time.monotonic() > self._metadata[0] + KEEP_SECONDS:
            found = await self._get(f"{self.provider.issuer.rstrip('/')}/.well-known/openid-configuration")
            safe = all(isinstance(found.get(each), str) and is_safe_url(found[each]) for each in _ENDPOINTS)
            if found.get("issuer") != self.provider.issuer or not safe:
                raise self._unavailable()
            self._metadata = time.monotonic(), found
        return self._metadata[1]

    async def _key_set(self, *, again: bool = False) -> Any:
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        age = None if self._keys is None else time.monotonic() - self._keys[0]
        if self._keys is None or age is None or age > (REFETCH_SECONDS if again else KEEP_SECONDS):
            found = await self._get((await self._discovered())["jwks_uri"])
            try:
                self._keys = time.monotonic(), KeySet.import_key_set(found)  # type: ignore[arg-type]
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise self._unavailable() from error
        return self._keys[1]

    async def _get(self, url: str) -> dict[str, Any]:
        from httpx2 import AsyncClient, HTTPError

        content = b""
        try:
            async with (
                AsyncClient(timeout=_TIMEOUT, transport=self._transport) as client,
                client.stream("GET", url, headers={"accept": "application/json"}) as answer,
            ):
                answer.raise_for_status()
                async for part in answer.aiter_bytes():
                    content += part
                    if len(content) > _MAX_BYTES:
                        raise self._unavailable()
                found = orjson.loads(content)
        except (HTTPError, ValueError) as error:
            raise self._unavailable() from error
        if not isinstance(found, dict):
            raise self._unavailable()
        return found

    def _oauth(self, redirect_uri: str) -> Any:
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        return AsyncOAuth2Client(
            self.provider.client_id,
            self.provider.client_secret or None,
            token_endpoint_auth_method="client_secret_basic" if self.provider.client_secret else "none",
            scope=" ".join(self.provider.scopes),
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=_TIMEOUT,
            transport=self._transport,
        )

    def _unavailable(self) -> ProviderUnavailable:
        return ProviderUnavailable(
            f"The provider «{self.provider.name}» does not answer as it should.",
            hint="Try again in a moment, or sign in otherwise. Who runs the server finds its address in XRM_OIDC.",
        )


def refused(reason: str) -> ProviderSignInFailed:
    """The error of a sign-in that has not shown who it is."""
    return ProviderSignInFailed(reason, hint="Begin again; if it stays so, ask who administers the users.")
