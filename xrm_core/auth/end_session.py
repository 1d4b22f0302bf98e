"""Where a browser goes to end its session at an OpenID provider (RP-Initiated Logout 1.0 section 2)."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from xrm_core.auth.oidc_providers import Provider, is_safe_url

ENDPOINT = "end_session_endpoint"


def end_session_url(
    metadata: Mapping[str, Any], provider: Provider, redirect_uri: str, state: str, id_token: str | None
) -> str | None:
    """The address, with what the provider must know; None: it offers none, or none that is safe.

    Args:
        metadata: what the provider says about itself.
        provider: which.
        redirect_uri: where it sends the browser afterwards; registered there.
        state: comes back with the browser.
        id_token: of the session; without it the provider may ask the user first.
    """
    endpoint = metadata.get(ENDPOINT)
    if not isinstance(endpoint, str) or not is_safe_url(endpoint):
        return None
    query = {"client_id": provider.client_id, "post_logout_redirect_uri": redirect_uri, "state": state}
    if id_token is not None:
        query["id_token_hint"] = id_token
        hint = _login_hint(id_token)
        if hint is not None:
            query["logout_hint"] = hint
    parts = urlsplit(endpoint)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(query))))))


def _login_hint(id_token: str) -> str | None:
    """What Entra ID takes to know which of several accounts it is. The token was verified before it was kept."""
    try:
        content = id_token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
        hint = claims.get("login_hint")
    except (IndexError, AttributeError, ValueError, binascii.Error):
        return None
    return hint if isinstance(hint, str) and hint.isprintable() else None
