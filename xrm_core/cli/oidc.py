"""``xrm oidc``: what is to be entered at OpenID providers."""

from typing import TYPE_CHECKING, Annotated

import typer

from xrm_core.cli.options import DatabaseUrl, Schemas

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from xrm_core.auth.oidc_providers import Provider
    from xrm_core.settings import Settings

app = typer.Typer(help="Signing in and out by OpenID providers.", no_args_is_help=True)


@app.callback()
def oidc() -> None:
    """Signing in and out by OpenID providers."""


@app.command("list")
def list_providers(
    check: Annotated[bool, typer.Option("--check", help="Ask each provider what it offers.")] = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """List the providers of XRM_OIDC, each with the addresses that are to be entered there."""
    from xrm_core.auth.oidc_providers import load_providers
    from xrm_core.cli.account_lists import aligned
    from xrm_core.cli.tenant_option import chosen_tenant
    from xrm_core.cli.workplace import start
    from xrm_core.server.assembly import require_there
    from xrm_core.server.oidc_clients import BACKCHANNEL, CALLBACK, SIGNED_OUT, registered
    from xrm_core.settings import load_settings

    require_there(start(schemas, database))
    main = load_settings(schemas=schemas, database_url=database)  # which has the catalogue, whatever tenant is meant
    found = [each for each in load_providers(main.oidc).values() if chosen_tenant() in ("", each.tenant)]
    hosts = _hosts(main)
    for each in found:
        by_host = not each.tenant or _host(each) in hosts.get(each.tenant, ())
        base = "" if by_host else f"/t/{each.tenant}"
        typer.echo("  ".join(filter(None, (each.name, each.issuer, each.tenant and f"tenant {each.tenant}"))))
        rows = [
            ("  redirect URI", registered(each, base, CALLBACK)),
            ("  post-logout redirect URI", registered(each, base, SIGNED_OUT)),
            ("  back-channel logout URL", registered(each, base, BACKCHANNEL)),
        ]
        for line in aligned([*rows, *(_offers(each) if check else [])]):
            typer.echo(line)


def _offers(provider: "Provider") -> "list[tuple[str, str]]":
    import asyncio

    from xrm_core.auth.end_session import end_session_url
    from xrm_core.auth.oidc_documents import Documents

    async def ask() -> "Mapping[str, Any]":
        return await Documents(provider).metadata()

    metadata = asyncio.run(ask())
    signs_out = end_session_url(metadata, provider, "", "", None) is not None
    told = metadata.get("backchannel_logout_supported") is True
    return [
        ("  signs out there", "yes" if signs_out else "no: the provider has no end_session_endpoint that is safe"),
        ("  signs out here", "yes" if told else "no: the provider does not offer back-channel logout"),
    ]


def _host(provider: "Provider") -> str:
    from urllib.parse import urlsplit

    return urlsplit(provider.url).hostname or ""


def _hosts(settings: "Settings") -> "Mapping[str, tuple[str, ...]]":
    """The host names of tenants."""
    from xrm_core.storage.engines import Database
    from xrm_core.storage.tenants import tenants

    main = Database(settings.database_url)
    try:
        with main.read() as connection:
            return {each.name: each.hosts for each in tenants(connection, settings.data_dir)}
    finally:
        main.close()
