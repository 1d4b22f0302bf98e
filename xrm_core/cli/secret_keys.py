"""``xrm secrets``: what is encrypted in databases, and with which key."""

from typing import TYPE_CHECKING

import typer

from xrm_core.cli.options import DatabaseUrl, Schemas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xrm_core.sealed.key_store import KeyStore
    from xrm_core.settings import Settings

app = typer.Typer(help="Secrets that are kept encrypted.", no_args_is_help=True)


@app.callback()
def secrets() -> None:
    """Secrets that are kept encrypted."""


@app.command()
def rotate(schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Encrypt all secrets of the main database and all tenants with the first key of XRM_SECRET_KEY."""
    from xrm_core.auth import key_rotation
    from xrm_core.auth.secret_box import SecretBox
    from xrm_core.cli.workplace import start
    from xrm_core.server.assembly import require_there
    from xrm_core.storage.engines import Database

    settings = start(schemas, database)
    require_there(settings)
    box = SecretBox(settings.secret_key)
    box.require()
    places = {name: Database(url) for name, url in _places(settings).items()}
    keys = _key_store(settings)
    try:
        if keys is not None:
            keys.rewrap(dry_run=True)
        for name, place in places.items():  # all of them first: one key too few, and nothing is done anywhere
            with place.read() as connection:
                found = key_rotation.survey(connection, box)
            if found.unreadable:
                raise key_rotation.unreadable(found, name)
        for name, place in places.items():
            with place.begin() as connection:
                done = key_rotation.rotate(connection, box)
            typer.echo(f"{name}: {done.anew} encrypted anew, {done.already} had the first key already.")
        if keys is not None:
            wrapped = keys.rewrap()
            typer.echo(f"key store: {wrapped.anew} encrypted anew, {wrapped.already} had the first key already.")
    finally:
        if keys is not None:
            keys.close()
        for place in places.values():
            place.close()


def _key_store(settings: "Settings") -> "KeyStore | None":
    """The keys of sealed values, which all tenants have in one place; None: there are none, or not all are meant."""
    from xrm_core.cli.tenant_option import chosen_tenant
    from xrm_core.sealed.key_store import KeyStore
    from xrm_core.storage.engines import is_missing

    if chosen_tenant() or not settings.key_store_url or is_missing(settings.key_store_url):
        return None
    return KeyStore(settings.key_store_url, settings.secret_key)


def _places(settings: "Settings") -> "Mapping[str, str]":
    """Name and URL of the databases that are meant."""
    from xrm_core.cli.tenant_option import chosen_tenant
    from xrm_core.server.tenant_moves import MAIN
    from xrm_core.storage.engines import Database
    from xrm_core.storage.tenants import SERVED, tenants

    if chosen_tenant():
        return {chosen_tenant(): settings.database_url}
    main = Database(settings.database_url)
    try:
        with main.read() as connection:
            found = tenants(connection, settings.data_dir)
    finally:
        main.close()
    return {MAIN: settings.database_url} | {each.name: each.url for each in found if each.state in SERVED}
