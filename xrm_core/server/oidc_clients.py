"""The OpenID providers of a server, and the addresses that each of them knows of it."""

import re
from ipaddress import ip_network

from starlette.requests import Request

from xrm_core.auth.oidc_client import OidcClient
from xrm_core.auth.oidc_providers import Provider, load_providers
from xrm_core.auth.secret_box import SecretBox
from xrm_core.errors import NotFound
from xrm_core.server.sites import site_of
from xrm_core.settings import Settings

CALLBACK, SIGNED_OUT, BACKCHANNEL = "callback", "signed-out", "backchannel-logout"
"""Last parts of the addresses to which a provider sends browsers that have signed in, or out, and logout tokens."""

_OWN_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]{0,2000}")


class OidcClients:
    """Clients of all providers; those of the tenant of a request are the ones that it finds.

    Args:
        settings: where they are named.
        box: encrypts what a browser carries to a provider and back.

    Raises:
        SettingsError: the file of providers has mistakes.
        SecretKeyNeeded: there is no key for what they need.
    """

    def __init__(self, settings: Settings, box: SecretBox) -> None:
        networks = tuple(map(ip_network, settings.oidc_networks))
        self.all = {key: OidcClient(each, networks) for key, each in load_providers(settings.oidc).items()}
        if self.all:
            box.require()

    def of(self, request: Request) -> OidcClient:
        """The one that the path names. Raises NotFound: this tenant has none of this name."""
        client = self.named(request, request.path_params["name"])
        if client is None:
            raise NotFound("There is nothing at this address.")
        return client

    def named(self, request: Request, name: str) -> OidcClient | None:
        """The one of this name that the request's tenant has, or None."""
        return self.all.get((site_of(request.scope).name, name))


def address_at(request: Request, client: OidcClient, end: str) -> str:
    """An address by which the provider knows the request's site; ``end`` is its last part."""
    return registered(client.provider, request.scope.get("root_path", ""), end)


def registered(provider: Provider, base: str, end: str) -> str:
    """An address as it is registered at a provider.

    Args:
        provider: which.
        base: the path of the tenant, if it is reached by one.
        end: last part of the address.
    """
    return f"{provider.url.rstrip('/')}{base}/auth/oidc/{provider.name}/{end}"


def next_path(request: Request) -> str | None:
    """Where the browser goes at the end: the parameter «next», else the beginning; None: it is no path of ours."""
    found = request.query_params.get("next", f"{request.scope.get('root_path', '')}/")
    return found if _OWN_PATH.fullmatch(found) else None
