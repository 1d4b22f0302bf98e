"""Tokens that an OpenID provider has signed: what all of them must be (OpenID Connect Core 1.0 section 3.1.3.7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xrm_core.auth.oidc_documents import Documents
from xrm_core.auth.oidc_providers import Provider

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"]
"""Those with a public key: a token must not be signed by what anybody can read (RFC 8725 section 3.1)."""

LEEWAY_SECONDS = 60
"""By how much the clocks of provider and server may differ."""

MAX_SUBJECT = 255
"""Signs of a subject, OpenID Connect Core 1.0 section 2."""

_LAST_SECOND = 253_402_300_799  # of the year 9999


class TokenInvalid(ValueError):
    """A token is not what it must be; its text says why, without anything of the token."""


@dataclass(frozen=True)
class Verified:
    """Header and claims of a token whose signature is right."""

    header: Mapping[str, Any]
    claims: dict[str, Any]


async def verified(token: str, provider: Provider, documents: Documents, **expected: Any) -> Verified:
    """What a token says that the provider has signed for us, now.

    Args:
        token: as it came.
        provider: whose it must be.
        documents: have the provider's keys.
        expected: more claims, as joserfc's registry takes them.

    Raises:
        TokenInvalid: it is not one.
        ProviderUnavailable: the provider does not say by which keys it signs.
    """
    from joserfc import jwt
    from joserfc.errors import InvalidKeyIdError, JoseError

    keys = await documents.keys()
    try:
        try:
            decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
        except InvalidKeyIdError:
            decoded = jwt.decode(token, await documents.keys(again=True), algorithms=ALGORITHMS)
        registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": provider.issuer},
            aud={"essential": True, "value": provider.client_id},
            exp={"essential": True},
            iat={"essential": True},
            **expected,
        )
        registry.validate(decoded.claims)
    except (JoseError, ValueError) as error:
        raise TokenInvalid("token is not valid.") from error
    claims: dict[str, Any] = decoded.claims
    if not 0 <= claims["iat"] <= _LAST_SECOND:
        raise TokenInvalid("token does not say when it was made.")
    audience = claims["aud"]
    parties = [audience] if isinstance(audience, str) else audience
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise TokenInvalid("token is for another program.")
    if len(parties) > 1 and "azp" not in claims:
        raise TokenInvalid("token does not say for whom of several it is.")
    return Verified(decoded.header, claims)


def is_name(value: Any) -> bool:
    """Whether a claim can be a subject or the id of a session: printable ASCII, not endless."""
    return isinstance(value, str) and 0 < len(value) <= MAX_SUBJECT and value.isascii() and value.isprintable()
