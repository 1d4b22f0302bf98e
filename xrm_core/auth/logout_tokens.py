"""What a logout token must be (OpenID Connect Back-Channel Logout 1.0 section 2.6), beside signed for us and now."""

import datetime as dt
from dataclasses import dataclass

from xrm_core.auth.oidc_documents import Documents
from xrm_core.auth.oidc_providers import Provider
from xrm_core.auth.oidc_tokens import TokenInvalid, Verified, is_name, verified

EVENT = "http://schemas.openid.net/event/backchannel-logout"

LONGEST = dt.timedelta(minutes=10)
"""After so long a logout token is not taken, whatever it says itself: its ``jti`` is kept as long as it could be."""

_TYPES = ("logout+jwt", "application/logout+jwt", "jwt")
_MAX_JTI = 1000


@dataclass(frozen=True)
class LogoutToken:
    """Whom a provider signs out: the session ``sid``, without it all of ``subject``. One of the two may be None."""

    jti: str
    subject: str | None
    sid: str | None
    issued_at: dt.datetime


async def read_logout_token(token: str, provider: Provider, documents: Documents) -> LogoutToken:
    """A logout token, checked but for whether it was used before.

    Args:
        token: as it came.
        provider: whose it must be.
        documents: have the provider's keys.

    Raises:
        TokenInvalid: it is none.
        ProviderUnavailable: the provider does not say by which keys it signs.
    """
    return _checked(await verified(token, provider, documents))


def _checked(found: Verified) -> LogoutToken:
    claims = found.claims
    # Older providers name no type; an ID token in its place has no events, and a nonce.
    kind = found.header.get("typ", "jwt")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise TokenInvalid("token is of another type.")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise TokenInvalid("token is about something else than signing out.")
    if "nonce" in claims:
        raise TokenInvalid("token has a nonce, so it is no logout token.")
    jti, subject, sid = claims.get("jti"), claims.get("sub"), claims.get("sid")
    if not isinstance(jti, str) or not 0 < len(jti) <= _MAX_JTI or not jti.isprintable():
        raise TokenInvalid("token has no jti.")
    if (subject, sid) == (None, None) or not all(each is None or is_name(each) for each in (subject, sid)):
        raise TokenInvalid("token does not say whom it signs out.")
    issued_at = dt.datetime.fromtimestamp(claims["iat"], dt.UTC)
    if issued_at < dt.datetime.now(dt.UTC) - LONGEST:
        raise TokenInvalid("token is too old.")
    return LogoutToken(jti, subject, sid, issued_at)
