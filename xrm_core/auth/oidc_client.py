"""OpenID Connect as its client: authorization code with PKCE, and what the provider's ID token says.

Sources: OpenID Connect Core 1.0 section 3.1, Discovery 1.0, RFC 7636 (PKCE), RFC 9207 (``iss`` in the answer).
"""

import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xrm_core.auth.oidc_documents import MAX_BYTES, TIMEOUT, Documents, ProviderUnavailable
from xrm_core.auth.oidc_providers import Provider
from xrm_core.auth.oidc_tokens import TokenInvalid, verified
from xrm_core.errors import Unauthenticated
from xrm_core.outgoing.addresses import Network

__all__ = ["Flow", "IdToken", "OidcClient", "ProviderSignInFailed", "ProviderUnavailable", "refused"]


class ProviderSignInFailed(Unauthenticated):
    """The provider's answer does not show who it is, or the provider has refused."""

    code = "PROVIDER_SIGN_IN_FAILED"


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


@dataclass(frozen=True)
class IdToken:
    """What a provider says about somebody, and the token that says it."""

    claims: Mapping[str, Any]
    text: str = field(repr=False)


class OidcClient:
    """Talks with one provider. Belongs to one event loop.

    Args:
        provider: which.
        networks: of one's own, in which it may be.
        transport: for tests: what HTTP requests go through.
    """

    def __init__(self, provider: Provider, networks: Iterable[Network] = (), transport: Any = None) -> None:
        self.provider = provider
        self.documents = Documents(provider, networks, transport)

    async def authorization_url(self, flow: Flow, redirect_uri: str) -> str:
        """Where the browser goes to sign in.

        Raises:
            ProviderUnavailable: the provider does not say.
        """
        endpoint = (await self.documents.metadata())["authorization_endpoint"]
        async with self._oauth(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                endpoint, state=flow.state, code_verifier=flow.verifier, nonce=flow.nonce
            )
        return str(url)

    async def id_token(self, flow: Flow, redirect_uri: str, given: Mapping[str, str]) -> IdToken:
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
        token = await self._exchanged(flow, redirect_uri, given["code"])
        return IdToken(await self._claims(token, flow.nonce), token)

    async def _exchanged(self, flow: Flow, redirect_uri: str, code: str) -> str:
        from authlib.integrations.httpx_client import OAuthError
        from httpx2 import HTTPError

        endpoint = (await self.documents.metadata())["token_endpoint"]
        try:
            async with self._oauth(redirect_uri) as client:
                answer = await client.fetch_token(
                    endpoint, grant_type="authorization_code", code=code, code_verifier=flow.verifier
                )
        except OAuthError as error:
            raise refused("The provider has not taken its own code.") from error
        except (HTTPError, ValueError) as error:
            raise self.documents.unavailable() from error
        token = answer.get("id_token")
        if not isinstance(token, str) or len(token) > MAX_BYTES:
            raise refused("The provider has sent no ID token.")
        return token

    async def _claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        own = {"nonce": {"essential": True, "value": nonce}, "sub": {"essential": True}}
        try:
            return (await verified(id_token, self.provider, self.documents, **own)).claims
        except TokenInvalid as error:
            raise refused(f"The provider's ID {error}") from error

    def _oauth(self, redirect_uri: str) -> Any:
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        return AsyncOAuth2Client(
            self.provider.client_id,
            self.provider.client_secret or None,
            token_endpoint_auth_method="client_secret_basic" if self.provider.client_secret else "none",
            scope=" ".join(self.provider.scopes),
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=TIMEOUT,
            transport=self.documents.transport,
        )


def refused(reason: str) -> ProviderSignInFailed:
    """The error of a sign-in that has not shown who it is."""
    return ProviderSignInFailed(reason, hint="Begin again; if it stays so, ask who administers the users.")
